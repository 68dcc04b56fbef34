import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeSend } from './node-carrier.js';

describe('nodeSend through a web proxy', () => {
  let proxy: Server;
  let server: Server;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    server = createServer((_request, response) => response.end('here'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('proxied');
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      if (request.url?.startsWith('shut.') === true) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
        return;
      }
      const { port } = server.address() as AddressInfo;
      const onward = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    vi.stubEnv('HTTP_PROXY', url);
    vi.stubEnv('HTTPS_PROXY', url);
    vi.stubEnv('NO_PROXY', '0.0.0.0');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    for (const one of [proxy, server]) {
      one.closeAllConnections();
      one.close();
    }
  });

  const get = { method: 'GET', path: '/v1/identity', timeoutMs: 5_000 } as const;

  test('asks it for servers elsewhere, never for this machine, nor for what NO_PROXY names', async () => {
    const { body } = await nodeSend('http://alpha.example', get);
    expect(new TextDecoder().decode(body)).toBe('proxied');
    const { port } = server.address() as AddressInfo;
    expect(new TextDecoder().decode((await nodeSend(`http://127.0.0.1:${port}`, get)).body)).toBe('here');
    // A name that means this machine to the system, and nothing to us.
    expect(new TextDecoder().decode((await nodeSend(`http://0.0.0.0:${port}`, get)).body)).toBe('here');
    // What stands behind the tunnel speaks no TLS: as far as that it came.
    await expect(nodeSend('https://bravo.example', get)).rejects.toMatchObject({ code: 'SERVER_NOT_HTTP' });
    expect(asked).toEqual(['GET http://alpha.example/v1/identity', 'CONNECT bravo.example:443']);
  });

  test('says that it is the proxy that does not lead there, and shows no password of it', async () => {
    await expect(nodeSend('https://shut.example', get)).rejects.toMatchObject({
      code: 'WEB_PROXY_FAILED',
      message: expect.stringMatching(
        /^the web proxy 127\.0\.0\.1:\d+ does not lead to .*: HTTP 403$/,
      ) as string,
    });
    vi.stubEnv('HTTP_PROXY', 'http://alice:secret@127.0.0.1:9');
    await expect(nodeSend('http://alpha.example', get)).rejects.toMatchObject({
      code: 'WEB_PROXY_FAILED',
      message: 'the web proxy 127.0.0.1:9 does not lead to http://alpha.example: ECONNREFUSED',
    });
  });

  test('asks nobody past it, not even whether TLS is spoken where the proxy hangs up', async () => {
    let straight = 0;
    server.on('connection', () => straight++);
    proxy.removeAllListeners('request').on('request', ({ socket }) => socket.destroy());
    const { port } = server.address() as AddressInfo;
    // A name of this machine that only the system knows as one.
    vi.stubEnv('NO_PROXY', '');
    await expect(nodeSend(`http://0.0.0.0:${port}`, get)).rejects.toMatchObject({
      code: 'SERVER_CONNECTION_LOST',
    });
    expect(straight).toBe(0);
  });

  test('waits no longer for one that does not answer than for a server', async () => {
    proxy.removeAllListeners('connect').on('connect', (_, socket) => void socket.resume());
    const failed = nodeSend('https://alpha.example', { ...get, timeoutMs: 150 });
    await expect(failed).rejects.toMatchObject({
      code: expect.stringMatching(/^(SERVER_TIMEOUT|WEB_PROXY_FAILED)$/) as string,
    });
  });
});
