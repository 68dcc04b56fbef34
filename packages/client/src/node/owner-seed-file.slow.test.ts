import { reveal, secret } from '@ckm/foundation';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSeedFile, openSeedFile } from './owner-seed-file.js';

const passphrase = () => secret('river lamp seven onions');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-seed-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test(
  'createSeedFile makes a seed that openSeedFile opens, in a file that nobody else may read',
  { tags: 'slow' },
  async () => {
    const path = join(folder, 'alice', 'seed');
    const made = await createSeedFile(path, passphrase());
    const opened = await openSeedFile(path, passphrase());
    expect(reveal(opened, 'test')).toEqual(reveal(made, 'test'));
    expect(reveal(made, 'test')).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'alice')).mode & 0o777).toBe(0o700);
  },
);

test(
  'createSeedFile, where a seed is already, refuses and leaves it as it is',
  { tags: 'slow' },
  async () => {
    const path = join(folder, 'seed');
    writeFileSync(path, 'the seed of bob');
    await expect(createSeedFile(path, passphrase())).rejects.toMatchObject({ code: 'SEED_EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe('the seed of bob');
  },
);

test('openSeedFile, given no file or a folder, says which one cannot be used', async () => {
  for (const path of [join(folder, 'absent'), folder]) {
    await expect(openSeedFile(path, passphrase())).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining(path),
    });
  }
});

test('openSeedFile, given a file much longer than a seed file, reads no more of it than is needed to refuse it', async () => {
  const path = join(folder, 'long');
  writeFileSync(path, new Uint8Array(1 << 22));
  await expect(openSeedFile(path, passphrase())).rejects.toMatchObject({ code: 'SEED_FILE_CORRUPT' });
});
