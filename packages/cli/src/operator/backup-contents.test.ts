import { expect, test } from 'vitest';
import { afterRestore } from './backup-contents.js';

test('a restore says with which passphrase its server opens: the one of the backup, not a later one', () => {
  const takenAt = Date.UTC(2026, 10, 29, 12) / 1_000;
  const lines = afterRestore({ isSealed: true, takenAt }, 'alpha').join('\n');
  expect(lines).toMatch(/the one that opened the backup, of 2026-11-29 .*set after that opens nothing here/);
  expect(lines).toContain('ckm server unseal alpha');
  expect(lines).toContain('ckm server passphrase alpha');
  expect(afterRestore({ isSealed: false, takenAt }, 'alpha')).toEqual(['next: ckm server start alpha']);
});
