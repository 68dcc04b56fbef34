import { afterEach, describe, expect, test } from 'vitest';
import { ask, proxyAt, WAYS } from './test/ask.js';
import { type RecordingProxy, startRecordingProxy } from './test/recording-proxy.js';
import { agentFor } from './web-request.js';

let running: RecordingProxy | null = null;
afterEach(async () => {
  await running?.stop();
  running = null;
});

async function start(options: Parameters<typeof startRecordingProxy>[1] = {}): Promise<RecordingProxy> {
  running = await startRecordingProxy(1, options);
  return running;
}

describe.each(WAYS)('openRequest through a web proxy, %s', (_, node) => {
  const KEPT = { keepAlive: true } as const;

  test('asks it for an address of http by its whole name, over one connection, and tells it who asks', async () => {
    const proxy = await start();
    const address = 'http://alpha.example:7001/v1/identity?a=b';
    const through = proxyAt(address, `http://al%20ice:s%3Aecret@127.0.0.1:${proxy.port}`, node);
    const agent = agentFor('http:', through, KEPT);
    const headers = { 'content-type': 'text/plain' };
    for (let i = 0; i < 2; i++) expect(await ask(address, through, { agent, headers })).toBe('proxied');
    const line = 'GET http://alpha.example:7001/v1/identity?a=b as al ice:s:ecret';
    expect(proxy.asked).toEqual([line, line]);
    expect(proxy.headers).toMatchObject({ host: 'alpha.example:7001', 'content-type': 'text/plain' });
    expect(proxy.open()).toBe(1);
    agent.destroy();
  });

  test.each([403, 407, 502])('says which status it was that opened no way: %d', async (status) => {
    const proxy = await start({ answer: `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n` });
    const address = 'https://alpha.example/path';
    const through = proxyAt(address, `http://127.0.0.1:${proxy.port}`, node);
    const agent = agentFor('https:', through, KEPT);
    await expect(ask(address, through, { agent })).rejects.toMatchObject({
      code: 'ERR_PROXY_TUNNEL',
      statusCode: status,
    });
    expect(proxy.asked).toEqual(['CONNECT alpha.example:443']);
  });

  test('names a host by its IPv6 address in brackets, and gives no password to whom it asks for', async () => {
    const proxy = await start({ answer: 'HTTP/1.1 403 No\r\n\r\n' });
    const address = 'https://[fd00::1]:8470/';
    const through = proxyAt(address, `http://alice:secret@127.0.0.1:${proxy.port}`, node);
    const failed = ask(address, through, { agent: agentFor('https:', through, KEPT) });
    await expect(failed).rejects.toMatchObject({ code: 'ERR_PROXY_TUNNEL' });
    await failed.catch((error: Error) => expect(`${error.stack}`).not.toContain('secret'));
    expect(proxy.asked).toEqual(['CONNECT [fd00::1]:8470 as alice:secret']);
  });

  test('waits no longer for a silent one than the request says, and leaves no connection open', async () => {
    const proxy = await start({ answer: null });
    const address = 'https://alpha.example';
    const through = proxyAt(address, `http://127.0.0.1:${proxy.port}`, node);
    const agent = agentFor('https:', through, KEPT);
    await expect(ask(address, through, { agent, timeout: 100 })).rejects.toMatchObject({
      code: 'ERR_PROXY_TUNNEL',
    });
    await expect.poll(() => proxy.open()).toBe(0);
  });

  test('fails where nobody listens', async () => {
    for (const address of ['https://alpha.example', 'http://alpha.example']) {
      const through = proxyAt(address, 'http://127.0.0.1:9', node);
      const agent = agentFor(new URL(address).protocol, through, KEPT);
      await expect(ask(address, through, { agent })).rejects.toThrow(/ECONNREFUSED/);
    }
  });
});

test('a proxy that speaks in the place of the server, before anybody asked, is not believed', async () => {
  const proxy = await start({ answer: 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n' });
  const address = 'https://alpha.example';
  const through = proxyAt(address, `http://127.0.0.1:${proxy.port}`, '22.13.0');
  await expect(ask(address, through, { agent: agentFor('https:', through, {}) })).rejects.toMatchObject({
    code: 'ERR_PROXY_TUNNEL',
  });
  await expect.poll(() => proxy.open()).toBe(0);
});

test('a proxy that hangs up before it answers opens no way', async () => {
  const proxy = await start({ answer: '' });
  const address = 'https://alpha.example';
  const through = proxyAt(address, `http://127.0.0.1:${proxy.port}`, '22.13.0');
  await expect(ask(address, through, { agent: agentFor('https:', through, {}) })).rejects.toMatchObject({
    code: 'ERR_PROXY_TUNNEL',
  });
});
