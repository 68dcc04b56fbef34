import { describe, expect, test } from 'vitest';
import { webProxyFor } from './web-proxy.js';

const proxyOf = (address: string, environment: NodeJS.ProcessEnv) =>
  webProxyFor(new URL(address), environment, '24.5.0')?.url.href ?? null;

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
    ['https://alpha.example', { ...BOTH, no_proxy: 'alpha.example', NO_PROXY: '' }, null],
    ['https://alpha.example', { ...BOTH, no_proxy: 'bravo.example', NO_PROXY: '*' }, 'http://secure:2/'],
  ])('%s with %j goes through %s', (address, environment, proxy) => {
    expect(proxyOf(address, environment)).toBe(proxy);
  });

  test.each([
    ['22.13.0', false],
    ['22.20.0', false],
    ['22.21.0', true],
    ['23.11.0', false],
    ['24.0.0', false],
    ['24.4.1', false],
    ['24.5.0', true],
    ['26.0.0', true],
  ])('leaves it to the agents of Node %s: %s', (node, isForNode) => {
    expect(webProxyFor(new URL('https://alpha.example'), BOTH, node)).toMatchObject({ isForNode });
  });

  test('refuses a proxy of another kind instead of going past it in silence', () => {
    for (const HTTPS_PROXY of ['socks5://proxy:1080', 'http://', 'http://[x', 'http://alice:%zz@proxy:3128'])
      expect(() => proxyOf('https://alpha.example', { HTTPS_PROXY })).toThrow(
        expect.objectContaining({ code: 'WEB_PROXY_UNSUPPORTED' }) as Error,
      );
  });
});
