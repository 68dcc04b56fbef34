import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** A web proxy on loopback that notes what it is asked, and leads wherever it is asked to one port of this machine. */
export interface RecordingProxy {
  readonly port: number;
  /** `METHOD target`, with `as NAME:PASSWORD` where it is told one. */
  readonly asked: string[];
  /** The headers of the last request that it answered itself. */
  readonly headers: NodeJS.Dict<string | string[]>;
  /** How many connections are open to it. */
  open(): number;
  stop(): Promise<void>;
}

/** @param answer to CONNECT, in the place of leading there; null: none */
export async function startRecordingProxy(
  leadsTo: number,
  { answer, tls }: { readonly answer?: string | null; readonly tls?: ServerOptions } = {},
): Promise<RecordingProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const note = ({ method, url, headers }: IncomingMessage) => {
    const told = headers['proxy-authorization'];
    const who = told === undefined ? '' : ` as ${Buffer.from(told.slice(6), 'base64').toString()}`;
    asked.push(`${method} ${url}${who}`);
  };
  const proxy: Server = tls === undefined ? createServer() : createSecureServer(tls);
  let headers: NodeJS.Dict<string | string[]> = {};
  proxy.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  proxy.on('request', (request: IncomingMessage, response) => {
    note(request);
    headers = request.headers;
    response.end('proxied');
  });
  proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
    note(request);
    if (answer === null) {
      socket.resume().once('end', () => socket.end());
      return;
    }
    if (answer !== undefined) {
      socket.end(answer);
      return;
    }
    const onward = connect(leadsTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    socket.once('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    asked,
    get headers() {
      return headers;
    },
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
