import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands between a client and a server, and does to messages what it likes. */
export interface Proxy {
  readonly url: string;
  /** Called with every POST before it is passed on; what it returns is done. */
  before: (count: number) => Promise<Verdict> | Verdict;
  /** Called when the server has answered and before the client hears of it. */
  after: (count: number) => Promise<Verdict> | Verdict;
  /** To which server each message goes, GETs among them; counted from 1. */
  target: (count: number) => string;
  /** What the client hears instead of an answer to a POST that was passed on; at first the answer itself. */
  replace: (answer: Uint8Array) => Uint8Array;
  close(): Promise<void>;
}

/** `pass`: carry on. `hang`: never answer. Bytes: answer with them instead. */
export type Verdict = 'pass' | 'hang' | Uint8Array;

/** Forwards to a server on loopback, until a test chooses another; GETs always pass. */
export async function startProxy(target: string): Promise<Proxy> {
  let posts = 0;
  let messages = 0;
  const server = createServer((incoming, outgoing) => {
    void handle(incoming, outgoing);
  });
  const proxy: Proxy = {
    url: '',
    before: () => 'pass',
    after: () => 'pass',
    target: () => target,
    replace: (answer) => answer,
    close,
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await read(incoming);
    const count = incoming.method === 'POST' ? ++posts : 0;
    const early = count === 0 ? 'pass' : await proxy.before(count);
    if (early !== 'pass') return settle(outgoing, early);
    const answer = await forward(incoming, body);
    const late = count === 0 ? 'pass' : await proxy.after(count);
    if (late !== 'pass') return settle(outgoing, late);
    outgoing.writeHead(answer.status, { 'content-type': answer.type });
    outgoing.end(count === 0 ? answer.body : proxy.replace(answer.body));
  }

  function settle(outgoing: ServerResponse, verdict: Exclude<Verdict, 'pass'>): void {
    if (verdict !== 'hang')
      outgoing.writeHead(200, { 'content-type': 'application/octet-stream' }).end(verdict);
  }

  function forward(
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; type: string; body: Buffer }> {
    const { hostname, port } = new URL(proxy.target(++messages));
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': incoming.headers['content-type'] ?? '',
        'content-length': String(body.length),
      };
      const sent = request(
        {
          hostname,
          port,
          method: incoming.method,
          path: incoming.url,
          headers: body.length === 0 ? {} : headers,
        },
        (response) => {
          read(response).then(
            (bytes) =>
              resolve({
                status: response.statusCode ?? 502,
                type: response.headers['content-type'] ?? '',
                body: bytes,
              }),
            reject,
          );
        },
      );
      sent.on('error', () => resolve({ status: 502, type: 'text/plain', body: Buffer.alloc(0) }));
      sent.end(body);
    });
  }

  function close(): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
