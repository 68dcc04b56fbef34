// @module-tag long
import { execFile, execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';

const DOCS = join(import.meta.dirname, '../../../docs');
const VECTORS = join(DOCS, 'vectors');
const PAGE = readFileSync(join(DOCS, 'formats.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'ckm-vectors-'));
const names = readdirSync(VECTORS).filter((name) => name.endsWith('.json'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isThere(program: string, version: string): boolean {
  try {
    execFileSync(program, [version], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write(`vectors.test: ${program} is missing; it does not judge the vectors\n`);
    return false;
  }
}
const hasPython = isThere('python3', '--version');
const hasOpenssl = isThere('openssl', 'version');
const run = async (program: string, args: readonly string[]) =>
  (await promisify(execFile)(program, [...args], { cwd: folder, timeout: 300_000 })).stdout;
const read = (from: string, ...only: string[]) => run('python3', [join(VECTORS, 'read.py'), from, ...only]);

test('the vectors are those that this version writes', async () => {
  const script = join(DOCS, '../scripts/vectors.mjs');
  await run(process.execPath, [script, '--to', join(folder, 'fresh')]);
  expect(readdirSync(join(folder, 'fresh')).sort()).toEqual(names.sort());
  for (const name of names)
    expect(readFileSync(join(folder, 'fresh', name), 'utf8'), name).toBe(
      readFileSync(join(VECTORS, name), 'utf8'),
    );
});

test('every label that the reader hashes or compares stands on the page', () => {
  const reader = readFileSync(join(VECTORS, 'read.py'), 'utf8');
  const labels = [...reader.matchAll(/"((?:CKM|COCKTAIL|Collaborative|TapTweak)[^"{}]*)"/g)].map(
    ([, label]) => label!.replace(/\\n$|\\0$/, ''),
  );
  expect(labels.length).toBeGreaterThan(20);
  expect(labels.filter((label) => !PAGE.includes(label))).toEqual([]);
});

describe.skipIf(!hasPython)('a reader that shares no code with us', () => {
  test('finds every vector good', async () => {
    expect(await read(VECTORS)).toBe(
      [
        'messages',
        'keys',
        'imports',
        'changes',
        'strict',
        'packets',
        'requests',
        'labels',
        'calls',
        'devices',
        'approvers',
        'asked',
        'life',
        'heads',
        'likeness',
        'children',
      ]
        .map((name) => `${name}: good\n`)
        .join(''),
    );
  }, 300_000);

  test.each([
    ['messages', 'signature'],
    ['keys', 'certificate'],
    ['imports', 'certificate'],
    ['changes', 'certificate'],
    ['changes', 'receipt'],
    ['strict', 'certificate'],
    ['strict', 'change'],
    ['packets', 'signature'],
    ['requests', 'share'],
    ['labels', 'sealed'],
    ['labels', 'point'],
    ['labels', 'secret'],
    ['calls', 'message'],
    ['devices', 'signature'],
    ['approvers', 'content'],
    ['approvers', 'digest'],
    ['asked', 'payloadHash'],
    ['asked', 'matterId'],
    ['life', 'signature'],
    ['life', 'statement'],
    ['heads', 'signature'],
    ['likeness', 'digest'],
    ['children', 'child'],
  ])('refuses %s.json with one bit of a %s changed', async (name, field) => {
    const other = join(folder, name);
    cpSync(VECTORS, other, { recursive: true });
    const text = readFileSync(join(VECTORS, `${name}.json`), 'utf8');
    const changed = text.replace(
      new RegExp(`("${field}": "[0-9a-f]*)([0-9a-f])"`),
      (_whole, start: string, last: string) => `${start}${(Number.parseInt(last, 16) ^ 1).toString(16)}"`,
    );
    expect(changed).not.toBe(text);
    writeFileSync(join(other, `${name}.json`), changed);
    await expect(read(other, name)).rejects.toMatchObject({ code: 1, stdout: '' });
  });
});

test.skipIf(!hasOpenssl)('the page’s own commands verify a signed message with OpenSSL', async () => {
  const [, commands] = /```\n(printf [^`]+)```/.exec(PAGE)!;
  const vectors = JSON.parse(readFileSync(join(VECTORS, 'messages.json'), 'utf8')) as {
    readonly publicKey: string;
    readonly signature: string;
  }[];
  const { publicKey, signature } = vectors[0]!;
  const der = Buffer.from(`302a300506032b6570032100${publicKey}`, 'hex');
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  writeFileSync(join(folder, 'key.pem'), key.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'signature'), Buffer.from(signature, 'hex'));
  expect(await run('sh', ['-c', commands!])).toContain('Signature Verified Successfully');
});

test.skipIf(!hasPython)('the page’s lines of Python and of a shell give the same bytes to sign', async () => {
  const [, commands] = /```\n(printf [^`]+)```/.exec(PAGE)!;
  const [, lines] = /```\n(domain, message = [^`]+)```/.exec(PAGE)!;
  const shell = await run('sh', ['-c', `${commands!.split('\n')[0]!}; od -An -v -tx1 signed`]);
  const python = await run('python3', ['-c', `${lines!}print(signed.hex())`]);
  expect(python.trim()).toBe(shell.replace(/\s/g, ''));
  expect(python.length).toBeGreaterThan(60);
});
