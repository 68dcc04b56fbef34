import { UsageError } from '../errors.js';
import { isThisMachine } from '../this-machine.js';
import { isLeftOut } from './no-proxy.js';

/** A web proxy between us and an address, as the environment names it. */
export interface WebProxy {
  /** With its port; it may hold a user name and a password, which nobody is shown. */
  readonly url: URL;
  /** Whether Node's own agents go through it; those of older Nodes are shown the way. */
  readonly isForNode: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The web proxy for an address: `HTTP_PROXY` or `HTTPS_PROXY`, by the address, in small letters or capitals; null: none. This
 * machine itself is never asked through one, nor what `NO_PROXY` names.
 * @param node the version of Node
 * @throws UsageError `WEB_PROXY_UNSUPPORTED`
 */
export function webProxyFor(address: URL, environment: Environment, node: string): WebProxy | null {
  const { protocol, hostname } = address;
  if (isThisMachine(hostname)) return null;
  const variable = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const named = valueOf(variable, environment);
  if (named === '' || isLeftOut(address, valueOf('NO_PROXY', environment))) return null;
  const url = readProxy(named);
  if (url !== null) return { url, isForNode: goesThroughProxies(node) };
  throw new UsageError(`${variable} names no proxy that speaks http or https`, {
    code: 'WEB_PROXY_UNSUPPORTED',
    hint: 'write it like http://proxy:3128',
  });
}

function valueOf(variable: string, environment: Environment): string {
  return environment[variable.toLowerCase()] || (environment[variable] ?? '');
}

function readProxy(named: string): URL | null {
  // As curl does: without a scheme it is http.
  const text = /^[a-z0-9+.-]+:\/\//i.test(named) ? named : `http://${named}`;
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && isDecodable(url.username + url.password) ? url : null;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether the agents of that Node know `proxyEnv`. Source: Node's documentation of `http.Agent`, 24.5 and 22.21. */
function goesThroughProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}
