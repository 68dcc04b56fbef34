import { AvailabilityError, isThisMachine, UsageError } from '@ckm/foundation';

/** A web proxy between us and servers, as the environment names it. */
export interface WebProxy {
  /** With its port; it may hold a user name and a password, which nobody is shown. */
  readonly url: URL;
  /** What Node's agents take as `proxyEnv`. */
  readonly environment: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The web proxy for an address: `HTTP_PROXY` or `HTTPS_PROXY`, by the address, in small letters or capitals; null: none. This
 * machine itself is never asked through one; what `NO_PROXY` leaves out is Node's to say.
 * @param node the version of Node
 * @throws UsageError `WEB_PROXY_UNSUPPORTED`
 */
export function webProxyFor(
  { protocol, hostname }: URL,
  environment: Environment,
  node: string,
): WebProxy | null {
  if (isThisMachine(hostname)) return null;
  const variable = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const named = valueOf(variable, environment);
  if (named === '') return null;
  // As curl does: without a scheme it is http.
  const text = /^[a-z0-9+.-]+:\/\//i.test(named) ? named : `http://${named}`;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw unsupported(
      `${variable} names no proxy that speaks http or https`,
      `write it like http://proxy:3128`,
    );
  }
  if (!canUseProxies(node))
    throw unsupported(
      `${variable} is set, and Node ${node} goes through no web proxy`,
      'use Node 22.21, 24.5 or newer',
    );
  return { url, environment: { [variable]: text, NO_PROXY: valueOf('NO_PROXY', environment) } };
}

function valueOf(variable: string, environment: Environment): string {
  return environment[variable.toLowerCase()] || (environment[variable] ?? '');
}

function canUseProxies(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}

function unsupported(what: string, hint: string): UsageError {
  return new UsageError(what, { code: 'WEB_PROXY_UNSUPPORTED', hint });
}

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
  const why = statusCode === undefined ? code : `HTTP ${statusCode}`;
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
