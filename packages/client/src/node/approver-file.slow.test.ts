import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { APPROVER_FILE_MAX_BYTES, openApprover, parseApproverFile, sealApprover } from './approver-file.js';
import { parseSeedFile, sealSeed } from './seed-file.js';

const bytes = new Uint8Array(32).map((_, i) => i + 1);
const passphrase = () => secret('correct horse battery staple');
const sealed = () => sealApprover(secret(bytes.slice()), passphrase(), 14);

test('the secret of an approver comes back with its passphrase and no other', async () => {
  const file = await sealed();
  expect(reveal(await openApprover(file, passphrase()), 'test')).toEqual(bytes);
  await expect(openApprover(file, secret('Correct horse battery staple'))).rejects.toMatchObject({
    code: 'PASSPHRASE_WRONG',
  });
  expect(Buffer.from(file).toString()).not.toContain(Buffer.from(bytes).toString('hex'));
});

test('it is no owner seed, and an owner seed is no approver: neither opens in the place of the other', async () => {
  const seed = await sealSeed(secret(bytes.slice()), passphrase(), 14);
  expect(() => parseApproverFile(seed)).toThrow(expect.objectContaining({ code: 'APPROVER_FILE_CORRUPT' }));
  const file = await sealed();
  expect(() => parseSeedFile(file)).toThrow(expect.objectContaining({ code: 'SEED_FILE_CORRUPT' }));
  const renamed = encodeUtf8(Buffer.from(seed).toString().replace('ckm-owner-seed', 'ckm-approver'));
  await expect(openApprover(renamed, passphrase())).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
});

test.each([
  ['nothing', ''],
  ['something else', 'hello\n'],
  ['a newer version', 'ckm-approver: 2\n'],
  ['a longer file', 'x'.repeat(APPROVER_FILE_MAX_BYTES + 1)],
])('%s is refused before any work is done', (_what, text) => {
  expect(() => parseApproverFile(encodeUtf8(text))).toThrow(
    expect.objectContaining({ code: 'APPROVER_FILE_CORRUPT' }),
  );
});
