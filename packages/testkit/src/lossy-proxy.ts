import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What a network does to one message: it cuts the connection when the server has answered, loses the answer and says
 * nothing, or brings the message twice and the answer to the second.
 */
export type MessageFault = 'cut-after' | 'silence' | 'twice';

/** An address that leads to a server over a bad line. */
export interface LossyProxy {
  readonly url: string;
  /** Asked for every message, before it is passed on. */
  fault: () => MessageFault | null;
  close(): Promise<void>;
}

/** @param target base URL of the server behind it, `http://127.0.0.1:…` */
export async function startLossyProxy(target: string): Promise<LossyProxy> {
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: LossyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => null,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await read(incoming);
    const fault = incoming.method === 'POST' ? proxy.fault() : null;
    if (fault === 'twice') await pass(target, incoming, body);
    const reply = await pass(target, incoming, body);
    if (fault === 'cut-after') return void outgoing.destroy();
    if (fault === 'silence') return;
    outgoing.writeHead(reply.status, { 'content-type': reply.contentType }).end(reply.body);
  }
  return proxy;
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

function pass(target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { 'content-type': contentType } = headers;
    const onward = request(`${target}${url}`, {
      ...(method === undefined ? {} : { method }),
      headers:
        contentType === undefined ? {} : { 'content-type': contentType, 'content-length': body.length },
    });
    onward.once('error', reject);
    onward.once('response', (response) => {
      const { statusCode = 0, headers: said } = response;
      read(response).then(
        (bytes) => resolve({ status: statusCode, contentType: said['content-type'] ?? '', body: bytes }),
        reject,
      );
    });
    onward.end(body);
  });
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
