import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createUnreadAnswers } from './answer-unread.js';

let server: Server | undefined;
afterEach(() => void server?.close());

test(
  'createUnreadAnswers answers whoever sends a long body, receives next to nothing of it, and hangs up',
  { tags: 'slow' },
  async () => {
    const answer = createUnreadAnswers();
    const requests: IncomingMessage[] = [];
    server = createServer((incoming, outgoing) => {
      requests.push(incoming);
      answer(incoming, outgoing, { status: 429, headers: { 'retry-after': '1' }, body: '{"code":"NO"}' });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');

    const length = 50_000_000;
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    // It is cut off in the middle of what it sends.
    client.on('error', () => undefined);
    client.write(`POST / HTTP/1.1\r\nhost: alpha\r\ncontent-length: ${length}\r\n\r\n`);
    client.write(Buffer.alloc(length));
    let seen = '';
    client.on('data', (part: Buffer) => (seen += part.toString()));
    await closed;

    expect(seen).toMatch(/^HTTP\/1\.1 429 [^]*connection: close[^]*\{"code":"NO"\}$/);
    expect(requests).toHaveLength(1);
    expect(requests[0]!.socket.bytesRead).toBeLessThan(1_000_000);
  },
);
