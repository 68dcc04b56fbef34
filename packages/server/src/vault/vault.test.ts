import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyRow } from '../storage/storage.js';
import { cipher, nobleCipher } from './cipher.js';
import { createVault } from './create-vault.js';
import { encodeKeyFile, parseKeyFile, readPrivateFile, writePrivateFile } from './key-file.js';
import { findKeySource, KEY_FILE, passphraseSource, SEALED_KEY_FILE } from './key-source.js';
import { openKeyFile, sealKeyFile } from './passphrase.js';
import { createStorageKey } from './storage-key.js';

const random = (length: number) => new Uint8Array(randomBytes(length));
const id = (number: number) => new Uint8Array(32).fill(number);
const words = (text: string) => secret(encodeUtf8(text));
const CHEAP = { logN: 10, r: 8, p: 1 };
const columns = {
  owner: id(1),
  keyId: id(2),
  state: 'pending',
  epoch: 0,
  version: 3,
  createdAt: 100,
} satisfies Omit<KeyRow, 'sealed'>;
const share = encodeUtf8('canary share of a key, thirty-two');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-vault-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('sealed rows', () => {
  const vault = createVault(createStorageKey(random), random);
  const row = vault.sealRow('keys', columns, share);

  test('a sealed row opens to what was sealed, and holds no trace of it', () => {
    expect(vault.openRow('keys', row)).toEqual(share);
    expect(Buffer.from(row.sealed).includes('canary')).toBe(false);
    expect(row.sealed.length).toBe(share.length + 45);
  });

  test('V64: the ciphertext of another row does not open, in either place', () => {
    const other = vault.sealRow('keys', { ...columns, keyId: id(9) }, encodeUtf8('another share'));
    expect(() => vault.openRow('keys', { ...row, sealed: other.sealed })).toThrow(
      /not what this server stored/,
    );
    expect(() => vault.openRow('keys', { ...other, sealed: row.sealed })).toThrow(
      /not what this server stored/,
    );
  });

  test('V64: no readable column can be changed: owner, id, state, version, time', () => {
    const changes: Partial<KeyRow>[] = [
      { owner: id(8) },
      { keyId: id(8) },
      { state: 'active' },
      { epoch: 1 },
      { version: 2 },
      { createdAt: 101 },
    ];
    for (const change of changes) {
      expect(() => vault.openRow('keys', { ...row, ...change })).toThrow(
        expect.objectContaining({ errorClass: 'StorageError', code: 'ROW_TAMPERED' }),
      );
    }
  });

  test('V64: a row moved to another table does not open there', () => {
    const attempt = vault.sealRow('attempts', { owner: id(1), requestId: id(2), number: 1 }, share);
    const evidence = { owner: id(1), sessionId: id(2), number: 1, sealed: attempt.sealed };
    expect(() => vault.openRow('session_evidence', evidence)).toThrow(/session_evidence/);
  });

  test('V64: two sealings of the same row never share a nonce', () => {
    const nonces = Array.from({ length: 50 }, () =>
      Buffer.from(vault.sealRow('keys', columns, share).sealed.subarray(5, 29)).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(50);
  });

  test('every changed byte of a sealed value is found', () => {
    for (let at = 0; at < row.sealed.length; at++) {
      const sealed = row.sealed.slice();
      sealed[at]! ^= 1;
      expect(() => vault.openRow('keys', { ...row, sealed })).toThrow(/not what this server stored/);
    }
    for (const length of [0, 1, 44, row.sealed.length - 1]) {
      expect(() => vault.openRow('keys', { ...row, sealed: row.sealed.subarray(0, length) })).toThrow(
        /stored/,
      );
    }
  });

  test('another storage key opens nothing', () => {
    const other = createVault(createStorageKey(random), random);
    expect(() => other.openRow('keys', row)).toThrow(expect.objectContaining({ code: 'ROW_TAMPERED' }));
    expect(other.checkValue).not.toEqual(vault.checkValue);
  });

  test('a file is bound to its name', () => {
    const sealed = vault.sealFile('identity', share);
    expect(vault.openFile('identity', sealed)).toEqual(share);
    expect(() => vault.openFile('config', sealed)).toThrow(
      expect.objectContaining({ code: 'FILE_TAMPERED' }),
    );
  });

  test('a wiped vault answers nothing', () => {
    const mortal = createVault(createStorageKey(random), random);
    const sealed = mortal.sealRow('keys', columns, share);
    mortal.wipe();
    expect(() => mortal.openRow('keys', sealed)).toThrow(expect.objectContaining({ code: 'VAULT_WIPED' }));
    expect(() => mortal.sealFile('identity', share)).toThrow(
      expect.objectContaining({ code: 'VAULT_WIPED' }),
    );
  });

  test('native code and portable code write the same bytes', () => {
    const [key, nonce, aad] = [random(32), random(24), random(90)];
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      const plaintext = random(length);
      const sealed = cipher.seal(key, nonce, aad, plaintext);
      expect(sealed).toEqual(nobleCipher.seal(key, nonce, aad, plaintext));
      expect(nobleCipher.open(key, nonce, aad, sealed)).toEqual(plaintext);
    }
    expect(nobleCipher.open(key, nonce, aad, random(40))).toBeNull();
    expect(cipher.open(key, nonce, aad, random(15))).toBeNull();
  });
});

