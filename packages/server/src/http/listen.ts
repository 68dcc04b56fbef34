import { readFileSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { fromFileSystem, type UsageError } from '@ckm/foundation';
import { getRequestListener } from '@hono/node-server';
import { configError } from '../config/codes.js';
import type { ServerConfig } from '../config/config.js';
import { addressGroup } from './address.js';
import { doubtsAbout, endOf } from './certificate.js';
import { createConcurrencyLimit } from './concurrency-limit.js';

/** A socket that answers. */
export interface Listener {
  readonly port: number;
  /** Takes nobody new, lets running answers finish, then ends; what still runs after `graceMs` is cut off. */
  close(graceMs: number): Promise<void>;
  /**
   * Reads the files of the certificate once more; who connects from now on sees that one.
   * @returns false when there are none, because this does not speak TLS
   * @throws UsageError `CONFIG_INVALID` when they cannot be used: the ones before stay in use
   */
  renewCertificate(): boolean;
  /** When the certificate in use ends, in UnixSeconds; null when this does not speak TLS. */
  certificateEnds(): number | null;
  /** Why owners refuse the certificate in use, or will before long: `doubtsAbout`. */
  certificateDoubts(publicUrl: string, now: number): readonly string[];
}

/** Anything that answers Web requests. */
export interface WebApp {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/**
 * Listens on TCP, with TLS 1.2 or newer when certificate files are configured.
 * @throws UsageError `LISTEN_FAILED`, `CONFIG_INVALID` when a certificate file cannot be used.
 */
export async function listenTcp(
  app: WebApp,
  config: Pick<ServerConfig, 'listen' | 'tls' | 'limits' | 'trustProxy'>,
  patience: Patience = PATIENCE,
): Promise<Listener> {
  const answer = listenerOf(app);
  const { tls, limits, trustProxy } = config;
  let files = tls === null ? null : readTls(tls);
  const secure = files === null ? null : createHttpsServer({ ...files, ...checksOf(patience) }, answer);
  const server = secure ?? createHttpServer(checksOf(patience), answer);
  limitServer(server, patience, limits.requestTimeoutMs);
  if (!trustProxy) limitAddresses(server, limits.connectionsPerAddress);
  const { host, port } = config.listen;
  await listening(server, () => server.listen(port, host), `${host}:${port}`);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: closerOf(server),
    renewCertificate: () => {
      if (secure === null || tls === null) return false;
      const renewed = readTls(tls);
      secure.setSecureContext(renewed);
      files = renewed;
      return true;
    },
    certificateEnds: () => (files === null ? null : endOf(files.cert)),
    certificateDoubts: (publicUrl, now) => (files === null ? [] : doubtsAbout(files.cert, publicUrl, now)),
  };
}

/**
 * Listens on a Unix socket, which only the user of this process may open (the directory and umask see to that).
 * @throws StorageError `FILE_…` when it cannot be made
 */
export async function listenUnix(app: WebApp, path: string): Promise<Listener> {
  const server = createHttpServer(checksOf(PATIENCE), listenerOf(app));
  limitServer(server, PATIENCE, 120_000);
  await listening(server, () => server.listen(path), path).catch((error: unknown) => {
    throw fromFileSystem((error as Error).cause, path);
  });
  return {
    port: 0,
    close: closerOf(server),
    renewCertificate: () => false,
    certificateEnds: () => null,
    certificateDoubts: () => [],
  };
}

function listenerOf(app: WebApp): RequestListener {
  // Health checks of proxies speak HTTP/1.0 and name no host.
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false, hostname: 'localhost' });
  return (incoming, outgoing) => {
    // Node would leave out what is too many, and with it what a proxy says of whom it speaks for.
    if (incoming.rawHeaders.length > 2 * MOST_HEADERS) {
      outgoing.writeHead(431, { connection: 'close' }).end();
      return;
    }
    void answer(incoming, outgoing);
  };
}

type TlsFiles = NonNullable<ServerConfig['tls']>;

/** @throws UsageError `CONFIG_INVALID` when one is missing or damaged, or the two do not belong together. */
function readTls({
  certificateFile,
  keyFile,
}: TlsFiles): SecureContextOptions & { readonly cert: Uint8Array } {
  try {
    const options = {
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2' as const,
    };
    createSecureContext(options);
    return options;
  } catch (cause) {
    throw configError(
      'CONFIG_INVALID',
      'the TLS certificate or key cannot be used',
      'check both files of "tls"',
      cause,
    );
  }
}

/** @throws UsageError `CONFIG_INVALID` as {@link listenTcp} */
export function assertTls(files: TlsFiles): void {
  readTls(files);
}

/** Whether others on this machine may read the key of the certificate. */
export function isTlsKeyExposed({ keyFile }: TlsFiles): boolean {
  return (statSync(keyFile).mode & 0o077) !== 0;
}

/** Header lines of one request. Source: RFC 6585 §5 for the answer to more. */
const MOST_HEADERS = 64;

/** Open sockets; each costs memory before it has said a word. */
const MAX_CONNECTIONS = 4_096;

/** How long a connection may stay open without saying what it wants. */
interface Patience {
  readonly headersMs: number;
}
const PATIENCE: Patience = { headersMs: 10_000 };

/** Node looks for late connections every 30 s, unless told otherwise: three times as long as they may be late. */
function checksOf({ headersMs }: Patience): { readonly connectionsCheckingInterval: number } {
  return { connectionsCheckingInterval: Math.ceil(headersMs / 4) };
}

/** A place for each connection of an address, from before TLS until it is closed. Whoever has none left is cut off. */
function limitAddresses(server: Server, forEach: number): void {
  const places = createConcurrencyLimit({ inAll: MAX_CONNECTIONS, forEach });
  server.on('connection', (socket) => {
    const address = addressGroup(socket.remoteAddress, undefined);
    if (!places.take(address)) {
      socket.destroy();
      return;
    }
    socket.once('close', () => places.leave(address));
  });
}

function limitServer(server: Server, { headersMs }: Patience, requestTimeoutMs: number): void {
  server.headersTimeout = headersMs;
  server.requestTimeout = requestTimeoutMs + 10_000;
  server.keepAliveTimeout = 30_000;
  // All of them, so that they can be counted; their bytes have a limit of Node's own.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = 0;
  server.maxConnections = MAX_CONNECTIONS;
}

async function listening(server: Server, listen: () => void, where: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(listenFailed(where, cause));
    });
    server.once('listening', resolve);
    listen();
  });
}

/** How to say another address, whatever says the present one. */
export const OTHER_ADDRESS =
  'set CKM_LISTEN to another host:port, or "listen" in config.json where CKM_LISTEN is not set';

/** @param who listens there already, where that is known */
export function listenFailed(
  where: string,
  cause: NodeJS.ErrnoException,
  { who = '', hint = OTHER_ADDRESS }: { readonly who?: string; readonly hint?: string } = {},
): UsageError {
  const code = cause.code ?? 'error';
  const more = who === '' ? MEANINGS[code] : who;
  const message = `cannot listen on ${where} (${code})${more === undefined ? '' : `: ${more}`}`;
  return configError('LISTEN_FAILED', message, hint, cause, { where });
}

const MEANINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not use that port',
};

function closerOf(server: Server): Listener['close'] {
  let closing: Promise<void> | null = null;
  return (graceMs) => {
    closing ??= new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      server.closeIdleConnections();
    });
    return closing;
  };
}
