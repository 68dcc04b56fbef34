import { randomBytes } from 'node:crypto';
import { copyFileSync, linkSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePrivateFile } from './key-file.js';
import { KEY_FILE, passphraseSource, findKeySource, SEALED_KEY_FILE } from './key-source.js';
import { encodeKeyFile } from './key-file.js';
import { sealKeyFile } from './passphrase.js';
import { createStorageKey } from './storage-key.js';

const random = (length: number) => new Uint8Array(randomBytes(length));
const words = (text: string) => secret(encodeUtf8(text));
const CHEAP = { logN: 10, r: 8, p: 1 };
const [OLD, NEW] = ['harbour seven candles', 'walnut eleven bridges'] as const;
const storageKey = createStorageKey(random);

let folder: string;
let path: string;
const source = () => passphraseSource(path, () => 0);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-passphrase-'));
  path = join(folder, SEALED_KEY_FILE);
  writePrivateFile(path, await sealKeyFile(storageKey, words(OLD), random, CHEAP));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function opens(passphrase: string): Promise<boolean> {
  try {
    const { current } = await source().open(words(passphrase));
    expect(reveal(current.key, 'compare')).toEqual(reveal(storageKey.key, 'compare'));
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'PASSPHRASE_WRONG' });
    return false;
  }
}

test('a storage key under another passphrase opens with that one, and with the one before no more', async () => {
  const change = await source().preparePassphrase(words(OLD), words(NEW), random);
  // Until it is put in place nothing has changed: a crash here costs nothing.
  expect([await opens(OLD), await opens(NEW)]).toEqual([true, false]);
  change.apply();
  expect([await opens(OLD), await opens(NEW)]).toEqual([false, true]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('the bytes that the old passphrase opens are overwritten on the disk, not only without a name', async () => {
  const kept = join(folder, 'same-file');
  linkSync(path, kept);
  (await source().preparePassphrase(words(OLD), words(NEW), random)).apply();
  expect(readFileSync(kept).every((byte) => byte === 0)).toBe(true);
});

test('a change is remembered until the log tells of it, and one that was cut short before it is not', async () => {
  const before = readFileSync(path);
  const cut = source();
  (await cut.preparePassphrase(words(OLD), words(NEW), random)).apply();
  expect(source().unloggedChange()).toBe(0);
  writePrivateFile(path, before, { replace: true });
  expect(source().unloggedChange()).toBeNull();
  (await source().preparePassphrase(words(OLD), words(NEW), random)).apply();
  expect(source().unloggedChange()).toBe(0);
  source().forgetChange();
  expect(source().unloggedChange()).toBeNull();
});

test('both passphrases are wiped, whether the present one was right or not', async () => {
  for (const typed of [OLD, 'harbour six candles']) {
    const [present, next] = [words(typed), words(NEW)];
    await source()
      .preparePassphrase(present, next, random)
      .catch(() => undefined);
    for (const one of [present, next]) expect(() => reveal(one, 'look')).toThrow(/wiped/);
  }
});

test.each([
  ['a wrong present one', 'harbour six candles', NEW, 'PASSPHRASE_WRONG'],
  ['a new one that is short', OLD, 'candles', 'PASSPHRASE_TOO_WEAK'],
])('%s changes nothing', async (_what, present, next, code) => {
  const before = readFileSync(path);
  await expect(source().preparePassphrase(words(present), words(next), random)).rejects.toMatchObject({
    code,
  });
  expect(readFileSync(path)).toEqual(before);
});

test('five wrong ones have to wait, as at unsealing', async () => {
  const same = source();
  const attempt = () => same.preparePassphrase(words('harbour six candles'), words(NEW), random);
  for (let i = 0; i < 5; i++) await expect(attempt()).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  await expect(attempt()).rejects.toMatchObject({ code: 'PASSPHRASE_TOO_MANY_TRIES' });
});

test('while another storage key takes the place of the present one the passphrase of both stays', async () => {
  const change = await source().preparePassphrase(words(OLD), words(NEW), random);
  copyFileSync(path, `${path}.next`);
  expect(change.apply).toThrow(expect.objectContaining({ code: 'PASSPHRASE_KEY_CHANGING' }) as Error);
  expect(await opens(OLD)).toBe(true);
});

test('a server whose storage key lies in a file has no passphrase to change', async () => {
  rmSync(path);
  writePrivateFile(join(folder, KEY_FILE), encodeKeyFile(storageKey));
  const plain = findKeySource(folder, null, () => 0);
  await expect(plain.preparePassphrase(words(OLD), words(NEW), random)).rejects.toMatchObject({
    code: 'PASSPHRASE_UNUSED',
  });
});
