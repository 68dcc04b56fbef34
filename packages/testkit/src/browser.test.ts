import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initServer, type RunningServer, startServer } from '@ckm/server';
import { schnorr } from '@noble/curves/secp256k1.js';
import { chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium)
  process.stderr.write('browser.test: chromium is missing; the client is not tried in a browser\n');

/** What a page does with the SDK: makes a key with three servers and signs a message. */
const PAGE = `
  import { createClient, memoryStore } from '@ckm/client';
  import { secret } from '@ckm/foundation';
  import { buildMessageRequest } from '@ckm/requests';
  window.useKey = async (servers) => {
    const client = createClient({ seed: secret(crypto.getRandomValues(new Uint8Array(32))), store: memoryStore() });
    for (const { name, url } of servers) await client.addServer({ name, url });
    const key = await client.createKey({
      name: 'page', purpose: 'message', suite: 'secp256k1-tr', quorum: { needed: 2, of: 3 },
      servers: servers.map(({ name }) => name),
    });
    const bytes = new TextEncoder().encode('signed from a page');
    const signed = await client.sign({ key: 'page', kind: 'message', payload: buildMessageRequest({ domain: '', bytes }) });
    await client.close();
    return {
      sentence: signed.description.sentence,
      groupKey: [...key.public.groupKey],
      signature: [...signed.signatures[0]],
    };
  };
  document.title = 'ready';
`;

describe.skipIf(!hasChromium)('the client in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-browser-'));
  const servers: RunningServer[] = [];
  let web: Server;
  let address: string;

  beforeAll(async () => {
    const bundle = await bundlePage();
    web = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? bundle : '<!doctype html><script type="module" src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => {
      web.listen(0, '127.0.0.1', resolve);
    });
    address = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    for (const name of ['alpha', 'bravo', 'charlie']) {
      const dataDir = join(folder, name);
      const listen = { host: '127.0.0.1', port: await freePort() };
      await initServer({ dataDir, settings: { name, listen, accounts: 'open', log: { level: 'silent' } } });
      servers.push(await startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1' } }));
    }
  });

  afterAll(async () => {
    web.close();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('makes a key with three servers and signs with two, from a page of another origin', async () => {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
      ],
    });
    try {
      const page = await browser.newPage();
      await page.goto(address);
      await page.waitForFunction("document.title === 'ready'");
      const names = servers.map(({ url }, i) => ({ name: `server-${i}`, url }));
      const done = (await page.evaluate(`window.useKey(${JSON.stringify(names)})`)) as {
        sentence: string;
        groupKey: number[];
        signature: number[];
      };
      expect(done.sentence).toContain('signed from a page');
      const key = Uint8Array.from(done.groupKey).subarray(1);
      const message = new TextEncoder().encode('signed from a page');
      expect(schnorr.verify(Uint8Array.from(done.signature), message, key)).toBe(true);
    } finally {
      await browser.close();
    }
  });

  async function bundlePage(): Promise<string> {
    const program = await rolldown({
      input: 'page',
      platform: 'browser',
      plugins: [
        {
          name: 'page',
          resolveId: (id) => (id === 'page' ? join(import.meta.dirname, 'page.js') : null),
          load: (id) => (id.endsWith('/src/page.js') ? PAGE : null),
        },
      ],
      resolve: { conditionNames: ['browser', 'import', 'module', 'default'] },
    });
    const { output } = await program.generate({ format: 'esm', codeSplitting: false });
    const code = output[0].code;
    expect(code).not.toMatch(/from ?["']node:/);
    return code;
  }

  async function freePort(): Promise<number> {
    const probe = createServer();
    await new Promise<void>((resolve) => {
      probe.listen(0, '127.0.0.1', resolve);
    });
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
});
