import { wordlist } from '@scure/bip39/wordlists/english.js';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wordsToSeed } from '@ckm/client';
import { reveal, secret } from '@ckm/foundation';
import { hasProgram } from '../test/programs.js';
import { runProgram } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const ROOT = join(import.meta.dirname, '../../../..');
const PAGE = readFileSync(join(ROOT, 'docs/without-ckm.md'), 'utf8');

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup();
}, 60_000);
afterAll(() => setup.close());

/** The example of the page in that language. */
function exampleIn(language: string): string {
  return new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(PAGE)![1]!;
}

const put = (name: string, content: string) => setup.scratch.file(name, content);
const inScratch = {
  get cwd() {
    return setup.scratch.path;
  },
};

describe('whoever has no ckm any more and follows docs/without-ckm.md', () => {
  test.skipIf(!hasProgram('python3', '--version'))(
    'has the owner seed out of the words (needs python3)',
    async () => {
      const words = join(setup.scratch.path, 'words.txt');
      await setup.json(['seed', 'backup', '--out', words]);
      put('english.txt', `${wordlist.join('\n')}\n`);
      const { stdout, stderr } = await runProgram(
        'python3',
        [put('words.py', exampleIn('python'))],
        inScratch,
      );
      const seed = reveal(wordsToSeed(secret(readFileSync(words, 'utf8').trim())), 'comparing');
      expect([stderr, stdout.trim()]).toEqual(['', Buffer.from(seed).toString('hex')]);
      const [first, second, ...rest] = readFileSync(words, 'utf8').trim().split(' ');
      writeFileSync(words, [second, first, ...rest].join(' '));
      expect((await runProgram('python3', ['words.py'], inScratch)).stdout === stdout).toBe(false);
    },
  );

  test('has the addresses of a key out of its descriptor', async () => {
    await createKey(setup, 'treasury', '--for', 'bitcoin');
    put('descriptor.txt', (await setup.ckm(['key', 'show', 'treasury', '--public'])).stdout);
    symlinkSync(join(ROOT, 'node_modules'), join(setup.scratch.path, 'node_modules'));
    const { stdout, stderr } = await runProgram(
      process.execPath,
      [put('address.mjs', exampleIn('js'))],
      inScratch,
    );
    const shown = (await setup.ckm(['address', 'treasury', '--index', '0'])).stdout;
    expect([stderr, stdout]).toEqual(['', shown]);
  });

  test.skipIf(!hasProgram('ssh-keygen', '-?'))(
    'has signatures checked by OpenSSH (needs ssh-keygen)',
    async () => {
      await createKey(setup, 'laptop', '--for', 'ssh');
      const letter = put('letter', 'Dear Ben\n');
      await setup.json([
        'sign',
        'laptop',
        letter,
        '--ssh-namespace',
        'file',
        '--out',
        `${letter}.sig`,
        '--yes',
      ]);
      put('key.pub', (await setup.ckm(['key', 'show', 'laptop', '--public'])).stdout);
      const verify = () => runProgram('sh', [put('verify.sh', exampleIn('sh'))], inScratch);
      expect((await verify()).stdout).toMatch(/^Good "file" signature for me@example/);
      put('letter', 'Dear Bob\n');
      expect((await verify()).status).not.toBe(0);
    },
  );
});
