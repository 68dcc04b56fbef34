import { type WebProxy, webProxyFor } from '../web-proxy.js';
import { openRequest, type WebRequestOptions } from '../web-request.js';

/** Both ways through a proxy: by Node's own agents, where this Node has them, and by what stands in for them in older ones. */
export const WAYS = [
  ...(process.allowedNodeEnvironmentFlags.has('--use-env-proxy') ? [['by Node', '24.5.0'] as const] : []),
  ['by ourselves', '22.13.0'] as const,
];

/** The proxy that the environment names for an address, for a version of Node. */
export function proxyAt(address: string, proxy: string, node: string): WebProxy {
  const found = webProxyFor(new URL(address), { HTTP_PROXY: proxy, HTTPS_PROXY: proxy }, node);
  if (found === null) throw new Error('no proxy');
  return found;
}

/** The text of an answer. */
export function ask(address: string, proxy: WebProxy | null, options: WebRequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = openRequest(new URL(address), proxy, options);
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(text));
    });
    sent.end();
  });
}
