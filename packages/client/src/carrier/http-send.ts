import { UsageError } from '@ckm/foundation';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Starts with `/`; goes behind the server's URL. */
  readonly path: string;
  readonly body?: Uint8Array;
  /**
   * 32 hex digits, the same for all messages of one link: by them a proxy in front of replicas finds the one that made the
   * link's commitments. Random, so that they say nothing about anybody.
   */
  readonly route?: string;
  readonly timeoutMs: number;
  /** Certificates (PEM) that are trusted besides those of the machine. A page trusts what its browser trusts. */
  readonly authority?: string | null;
}

/** The header of {@link HttpRequest.route}. */
export const ROUTE_HEADER = 'CKM-Route';

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * Sends one HTTP request to a server and reads its reply: what {@link httpCarrier} is made with on each platform.
 * It sends nothing twice by itself: no server answers one message twice.
 * @throws AvailabilityError `SERVER_UNREACHABLE`, `SERVER_TIMEOUT`, `SERVER_CONNECTION_LOST`
 */
export type HttpSend = (url: string, request: HttpRequest) => Promise<HttpReply>;

/**
 * Where a request goes. The server's URL is read by itself: `http://` has no host, and with a path behind it would name one.
 * @returns null for what is no address of http or https
 */
export function requestAddress(url: string, path: string): URL | null {
  const server = URL.parse(url);
  if (server === null || !/^https?:$/.test(server.protocol)) return null;
  const address = URL.parse(`${url}${path}`);
  return address?.origin === server.origin ? address : null;
}

/** No reply is read further than this, in bytes. */
export const MAX_REPLY_BYTES = 4_194_304;

const MAX_URL_LENGTH = 256;

/**
 * A server's address in its one form: scheme, host, port and path, without a slash at the end.
 * @throws UsageError `SERVER_URL_INVALID`
 */
export function parseServerUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('it cannot be read');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('it is neither http nor https');
  if (url.username !== '' || url.password !== '') throw invalid('it holds a user name or password');
  if (url.search !== '' || url.hash !== '') throw invalid('it holds a ? or # part');
  const plain = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  if (plain.length > MAX_URL_LENGTH) throw invalid(`it is longer than ${MAX_URL_LENGTH} characters`);
  return plain;
}

function invalid(why: string): UsageError {
  return new UsageError(`not a server address: ${why}`, {
    code: 'SERVER_URL_INVALID',
    hint: 'write it like https://server.example or http://127.0.0.1:7001',
  });
}
