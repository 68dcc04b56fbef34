import { AvailabilityError, CkmError, concatBytes } from '@ckm/foundation';
import { MAX_REPLY_BYTES, requestAddress, ROUTE_HEADER, type HttpSend, type HttpReply } from './http-send.js';
import { redirected } from './proxy-answered.js';
import { tlsError } from './tls-errors.js';

/** Carries messages with the platform's own `fetch`. Never follows a redirect, never sends a cookie. */
export const fetchSend: HttpSend = async (url, { method, path, body, route, timeoutMs }) => {
  const address = requestAddress(url, path);
  if (address === null) throw noAddress(url);
  const timer = new AbortController();
  const alarm = setTimeout(() => {
    timer.abort();
  }, timeoutMs);
  try {
    const response = await fetch(address, {
      method,
      redirect: 'manual',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: timer.signal,
      headers: {
        ...(route === undefined ? {} : { [ROUTE_HEADER]: route }),
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(body === undefined ? {} : { body: body.slice() }),
    });
    return await readReply(url, response);
  } catch (cause) {
    if (cause instanceof CkmError) throw cause;
    throw timer.signal.aborted ? timedOut(url, timeoutMs) : failed(url, cause);
  } finally {
    clearTimeout(alarm);
  }
};

/** `fetch` says of a cut connection only in its cause, and only in Node, that it was one. */
function failed(url: string, cause: unknown): AvailabilityError {
  const lost = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(reasonOf(cause));
  return lost ? connectionLost(url, cause) : unreachable(url, cause);
}

async function readReply(url: string, response: Response): Promise<HttpReply> {
  // A browser shows nothing of such a response, not even its status.
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel();
    throw redirected(url);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done = true, value } = (await reader?.read()) ?? {};
    if (done || value === undefined) break;
    length += value.length;
    if (length > MAX_REPLY_BYTES) {
      await reader?.cancel();
      throw replyTooLong(url);
    }
    chunks.push(value);
  }
  const contentType = response.headers.get('content-type') ?? '';
  return { status: response.status, contentType, body: concatBytes(...chunks) };
}

/** Nobody answers there, or something that is no server. */
export function unreachable(url: string, cause: unknown, why?: string): AvailabilityError {
  const reason = why ?? reasonOf(cause);
  const tls = tlsError(url, reason, cause);
  if (tls !== null) return tls;
  return new AvailabilityError(`no server answers at ${url}${reason === '' ? '' : `: ${reason}`}`, {
    code: 'SERVER_UNREACHABLE',
    hint: 'check the address, and that the server runs',
    remedy: { kind: 'diagnose' },
    cause,
  });
}

/** Where a key's servers stand says its certificate, in words that they chose. */
export function noAddress(url: string): AvailabilityError {
  return unreachable(url, undefined, 'it is no address of http or https');
}

/** Whatever it is, it is no answer of a server. */
export function replyTooLong(url: string): AvailabilityError {
  return unreachable(url, undefined, `its reply is longer than ${MAX_REPLY_BYTES} bytes`);
}

/** The connection stood and was cut: whether the server was reached, and what it answered, nobody knows. */
export function connectionLost(url: string, cause?: unknown): AvailabilityError {
  return new AvailabilityError(`the connection to ${url} was cut before its answer came`, {
    code: 'SERVER_CONNECTION_LOST',
    hint: 'try again; nothing is lost',
    cause,
  });
}

export function timedOut(url: string, timeoutMs: number): AvailabilityError {
  return new AvailabilityError(
    `the server at ${url} did not answer within ${Math.ceil(timeoutMs / 1000)} s`,
    {
      code: 'SERVER_TIMEOUT',
      hint: 'try again, or wait longer for it',
      remedy: { kind: 'waitLonger' },
    },
  );
}

/** The operating system's word for it (`ECONNREFUSED`), if there is one. */
function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error ? cause.cause : undefined;
  const found = [inner, cause].find(
    (one): one is { code: string } => typeof one === 'object' && one !== null && 'code' in one,
  );
  return typeof found?.code === 'string' && /^[A-Z0-9_]{2,40}$/.test(found.code) ? found.code : '';
}
