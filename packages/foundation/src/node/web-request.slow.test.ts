import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, proxyAt, WAYS } from './test/ask.js';
import { type RecordingProxy, startRecordingProxy } from './test/recording-proxy.js';
import { agentFor } from './web-request.js';

let folder: string;
let identity: { cert: Buffer; key: Buffer };
let server: Server;
let heard: string[];
let proxy: RecordingProxy | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-web-request-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = 'subjectAltName=DNS:alpha.example,IP:127.0.0.1';
  const files = ['-keyout', key, '-out', cert, '-subj', '/CN=alpha.example', '-addext', names];
  execFileSync('openssl', ['req', ...kind, ...files], { stdio: 'ignore' });
  identity = { cert: readFileSync(cert), key: readFileSync(key) };
  server = createServer(identity, (request, response) => {
    heard.push(
      `${request.method} ${request.url} ${request.headers.host} ${request.headers['proxy-authorization']}`,
    );
    response.end('here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

async function start(options: Parameters<typeof startRecordingProxy>[1] = {}): Promise<RecordingProxy> {
  heard = [];
  proxy = await startRecordingProxy((server.address() as AddressInfo).port, options);
  return proxy;
}

describe.each(WAYS)('a request in TLS through a web proxy, %s', (_, node) => {
  const ADDRESS = 'https://alpha.example:8470/v1/identity';
  const trusting = () => ({ keepAlive: true, ca: identity.cert });

  test('reaches whom it is for over one tunnel, which learns the address and nothing else', async () => {
    const { port, asked, open } = await start();
    const through = proxyAt(ADDRESS, `http://alice:secret@127.0.0.1:${port}`, node);
    const agent = agentFor('https:', through, trusting());
    for (let i = 0; i < 2; i++) expect(await ask(ADDRESS, through, { agent })).toBe('here');
    expect(asked).toEqual(['CONNECT alpha.example:8470 as alice:secret']);
    expect(heard).toEqual(Array.from({ length: 2 }, () => 'GET /v1/identity alpha.example:8470 undefined'));
    agent.destroy();
    await expect.poll(open).toBe(0);
  });

  test('believes nobody else who answers at its end', async () => {
    const { port } = await start();
    const to = `http://127.0.0.1:${port}`;
    for (const [address, options, code] of [
      ['https://bravo.example/', trusting(), 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['https://192.0.2.1/', trusting(), 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [ADDRESS, {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ] as const) {
      const through = proxyAt(address, to, node);
      const failed = ask(address, through, { agent: agentFor('https:', through, options) });
      await expect(failed).rejects.toMatchObject({ code });
    }
    expect(heard).toEqual([]);
  });

  test('says nothing to a proxy in TLS that nobody vouches for, whomever the request itself trusts', async () => {
    const { port, asked } = await start({ tls: identity });
    for (const address of [ADDRESS, 'http://alpha.example/']) {
      const through = proxyAt(address, `https://127.0.0.1:${port}`, node);
      const agent = agentFor(new URL(address).protocol, through, address === ADDRESS ? trusting() : {});
      await expect(ask(address, through, { agent })).rejects.toThrow(/self.signed/i);
    }
    expect(asked).toEqual([]);
  });

  test.skipIf(!('setDefaultCACertificates' in tls))(
    'goes through a proxy in TLS that this machine knows, to which it is not the address that gives the name (needs Node 24.5)',
    async () => {
      const { port, asked } = await start({ tls: identity });
      const before = tls.getCACertificates('default');
      tls.setDefaultCACertificates([...before, identity.cert.toString()]);
      try {
        const to = `https://127.0.0.1:${port}`;
        const secure = proxyAt(ADDRESS, to, node);
        const agent = agentFor('https:', secure, trusting());
        expect(await ask(ADDRESS, secure, { agent })).toBe('here');
        agent.destroy();
        const plain = proxyAt('http://bravo.example/', to, node);
        expect(await ask('http://bravo.example/', plain, { agent: agentFor('http:', plain, {}) })).toBe(
          'proxied',
        );
      } finally {
        tls.setDefaultCACertificates(before);
      }
      expect(asked).toEqual(['CONNECT alpha.example:8470', 'GET http://bravo.example/']);
    },
  );
});
