import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeSend } from './node-carrier.js';
import { webProxyFor } from './web-proxy.js';

const NEW = '24.5.0';
const proxyOf = (address: string, environment: NodeJS.ProcessEnv, node = NEW) =>
  webProxyFor(new URL(address), environment, node)?.url.href ?? null;

describe('webProxyFor', () => {
  const BOTH = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://secure:2' };

  test.each([
    ['https://alpha.example', BOTH, 'http://secure:2/'],
    ['http://alpha.example:7001', BOTH, 'http://plain:1/'],
    ['https://alpha.example', { https_proxy: 'small:3', HTTPS_PROXY: 'http://secure:2' }, 'http://small:3/'],
    ['https://alpha.example', { https_proxy: '', HTTPS_PROXY: '' }, null],
    ['https://alpha.example', { ALL_PROXY: 'http://all:1' }, null],
    ['http://127.0.0.1:7001', BOTH, null],
    ['http://127.9.9.9', BOTH, null],
    ['http://localhost:7001', BOTH, null],
    ['https://alpha.localhost', BOTH, null],
    ['http://[::1]:7001', BOTH, null],
    ['http://localhost.example', BOTH, 'http://plain:1/'],
  ])('%s with %j goes through %s', (address, environment, proxy) => {
    expect(proxyOf(address, environment)).toBe(proxy);
  });

  test.each([
    ['22.20.0', false],
    ['22.21.0', true],
    ['23.11.0', false],
    ['24.4.1', false],
    ['24.5.0', true],
    ['26.0.0', true],
  ])('by Node %s: %s', (node, isPossible) => {
    const ask = () => proxyOf('https://alpha.example', BOTH, node);
    if (isPossible) expect(ask()).toBe('http://secure:2/');
    else expect(ask).toThrow(expect.objectContaining({ code: 'WEB_PROXY_UNSUPPORTED' }) as Error);
  });

  test('refuses a proxy of another kind instead of going past it in silence', () => {
    for (const HTTPS_PROXY of ['socks5://proxy:1080', 'http://', 'http://[x'])
      expect(() => proxyOf('https://alpha.example', { HTTPS_PROXY })).toThrow(
        expect.objectContaining({ code: 'WEB_PROXY_UNSUPPORTED' }) as Error,
      );
  });
});

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

  test.skipIf(!process.allowedNodeEnvironmentFlags.has('--use-env-proxy'))(
    'asks it for servers elsewhere, never for this machine, nor for what NO_PROXY names',
    async () => {
      const { body } = await nodeSend('http://alpha.example', get);
      expect(new TextDecoder().decode(body)).toBe('proxied');
      const { port } = server.address() as AddressInfo;
      expect(new TextDecoder().decode((await nodeSend(`http://127.0.0.1:${port}`, get)).body)).toBe('here');
      // A name that means this machine to the system, and nothing to us.
      expect(new TextDecoder().decode((await nodeSend(`http://0.0.0.0:${port}`, get)).body)).toBe('here');
      // What stands behind the tunnel speaks no TLS: as far as that it came.
      await expect(nodeSend('https://bravo.example', get)).rejects.toMatchObject({ code: 'SERVER_NOT_HTTP' });
      expect(asked).toEqual(['GET http://alpha.example/v1/identity', 'CONNECT bravo.example:443']);
    },
  );

  test.skipIf(!process.allowedNodeEnvironmentFlags.has('--use-env-proxy'))(
    'says that it is the proxy that does not lead there, and shows no password of it',
    async () => {
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
    },
  );
});
