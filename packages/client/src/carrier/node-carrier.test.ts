import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { fetchSend } from './fetch-send.js';
import { nodeSend } from './node-carrier.js';
import { MAX_REPLY_BYTES } from './http-send.js';

let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => {
    started.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

afterEach(async () => {
  const running = server;
  server = undefined;
  running?.closeAllConnections();
  await new Promise((resolve) => (running === undefined ? resolve(null) : running.close(resolve)));
});

const post = {
  method: 'POST',
  path: '/v1/messages',
  body: Uint8Array.of(1, 2, 3),
  timeoutMs: 5_000,
} as const;

describe.each([
  ['in Node', nodeSend],
  ['by fetch', fetchSend],
])('HTTP %s', (_where, send) => {
  test('carries bytes there and back, and the status with them', async () => {
    const url = await serve((request, response) => {
      request.on('data', (chunk: Uint8Array) => {
        response.writeHead(409, { 'content-type': 'application/octet-stream' });
        response.end(Uint8Array.from([...chunk].reverse()));
      });
    });
    const reply = await send(url, post);
    expect([reply.status, reply.contentType, [...reply.body]]).toEqual([
      409,
      'application/octet-stream',
      [3, 2, 1],
    ]);
  });

  test('tells a proxy by which route to go, and nothing where there is none', async () => {
    const url = await serve((request, response) => response.end(request.headers['ckm-route'] ?? 'none'));
    const heard = async (route: object) => {
      const { body } = await send(url, { ...post, ...route });
      return new TextDecoder().decode(body);
    };
    expect(await heard({ route: 'a1'.repeat(16) })).toBe('a1'.repeat(16));
    expect(await heard({})).toBe('none');
  });

  test.each(['', 'x', 'http://', 'http:', 'http://[::1', 'ftp://alpha.example'])(
    'what a certificate names as an address, %j, is nobody who answers, and ends nothing else',
    async (url) => {
      await expect(send(url, post)).rejects.toMatchObject({
        code: 'SERVER_UNREACHABLE',
        message: expect.stringContaining('it is no address of http or https'),
      });
      await expect(send(url, { method: 'GET', path: '/v1/identity', timeoutMs: 100 })).rejects.toMatchObject({
        code: 'SERVER_UNREACHABLE',
      });
    },
  );

  test('a server that sends its visitors elsewhere is not followed', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
    });
    await expect(send(url, post)).rejects.toMatchObject({
      code: 'SERVER_PROXY_ANSWERED',
      hint: expect.stringContaining('https') as string,
    });
  });

  test('a reply without end is not read to its end', async () => {
    const url = await serve((_request, response) => {
      const chunk = Buffer.alloc(1 << 20);
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', pour);
      pour();
    });
    await expect(send(url, post)).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining(String(MAX_REPLY_BYTES)) as string,
    });
  });

  test('silence ends when the time is up, and a connection that is cut at once', async () => {
    const silent = await serve(() => undefined);
    await expect(send(silent, { ...post, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'SERVER_TIMEOUT',
    });
    server?.closeAllConnections();
    server?.close();
    const rude = await serve((_request, response) => response.destroy());
    await expect(send(rude, post)).rejects.toMatchObject({ code: 'SERVER_CONNECTION_LOST' });
  });

  test('nobody there is said with the system’s word for it', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    await expect(send(url, post)).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });
});

test('a question that anybody may ask is asked again when its connection was closed while it was idle', async () => {
  const url = await serve((_request, response) => response.end('here'));
  const get = { method: 'GET', path: '/v1/identity', timeoutMs: 5_000 } as const;
  await nodeSend(url, get);
  server?.closeIdleConnections();
  expect((await nodeSend(url, get)).status).toBe(200);
});

test('a message whose connection is cut is never sent a second time, whether its connection was new or kept', async () => {
  let arrived = 0;
  const url = await serve((_request, response) => {
    arrived++;
    if (arrived === 2 || arrived === 3) response.destroy();
    else response.end('here');
  });
  await nodeSend(url, post);
  for (const count of [2, 3]) {
    await expect(nodeSend(url, post)).rejects.toMatchObject({ code: 'SERVER_CONNECTION_LOST' });
    expect(arrived).toBe(count);
  }
});
