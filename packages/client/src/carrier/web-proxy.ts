import { AvailabilityError } from '@ckm/foundation';
import type { WebProxy } from '@ckm/foundation/node';

/** What is wrong with the web proxy; null when it is something else. @param cause as Node's client has it */
export function webProxyError(url: string, proxy: WebProxy, cause: Error): AvailabilityError | null {
  const { code = '', ...about } = cause as NodeJS.ErrnoException & {
    readonly port?: number;
    readonly hostname?: string;
    readonly statusCode?: number;
  };
  const isItself = String(about.port) === portOf(proxy.url) || about.hostname === proxy.url.hostname;
  if (!code.startsWith('ERR_PROXY') && !isItself) return null;
  const { statusCode } = about;
  const below = (cause.cause as NodeJS.ErrnoException | undefined)?.code;
  const unsaid = code.startsWith('ERR_PROXY') ? 'no answer' : code;
  const why = statusCode === undefined ? (below ?? unsaid) : `HTTP ${statusCode}`;
  return new AvailabilityError(`the web proxy ${proxy.url.host} does not lead to ${url}: ${why}`, {
    code: 'WEB_PROXY_FAILED',
    hint: 'check HTTP_PROXY and HTTPS_PROXY; NO_PROXY names servers that are reached without a proxy',
    cause,
  });
}

function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}
