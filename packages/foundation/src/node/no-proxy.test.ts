import { Agent, type AgentOptions } from 'node:http';
import { urlToHttpOptions } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { isLeftOut } from './no-proxy.js';

/** `NO_PROXY`, an address, whether it names that. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ['', 'http://alpha.example', false],
  [',', 'http://alpha.example', false],
  ['*', 'http://alpha.example', true],
  ['alpha.example', 'http://alpha.example', true],
  ['ALPHA.example', 'http://Alpha.Example', true],
  ['alpha.example', 'http://bravo.alpha.example', false],
  ['alpha.example', 'http://notalpha.example', false],
  ['bravo.example, alpha.example', 'http://alpha.example', true],
  ['alpha.example:80', 'http://alpha.example', true],
  ['alpha.example:81', 'http://alpha.example', false],
  ['alpha.example:8470', 'http://alpha.example:8470', true],
  ['.example', 'http://alpha.example', true],
  ['.alpha.example', 'http://alpha.example', true],
  ['.example', 'http://alpha.notexample', false],
  ['*.example', 'http://alpha.example', true],
  ['*.alpha.example', 'http://alpha.example', false],
  ['*.ample', 'http://alpha.example', false],
  ['.', 'http://alpha.example', false],
  ['10.0.0.1', 'http://10.0.0.1:8470', true],
  ['10.0.0.1-10.0.0.9', 'http://10.0.0.9', true],
  ['10.0.0.1 - 10.0.0.9', 'http://10.0.0.1', true],
  ['10.0.0.1-10.0.0.9', 'http://10.0.0.10', false],
  ['10.0.0.1-10.0.0.999', 'http://10.0.0.2', false],
  ['a-b', 'http://alpha.example', false],
  ['fd00::1', 'http://[fd00::1]:8470', true],
];

describe('isLeftOut', () => {
  test.each(CASES)('by NO_PROXY=%s, %s: %s', (noProxy, address, expected) => {
    expect(isLeftOut(new URL(address), noProxy)).toBe(expected);
  });

  test('knows the port that https has by itself', () => {
    expect(isLeftOut(new URL('https://alpha.example'), 'alpha.example:443')).toBe(true);
    expect(isLeftOut(new URL('https://alpha.example'), 'alpha.example:80')).toBe(false);
  });
});

/** Before that its agents had other rules. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

describe.skipIf(major < 24 || (major === 24 && minor < 22))('the agents of Node (needs 24.22)', () => {
  test.each(CASES)('by NO_PROXY=%s, %s: %s', (NO_PROXY, address, expected) => {
    const net = process.getBuiltinModule('node:net');
    const straight = new net.Socket();
    const proxied = new net.Socket();
    vi.spyOn(net, 'createConnection').mockReturnValue(straight);
    vi.spyOn(net, 'connect').mockReturnValue(proxied);
    const agent = new Agent({ proxyEnv: { HTTP_PROXY: 'http://proxy', NO_PROXY } } as AgentOptions);
    const { hostname, port } = urlToHttpOptions(new URL(address));
    const made = agent.createConnection({ host: hostname ?? '', port: Number(port || 80) });
    expect(made).toBe(expected ? straight : proxied);
  });
});
