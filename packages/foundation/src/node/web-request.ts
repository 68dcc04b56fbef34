import type { Agent, ClientRequest, OutgoingHttpHeaders, RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebProxy } from './web-proxy.js';

/**
 * Loaded when it is needed: TLS takes as long to load as half of Node. Not by `import`: that reads each name the module exports,
 * and loads `fetch` and WebSocket with them.
 */
const moduleFor = (protocol: string) =>
  protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');

const familyOf = (host: string) => process.getBuiltinModule('node:net').isIP(host);

/**
 * The agent for addresses of one scheme, through a web proxy or straight. Whoever keeps it uses it for {@link openRequest} with
 * the same proxy.
 * @param protocol of the addresses
 * @param options what is asked of TLS in it is asked of the address, never of the proxy
 */
export function agentFor(protocol: string, proxy: WebProxy | null, options: AgentOptions): Agent {
  if (proxy === null) return new (moduleFor(protocol).Agent)(options);
  const { href } = proxy.url;
  if (proxy.isForNode) {
    const through = { ...options, proxyEnv: { HTTP_PROXY: href, HTTPS_PROXY: href } };
    return new (moduleFor(protocol).Agent)(through);
  }
  if (protocol !== 'https:') return new (moduleFor(proxy.url.protocol).Agent)(options);
  const agent = new (moduleFor(protocol).Agent)(options);
  const secure = agent.createConnection.bind(agent);
  agent.createConnection = (target, done) => {
    openTunnel(proxy.url, target as Target, (error, socket) => {
      if (error !== null) done?.(error, undefined as never);
      else done?.(null, secure({ ...target, socket } as never) as Duplex);
    });
    return undefined;
  };
  return agent;
}

export interface WebRequestOptions extends Omit<RequestOptions, 'headers'> {
  readonly agent: Agent;
  readonly headers?: OutgoingHttpHeaders;
}

/** Opens a request to an address, with an agent of {@link agentFor}. `timeout` bounds how long a proxy may take to connect. */
export function openRequest(address: URL, proxy: WebProxy | null, options: WebRequestOptions): ClientRequest {
  if (proxy === null || proxy.isForNode || address.protocol === 'https:')
    return moduleFor(address.protocol).request(address, options);
  const { urlToHttpOptions } = process.getBuiltinModule('node:url');
  const { origin, pathname, search, host } = address;
  return moduleFor(proxy.url.protocol).request({
    ...urlToHttpOptions(address),
    ...options,
    ...standsAt(proxy.url),
    // Source: RFC 9112 §3.2.2
    path: `${origin}${pathname}${search}`,
    headers: { ...options.headers, host, ...credentialsOf(proxy.url) },
  });
}

/** What Node hands to whoever makes a connection for a request. */
interface Target {
  readonly host: string;
  readonly port: number | string;
  readonly timeout?: number;
}

/** How long a proxy may take where the request does not say. */
const MOST_MS = 30_000;

/**
 * Asks a proxy for a connection to a host. Nothing of the request is said before it stands, and what the proxy says after its
 * answer is refused: in TLS it is not the other side that begins.
 * Source: RFC 9110 §9.3.6
 */
function openTunnel(
  proxy: URL,
  { host, port, timeout = MOST_MS }: Target,
  done: (error: Error | null, socket?: Duplex) => void,
): void {
  const target = `${familyOf(host) === 6 ? `[${host}]` : host}:${port}`;
  const asked = moduleFor(proxy.protocol).request({
    ...standsAt(proxy),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...credentialsOf(proxy) },
    agent: false,
  });
  const alarm = setTimeout(() => asked.destroy(tunnelError('it does not answer')), timeout);
  asked.once('connect', ({ statusCode = 0 }, socket, head) => {
    clearTimeout(alarm);
    if (statusCode >= 200 && statusCode < 300 && head.length === 0) {
      done(null, socket);
      return;
    }
    socket.destroy();
    done(tunnelError(`HTTP ${statusCode}`, { statusCode }));
  });
  asked.on('error', (cause: NodeJS.ErrnoException) => {
    clearTimeout(alarm);
    done(cause.code === TUNNEL ? cause : tunnelError(cause.code ?? cause.message, { cause }));
  });
  asked.end();
}

/** As Node's own agents call it. */
const TUNNEL = 'ERR_PROXY_TUNNEL';

function tunnelError(
  why: string,
  { cause, statusCode }: { cause?: Error; statusCode?: number } = {},
): NodeJS.ErrnoException {
  const error = new Error(`the proxy opened no connection: ${why}`, { cause });
  return Object.assign(error, { code: TUNNEL, ...(statusCode === undefined ? {} : { statusCode }) });
}

/** In TLS it is believed by its own name, whatever the request is for. */
function standsAt({ protocol, hostname, port }: URL) {
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    protocol,
    hostname: host,
    host,
    port: port || (protocol === 'https:' ? '443' : '80'),
    ...(protocol === 'https:' ? { servername: familyOf(host) === 0 ? host : '' } : {}),
  };
}

function credentialsOf({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(plain).toString('base64')}` };
}