describe('the storage key on disk', () => {
  test('a key file is readable by its owner only, and one that is not is refused', async () => {
    const path = join(folder, KEY_FILE);
    const storageKey = createStorageKey(random);
    writePrivateFile(path, encodeKeyFile(storageKey));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const opened = await findKeySource(folder, null, () => 0).open(null);
    expect(reveal(opened.current.key, 'test')).toEqual(reveal(storageKey.key, 'test'));
    chmodSync(path, 0o640);
    expect(() => readPrivateFile(path)).toThrow(expect.objectContaining({ code: 'KEY_FILE_EXPOSED' }));
  });

  test('a key file is never written over by accident', () => {
    const path = join(folder, KEY_FILE);
    writePrivateFile(path, encodeUtf8('first'));
    expect(() => writePrivateFile(path, encodeUtf8('second'))).toThrow(
      expect.objectContaining({ code: 'KEY_FILE_EXISTS' }),
    );
    expect(readFileSync(path, 'utf8')).toBe('first');
  });

  test('a damaged or cut-off key file is named as damaged, whichever byte it is', () => {
    const bytes = encodeKeyFile(createStorageKey(random));
    for (let at = 0; at < bytes.length; at++) {
      const broken = bytes.slice();
      broken[at]! ^= 0x80;
      expect(() => parseKeyFile(broken)).toThrow(expect.objectContaining({ code: 'KEY_FILE_DAMAGED' }));
    }
    expect(() => parseKeyFile(bytes.subarray(1))).toThrow(
      expect.objectContaining({ code: 'KEY_FILE_DAMAGED' }),
    );
  });

  test('a missing key file says what to run', () => {
    expect(() => findKeySource(folder, null, () => 0)).toThrow(
      expect.objectContaining({
        code: 'KEY_FILE_MISSING',
        hint: expect.stringContaining('from a copy') as string,
      }),
    );
  });

  test('a passphrase opens the key, another one does not, and the file shows neither', async () => {
    const storageKey = createStorageKey(random);
    const sealed = await sealKeyFile(storageKey, words('olive canyon ferret'), random, CHEAP);
    const opened = await openKeyFile(sealed, words('olive canyon ferret'));
    expect(reveal(opened.key, 'test')).toEqual(reveal(storageKey.key, 'test'));
    await expect(openKeyFile(sealed, words('olive canyon ferreT'))).rejects.toMatchObject({
      errorClass: 'AccessError',
      code: 'PASSPHRASE_WRONG',
    });
    expect(Buffer.from(sealed).includes(Buffer.from(reveal(storageKey.key, 'test')))).toBe(false);
  });

  test('a cheaper cost written into the sealed file does not open it, a ruinous one is refused unread', async () => {
    const sealed = await sealKeyFile(createStorageKey(random), words('olive canyon ferret'), random, {
      ...CHEAP,
      logN: 11,
    });
    const at = encodeUtf8('ckm storage key sealed 1\n').length;
    const withCost = (logN: number) => Object.assign(sealed.slice(), { [at]: logN });
    await expect(openKeyFile(withCost(10), words('olive canyon ferret'))).rejects.toMatchObject({
      code: 'PASSPHRASE_WRONG',
    });
    // From 512 MiB on: twice what is ever written is the most that a file may ask for.
    for (const logN of [19, 20, 30])
      await expect(openKeyFile(withCost(logN), words('olive canyon ferret'))).rejects.toMatchObject({
        code: 'KEY_FILE_DAMAGED',
      });
  });

  test('a short passphrase is refused when it is chosen', async () => {
    await expect(
      sealKeyFile(createStorageKey(random), words('hunter2'), random, CHEAP),
    ).rejects.toMatchObject({
      code: 'PASSPHRASE_TOO_WEAK',
    });
  });

  test('after five wrong passphrases even the right one has to wait, longer each time', async () => {
    const path = join(folder, SEALED_KEY_FILE);
    writeFileSync(
      path,
      await sealKeyFile(createStorageKey(random), words('olive canyon ferret'), random, CHEAP),
      {
        mode: 0o600,
      },
    );
    let now = 1_000;
    const source = passphraseSource(path, () => now);
    const attempt = (text: string) =>
      source.open(words(text)).then(
        () => 'open',
        ({ code }) => code as string,
      );
    for (let i = 0; i < 5; i++) expect(await attempt('wrong wrong wrong')).toBe('PASSPHRASE_WRONG');
    expect(await attempt('olive canyon ferret')).toBe('PASSPHRASE_TOO_MANY_TRIES');
    now += 29;
    expect(await attempt('olive canyon ferret')).toBe('PASSPHRASE_TOO_MANY_TRIES');
    now += 1;
    expect(await attempt('wrong wrong wrong')).toBe('PASSPHRASE_WRONG');
    now += 59;
    expect(await attempt('olive canyon ferret')).toBe('PASSPHRASE_TOO_MANY_TRIES');
    now += 1;
    expect(await attempt('olive canyon ferret')).toBe('open');
  });

  test('tries made at the same time count one after the other', async () => {
    const path = join(folder, SEALED_KEY_FILE);
    writeFileSync(
      path,
      await sealKeyFile(createStorageKey(random), words('olive canyon ferret'), random, CHEAP),
      {
        mode: 0o600,
      },
    );
    const source = passphraseSource(path, () => 0);
    const codes = await Promise.all(
      [1, 2, 3].map((i) => source.open(words(`wrong passphrase ${i}`)).catch(({ code }) => code as string)),
    );
    expect(codes).toEqual(['PASSPHRASE_WRONG', 'PASSPHRASE_TOO_MANY_TRIES', 'PASSPHRASE_TOO_MANY_TRIES']);
  });
});
