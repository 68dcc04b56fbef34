import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { openSeed, parseSeedFile, sealSeed, SEED_FILE_MAX_BYTES } from './seed-file.js';

const seedBytes = new Uint8Array(32).map((_, i) => i + 1);
const passphrase = () => secret('correct horse battery staple');
const seal = () => sealSeed(secret(seedBytes.slice()), passphrase(), 14);

describe('the owner seed at rest', () => {
  test('comes back with its passphrase', async () => {
    expect(reveal(await openSeed(await seal(), passphrase()), 'test')).toEqual(seedBytes);
  });

  test('a passphrase typed with composed or decomposed letters is the same passphrase', async () => {
    const file = await sealSeed(secret(seedBytes.slice()), secret('caf\u00e9'), 14);
    expect(reveal(await openSeed(file, secret('cafe\u0301')), 'test')).toEqual(seedBytes);
  });

  test('a wrong passphrase is refused and says so', async () => {
    await expect(openSeed(await seal(), secret('Correct horse battery staple'))).rejects.toMatchObject({
      code: 'PASSPHRASE_WRONG',
      exitCode: 77,
    });
  });

  test('holds neither seed nor passphrase, and is never the same twice', async () => {
    const [one, two] = [Buffer.from(await seal()), Buffer.from(await seal())];
    expect(one.includes(Buffer.from(seedBytes))).toBe(false);
    expect(one.toString().includes(Buffer.from(seedBytes).toString('hex'))).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test('every changed byte is noticed', { tags: 'slow' }, async () => {
    const file = await seal();
    for (let i = 0; i < file.length; i += 7) {
      const changed = file.slice();
      changed[i]! ^= 1;
      await expect(openSeed(changed, passphrase())).rejects.toMatchObject({
        code: expect.stringMatching(/^(PASSPHRASE_WRONG|SEED_FILE_CORRUPT)$/),
      });
    }
  });

  test.each([
    ['nothing', ''],
    ['something else', 'hello\n'],
    ['a file that asks for 1 TiB of memory', 'ckm-owner-seed: 1\nkdf: scrypt 30 8 1\n'],
    ['a newer version', 'ckm-owner-seed: 2\nkdf: scrypt 17 8 1\n'],
    ['a longer file', 'x'.repeat(SEED_FILE_MAX_BYTES + 1)],
  ])('%s is refused before any work is done', (_what, start) => {
    const rest = `salt: ${'0'.repeat(64)}\nnonce: ${'0'.repeat(48)}\nsealed: ${'0'.repeat(96)}\n`;
    const file = encodeUtf8(start.startsWith('ckm') ? start + rest : start);
    expect(() => parseSeedFile(file)).toThrow(
      expect.objectContaining({ code: 'SEED_FILE_CORRUPT', exitCode: 74 }),
    );
  });

  test('a file written by the first version still opens', async () => {
    const file = encodeUtf8(
      [
        'ckm-owner-seed: 1',
        'kdf: scrypt 14 8 1',
        'salt: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
        'nonce: 000102030405060708090a0b0c0d0e0f1011121314151617',
        'sealed: 31d88bfd520570e2b46c94802fc6f2e5f87e87cbfa3032508a6030b5fef3afc60a509c641b3917cca62ca32fb7019e83',
        '',
      ].join('\n'),
    );
    expect(reveal(await openSeed(file, passphrase()), 'test')).toEqual(seedBytes);
  });
});
