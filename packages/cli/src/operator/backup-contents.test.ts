import { encodeUtf8 } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { afterRestore } from './backup-contents.js';

const takenAt = Date.UTC(2026, 10, 29, 12) / 1_000;
const restored = {
  name: 'alpha',
  config: encodeUtf8('{"name": "alpha"}'),
  isSealed: false,
  takenAt,
  hasEpochKeys: true,
  keysMissing: 0,
};

test('a restore says with which passphrase its server opens: the one of the backup, not a later one', () => {
  const lines = afterRestore({ ...restored, isSealed: true }, 'alpha').join('\n');
  expect(lines).toMatch(/the one that opened the backup, of 2026-11-29 .*set after that opens nothing here/);
  expect(lines).toContain('ckm server unseal alpha');
  expect(lines).toContain('ckm server passphrase alpha');
  expect(afterRestore(restored, 'alpha').at(-1)).toBe('next: ckm server start alpha');
});

test.each([
  ['epoch', 'by the other servers: ckm key repair NAME --server alpha'],
  ['static', 'out of the certificate or by the other servers: ckm key repair NAME --server alpha'],
])(
  'a restore of a server with backup mode %s says what is missing and what brings it back',
  (backup, words) => {
    const config = encodeUtf8(JSON.stringify({ name: 'alpha', backup }));
    const lines = afterRestore({ ...restored, config }, 'alpha');
    expect(lines).toEqual([expect.stringContaining(words), 'next: ckm server start alpha']);
  },
);

test('a restore without epoch keys says how many shares do not open, and what would open them', () => {
  const lines = afterRestore({ ...restored, hasEpochKeys: false, keysMissing: 3 }, 'alpha');
  expect(lines[1]).toBe(
    '3 shares in it, made without epoch keys, do not open either: put copies of epoch-keys/ into the folder, or the same command',
  );
});
