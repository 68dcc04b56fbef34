// @module-tag long
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { initServer, type RunningServer, startServer } from '@ckm/server';
import { schnorr } from '@noble/curves/secp256k1.js';
import { type Browser, chromium, type Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium)
  process.stderr.write('browser.test: chromium is missing; the client is not tried in a browser\n');

/**
 * What a page does with the SDK: makes a key with three servers, and signs with a key that its browser keeps. The seed is
 * told to it: keeping one is not the store's affair.
 */
const PAGE = `
  import { createClient, indexedDbStore } from '@ckm/client';
  import { secret } from '@ckm/foundation';
  import { buildMessageRequest } from '@ckm/requests';
  import { suiteBackends } from '@ckm/threshold';
  window.secp256k1 = () => suiteBackends().find(({ suite }) => suite === 'secp256k1-tr');
  const open = async () => {
    const store = await indexedDbStore('owner');
    return { store, client: createClient({ seed: secret(new Uint8Array(32).fill(7)), store }) };
  };
  window.makeKey = async (servers) => {
    const { client } = await open();
    for (const { name, url } of servers) await client.addServer({ name, url });
    const key = await client.createKey({
      name: 'page', purpose: 'message', suite: 'secp256k1-tr', quorum: { needed: 2, of: 3 },
      servers: servers.map(({ name }) => name),
    });
    await client.close();
    return [...key.public.groupKey];
  };
  window.sign = async (text) => {
    const { client } = await open();
    const payload = buildMessageRequest({ domain: '', bytes: new TextEncoder().encode(text) });
    const signed = await client.sign({ key: 'page', kind: 'message', payload });
    await client.close();
    return { sentence: signed.description.sentence, signature: [...signed.signatures[0]] };
  };
  window.kept = async () => {
    const { store } = await open();
    const paths = [];
    for (const folder of ['servers', 'keys', 'pool']) paths.push(...(await store.list(folder)));
    return paths;
  };
  window.useStore = async () => {
    const store = await indexedDbStore('other');
    const bytes = new Uint8Array([1, 2, 3]);
    await store.put('a/one', bytes);
    bytes.fill(0);
    await store.put('a/two', new Uint8Array([4]));
    await store.put('a/two', new Uint8Array([5]));
    await store.put('ab/three', new Uint8Array());
    await store.put('a/gone', new Uint8Array([6]));
    await store.delete('a/gone');
    await store.delete('a/never-was');
    const order = [];
    const slow = store.exclusive('lock', async () => {
      order.push('begins');
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push('ends');
    });
    const other = store.exclusive('other lock', async () => order.push('beside it'));
    const next = store.exclusive('lock', async () => order.push('after it'));
    await Promise.all([slow, other, next]);
    const read = async (path) => { const found = await store.get(path); return found === null ? null : [...found]; };
    return {
      order,
      listed: await store.list('a'),
      one: await read('a/one'), two: await read('a/two'), gone: await read('a/gone'), three: await read('ab/three'),
      inAnother: await (await indexedDbStore('a third')).get('a/one'),
    };
  };
  document.title = 'ready';
`;

const PROJECT = join(import.meta.dirname, '../../..');
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
};

/** What docs/groups.md tells a page to bring for libsecp256k1 in WebAssembly, as it stands there. */
function documented(language: 'html' | 'js'): string {
  const text = readFileSync(join(PROJECT, 'docs/groups.md'), 'utf8');
  const block = new RegExp(`\\n\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``).exec(text);
  if (block === null) throw new Error(`docs/groups.md has no block of ${language}`);
  return block[1]!;
}

/** The files of a web server by their paths: a page without the library, and one with it. */
function served(path: string, bundle: string): string | Buffer {
  const script = '<script type="module" src="/page.js"></script>';
  if (path === '/page.js') return bundle;
  if (path === '/load-secp256k1.js') return documented('js');
  if (path === '/with-library.html') return `<!doctype html>${documented('html')}${script}`;
  if (/^\/(tiny-secp256k1\/lib|uint8array-tools\/src\/mjs)\/[a-z0-9_.]+$/.test(path))
    return readFileSync(join(PROJECT, 'node_modules', path));
  return `<!doctype html>${script}`;
}

describe.skipIf(!hasChromium)('the client in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-browser-'));
  const servers: RunningServer[] = [];
  let web: Server;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    const bundle = await bundlePage();
    web = createServer((request, response) => {
      const path = request.url ?? '/';
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/html');
      response.end(served(path, bundle));
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
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
      ],
    });
  });

  afterAll(async () => {
    await browser.close();
    web.close();
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('makes a key with three servers, keeps it in IndexedDB, and signs with it after the page was loaded again', async () => {
    const page = await openPage();
    const names = servers.map(({ url }, i) => ({ name: `server-${i}`, url }));
    const groupKey = await ask<number[]>(page, `makeKey(${JSON.stringify(names)})`);
    for (const text of ['signed from a page', 'signed after a reload', 'and once more']) {
      const signed = await ask<{ sentence: string; signature: number[] }>(page, `sign('${text}')`);
      expect(signed.sentence).toContain(text);
      const message = new TextEncoder().encode(text);
      const key = Uint8Array.from(groupKey).subarray(1);
      expect(schnorr.verify(Uint8Array.from(signed.signature), message, key)).toBe(true);
      await page.reload();
      await page.waitForFunction("document.title === 'ready'");
    }
    const kept = await ask<string[]>(page, 'kept()');
    expect(kept.slice(0, 4)).toEqual([
      'servers/server-0',
      'servers/server-1',
      'servers/server-2',
      'keys/page',
    ]);
    // Commitments that were not used are kept as well; their name is the key's id and its epoch.
    expect(kept.slice(4)).toEqual([expect.stringMatching(/^pool\/[0-9a-f]{64}-0-[0-9a-f]{8}$/)]);
  });

  test('keeps records in IndexedDB as a store must: by path, each the last that was put, one writer at a time', async () => {
    expect(await ask(await openPage(), 'useStore()')).toEqual({
      order: ['begins', 'beside it', 'ends', 'after it'],
      listed: ['a/one', 'a/two'],
      one: [1, 2, 3],
      two: [5],
      gone: null,
      three: [],
      inAnother: null,
    });
  });

  test('takes libsecp256k1 in WebAssembly where the page brings it as the docs say, and noble where it does not', async () => {
    expect(await ask(await openPage(), 'secp256k1()')).toMatchObject({ backend: 'noble', grade: 'bigint' });
    const page = await openPage('/with-library.html');
    expect(await ask(page, 'secp256k1()')).toMatchObject({ backend: 'tiny-secp256k1', grade: 'wasm' });
    const names = servers.map(({ url }, i) => ({ name: `server-${i}`, url }));
    const groupKey = await ask<number[]>(page, `makeKey(${JSON.stringify(names)})`);
    const signed = await ask<{ signature: number[] }>(page, `sign('by the library')`);
    const message = new TextEncoder().encode('by the library');
    const key = Uint8Array.from(groupKey).subarray(1);
    expect(schnorr.verify(Uint8Array.from(signed.signature), message, key)).toBe(true);
  });

  /** A page of a browser that keeps nothing from before. */
  async function openPage(path = '/'): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`${address}${path}`);
    await page.waitForFunction("document.title === 'ready'");
    return page;
  }

  async function ask<T>(page: Page, call: string): Promise<T> {
    return (await page.evaluate(`window.${call}`)) as T;
  }

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
