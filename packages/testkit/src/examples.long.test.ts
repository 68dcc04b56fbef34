// @module-tag long
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectOperator, initServer, type RunningServer, startServer } from '@ckm/server';
import { ed25519 } from '@noble/curves/ed25519.js';
import { chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withLikeness } from './with-likeness.js';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const CHROMIUM = '/usr/bin/chromium';
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium)
  process.stderr.write('examples.test: chromium is missing; the example for browsers is not tried\n');

const WORDS = `${'legal winner thank year wave sausage worth useful '.repeat(2)}legal winner thank year wave sausage worth title`;
const LIKENESSES = ['alpha', 'bravo', 'charlie'].map((name) =>
  expect.stringMatching(new RegExp(`^${name} looks like [a-z]+(-[a-z]+){5}$`)),
);
const folder = mkdtempSync(join(tmpdir(), 'ckm-examples-'));
const servers: RunningServer[] = [];

beforeAll(async () => {
  for (const name of ['alpha', 'bravo', 'charlie', 'delta']) {
    const dataDir = join(folder, name);
    const listen = { host: '127.0.0.1', port: 0 };
    const accounts = name === 'delta' ? 'invite' : 'open';
    await initServer({ dataDir, settings: { name, listen, accounts, log: { level: 'silent' } } });
    servers.push(await startServer({ dataDir, variables: { CKM_ALLOW_INSPECT: '1' } }));
  }
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const urls = () => servers.slice(0, 3).map(({ url }) => url);

/** Runs the example for Node, with the passphrase on its standard input. */
async function hello(told: readonly string[]): Promise<string[]> {
  const program = join(EXAMPLES, 'node/hello.mjs');
  return new Promise((resolve, reject) => {
    const args = [program, join(folder, 'alice'), ...told];
    const child = execFile(process.execPath, args, { timeout: 50_000 }, (error, stdout) => {
      if (error === null) resolve(stdout.trim().split('\n'));
      else reject(error);
    });
    child.stdin!.end('river lamp seven onions\n');
  });
}

test('the example for Node refuses a server of other words than its operator told, makes a key with three servers and signs, and signs with it again when it is run again', async () => {
  const told = await withLikeness(urls());
  await expect(hello([told[1]!.replace(/^[^=]+/, urls()[0]!), ...told.slice(1)])).rejects.toThrow(
    'SERVER_LIKENESS_MISMATCH',
  );
  await expect(hello(urls())).rejects.toThrow('SERVER_LIKENESS_MISMATCH');
  const first = await hello(told);
  expect(first.at(-3)).toBe('Sign the message “hello” in the domain ckm with notes');
  expect(first.at(-1)).toBe('it verifies');
  const publicKey = first.find((line) => line.startsWith('public key '))!;
  // What is signed, as docs/formats.md says, judged by a verifier that is not ours.
  const signed = Buffer.from('CKM signed message v1\n\0\0\0\x03ckm\0\0\0\x05hello', 'latin1');
  const second = await hello(told);
  expect(second.slice(0, 2)).toEqual([publicKey, first.at(-3)]);
  for (const lines of [first, second]) {
    const signature = /^signed by [a-z]+, [a-z]+: ([0-9a-f]{128})$/.exec(lines.at(-2)!)![1]!;
    const key = publicKey.slice('public key '.length);
    expect(ed25519.verify(Buffer.from(signature, 'hex'), signed, Buffer.from(key, 'hex'))).toBe(true);
  }
});

test.skipIf(!hasChromium)(
  'the example for browsers does the same in Chromium, with an invite at one of the servers',
  async () => {
    const program = await rolldown({
      input: join(EXAMPLES, 'browser/page.js'),
      platform: 'browser',
      resolve: { conditionNames: ['browser', 'import', 'module', 'default'] },
    });
    const { output } = await program.generate({ format: 'esm', codeSplitting: false });
    const web = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(isScript ? output[0].code : readFileSync(join(EXAMPLES, 'browser/index.html')));
    });
    await new Promise<void>((resolve) => {
      web.listen(0, '127.0.0.1', resolve);
    });
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    try {
      const page = await browser.newPage();
      page.on('dialog', (dialog) => void dialog.accept());
      await page.goto(`http://127.0.0.1:${(web.address() as AddressInfo).port}/`);
      await page.fill('[name=words]', WORDS);
      const { code } = await connectOperator(join(folder, 'delta')).createInvite({
        note: '',
        lifetimeSeconds: 600,
      });
      const [alpha, bravo] = urls();
      await page.fill('[name=servers]', [alpha, bravo, `${servers[3]!.url} ${code}`].join('\n'));
      await page.fill('[name=text]', 'from a page');
      await page.click('button');
      await page.waitForFunction("/verif|\\([A-Z_]+\\)/.test(document.querySelector('pre').textContent)");
      const lines = (await page.textContent('pre'))!.trim().split('\n');
      expect(lines).toEqual([
        ...LIKENESSES,
        'Sign the message “from a page” in the domain ckm with notes',
        expect.stringMatching(/^signed by [a-z]+, [a-z]+: [0-9a-f]{128}$/),
        'it verifies',
      ]);
    } finally {
      await browser.close();
      web.close();
    }
  },
);
