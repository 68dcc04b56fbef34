import { type CkmError, concatBytes } from '@ckm/foundation';
import { agentFor, openRequest, type WebProxy, webProxyFor } from '@ckm/foundation/node';
import type { Agent, IncomingMessage } from 'node:http';
import { connectionLost, noAddress, replyTooLong, timedOut, unreachable } from './fetch-send.js';
import { httpCarrier } from './http-carrier.js';
import { MAX_REPLY_BYTES, requestAddress, ROUTE_HEADER, type HttpSend, type HttpReply } from './http-send.js';
import { redirected } from './proxy-answered.js';
import { tlsSpoken } from './tls-errors.js';
import { webProxyError } from './web-proxy.js';

const KEPT = { keepAlive: true, maxSockets: 64, maxFreeSockets: 8 } as const;
/** One for each kind of address, authority and web proxy. */
const agents = new Map<string, Agent>();

function keptAgent({ protocol }: URL, authority: string | null, proxy: WebProxy | null): Agent {
  const key = JSON.stringify([protocol, authority, proxy?.url ?? null]);
  const known = agents.get(key);
  if (known !== undefined) return known;
  const agent = agentFor(protocol, proxy, authority === null ? KEPT : { ...KEPT, ca: trusted(authority) });
  agents.set(key, agent);
  return agent;
}

function trusted(authority: string): string[] {
  const { rootCertificates } = process.getBuiltinModule('node:tls');
  return [...rootCertificates, authority];
}

/**
 * Carries messages with Node's own HTTP client, over connections that stay open: a third of what `fetch` costs there.
 * Never follows a redirect, and sends no message twice: whoever is asked again is asked in a new message.
 */
export const nodeSend: HttpSend = async (url, request) => {
  try {
    return await send(url, request);
  } catch (error) {
    if (request.method !== 'GET' || !isConnectionLost(error)) throw error;
  }
  try {
    return await send(url, request);
  } catch (error) {
    // A TLS server hangs up on whoever speaks HTTP to it.
    const isTls = isConnectionLost(error) && url.startsWith('http:') && (await speaksTls(new URL(url)));
    throw isTls ? tlsSpoken(url, error) : error;
  }
};

function isConnectionLost(error: unknown): boolean {
  return (error as Partial<CkmError>).code === 'SERVER_CONNECTION_LOST';
}

/** How long somebody who speaks TLS may take to say so. */
const HANDSHAKE_MS = 2_000;

/** Whether TLS is spoken there. Nothing is said over it, and nobody is asked past a web proxy. */
async function speaksTls(address: URL): Promise<boolean> {
  if (proxyFor(address) !== null) return false;
  const { connect } = process.getBuiltinModule('node:tls');
  const { hostname, port } = address;
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port || 80), rejectUnauthorized: false });
    const end = (found: boolean) => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(HANDSHAKE_MS, () => end(false));
    socket.once('error', () => end(false));
    socket.once('secureConnect', () => end(true));
  });
}

function proxyFor(address: URL): WebProxy | null {
  return webProxyFor(address, process.env, process.versions.node);
}

const send: HttpSend = (url, { method, path, body, route, timeoutMs, authority = null }) =>
  new Promise((resolve, reject) => {
    const address = requestAddress(url, path);
    if (address === null) {
      reject(noAddress(url));
      return;
    }
    const proxy = proxyFor(address);
    const call = openRequest(address, proxy, {
      method,
      ...(proxy === null ? {} : { timeout: timeoutMs }),
      headers: {
        ...(route === undefined ? {} : { [ROUTE_HEADER]: route }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/octet-stream', 'content-length': body.length }),
      },
      agent: keptAgent(address, authority, proxy),
    });
    const alarm = setTimeout(() => {
      reject(timedOut(url, timeoutMs));
      call.destroy();
    }, timeoutMs);
    call.once('response', (response) => {
      readReply(url, response)
        .then(resolve, reject)
        .finally(() => {
          clearTimeout(alarm);
        });
    });
    call.once('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(alarm);
      const between = proxy === null ? null : webProxyError(url, proxy, cause);
      if (between !== null) reject(between);
      else reject(CUT_OFF.has(cause.code ?? '') ? connectionLost(url, cause) : unreachable(url, cause));
    });
    call.end(body);
  });

/** How a connection ends that stood before: also one that the server closed at the moment it was used again. */
const CUT_OFF: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function readReply(url: string, response: IncomingMessage): Promise<HttpReply> {
  const status = response.statusCode ?? 0;
  return new Promise((resolve, reject) => {
    const refuse = (error: CkmError) => {
      reject(error);
      response.destroy();
    };
    if (status >= 300 && status < 400) return refuse(redirected(url));
    const chunks: Uint8Array[] = [];
    let length = 0;
    response.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) return refuse(replyTooLong(url));
      chunks.push(chunk);
    });
    response.once('error', (cause) => {
      reject(connectionLost(url, cause));
    });
    response.once('close', () => {
      if (!response.complete) reject(connectionLost(url));
    });
    response.once('end', () => {
      resolve({ status, contentType: response.headers['content-type'] ?? '', body: concatBytes(...chunks) });
    });
  });
}

/** What carries messages in Node. */
export const platformCarrier = httpCarrier(nodeSend);
