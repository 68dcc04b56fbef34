// @module-tag long
import { initServer, type RunningServer, startServer } from '@ckm/server';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const NAMES = ['alpha', 'bravo', 'charlie'];
const ENTRY = join(import.meta.dirname, 'index.ts');
const REQUESTS = join(import.meta.dirname, '../../requests/src/index.ts');

/** What a page does: everything through the public face of the client. */
const PAGE = `
import { createClient, memoryStore, wordsToSeed, buildMessageRequest, secret } from './bundle.js';
const words = secret('legal winner thank year wave sausage worth useful '.repeat(2) + 'legal winner thank year wave sausage worth title');
const client = createClient({ seed: wordsToSeed(words), store: memoryStore() });
const servers = [];
for (const [i, url] of urls.entries()) servers.push((await client.addServer({ name: 's' + i, url })).name);
for (const suite of ['ed25519', 'secp256k1-tr', 'secp256k1', 'P-256', 'ristretto255']) {
  const name = suite.toLowerCase();
  await client.createKey({ name, purpose: 'message', suite, quorum: { needed: 2, of: 3 }, servers });
  const payload = buildMessageRequest({ domain: 'page', bytes: new TextEncoder().encode('hello') });
  const { signatures, signers } = await client.sign({ key: name, kind: 'message', payload });
  report({ suite, length: signatures[0].length, signers: signers.length });
}
await client.close();
`;

/** Runs the page where there is what a browser has, and nothing that only Node has. */
const BROWSER = `
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
const answers = [];
const web = { console, crypto, fetch, TextEncoder, TextDecoder, AbortController, URL, setTimeout, clearTimeout, performance };
const context = vm.createContext({ ...web, urls: URLS, report: (answer) => answers.push({ ...answer }) });
const load = (name) => new vm.SourceTextModule(readFileSync(new URL(name, import.meta.url), 'utf8'), { context, identifier: name });
const page = load('./page.js');
await page.link((name) => load(name));
await page.evaluate();
console.log(JSON.stringify(answers));
`;

let folder: string;
let running: RunningServer[];
let bundle: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-browser-'));
  running = [];
  for (const name of NAMES) {
    const dataDir = join(folder, name);
    const listen = { host: '127.0.0.1', port: 0 };
    await initServer({ dataDir, settings: { name, accounts: 'open', listen, log: { level: 'silent' } } });
    running.push(await startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1' } }));
  }
  bundle = await bundleForBrowsers();
}, 120_000);
afterAll(async () => {
  await Promise.all(running.map((server) => server.close()));
  rmSync(folder, { recursive: true, force: true });
});

/** The client and what a page needs beside it, as a bundler makes it for browsers: without the condition `node`. */
async function bundleForBrowsers(): Promise<string> {
  const entry = join(folder, 'entry.ts');
  const foundation = join(import.meta.dirname, '../../foundation/src/index.ts');
  const exports = [ENTRY, REQUESTS].map((path) => `export * from ${JSON.stringify(path)};`);
  writeFileSync(entry, [...exports, `export { secret } from ${JSON.stringify(foundation)};`].join('\n'));
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    root: join(import.meta.dirname, '../../..'),
    resolve: { conditions: ['ckm-source', 'browser', 'import', 'module', 'default'] },
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry, formats: ['es'], fileName: 'bundle' },
      // What is loaded on demand is in the same file: chunks of their own cannot be put behind one another.
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const chunks = (Array.isArray(output) ? output : [output]).flatMap((one) =>
    'output' in one ? one.output : [],
  );
  expect(chunks.map(({ type, fileName }) => ({ type, fileName }))).toEqual([
    { type: 'chunk', fileName: expect.stringMatching(/^bundle\.m?js$/) as string },
  ]);
  return chunks.map((chunk) => ('code' in chunk ? chunk.code : '')).join('');
}

describe('the client in a browser', () => {
  test('is bundled without one module of Node', () => {
    const imports = [...bundle.matchAll(/^\s*(?:import|export)\b[^;'"]*?from\s*["']([^"']+)["']/gm)].map(
      (match) => match[1],
    );
    expect(bundle.length).toBeGreaterThan(100_000);
    expect(imports).toEqual([]);
    const reaches = bundle
      .split('\n')
      .filter((line) => /["']node:|__vite-browser-external|\brequire\(/.test(line));
    // libsodium asks Node's crypto for randomness only where there is no crypto.getRandomValues.
    expect(reaches.map((line) => line.trim().slice(0, 100))).toEqual(['// __vite-browser-external']);
  });

  test('makes keys and signs in every suite with portable ciphers alone, without anything that only Node has', async () => {
    writeFileSync(join(folder, 'bundle.js'), bundle);
    writeFileSync(join(folder, 'page.js'), PAGE);
    const urls = JSON.stringify(running.map(({ url }) => url));
    const browser = join(folder, 'browser.mjs');
    writeFileSync(browser, BROWSER.replace('URLS', urls));
    const args = ['--no-warnings', '--experimental-vm-modules', browser];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
    const answers = JSON.parse(stdout) as { suite: string; length: number; signers: number }[];
    expect(answers.map(({ suite }) => suite)).toHaveLength(5);
    expect(answers.every(({ length, signers }) => length >= 64 && signers === 2)).toBe(true);
  }, 120_000);
});
