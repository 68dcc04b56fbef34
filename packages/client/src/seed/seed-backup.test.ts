import { expect, test } from 'vitest';
import { recordsOf } from '../test/test-network.js';
import { memoryStore } from '../store/memory-store.js';
import { noteSeedBackup, noteSeedBackupChecked, readSeedBackup } from './seed-backup.js';

test('a backup that is tried in another form leaves what is on record of the form that was shown', async () => {
  const store = recordsOf(memoryStore());
  await noteSeedBackup(store, { form: 'words', isTyped: false }, 100);
  await noteSeedBackupChecked(store, 'shares', 200);
  expect(await readSeedBackup(store)).toEqual({ shownAt: 100, form: 'words', checkedAt: 200 });
});

test('one that was never shown here is known by the form in which it was tried', async () => {
  const store = recordsOf(memoryStore());
  await noteSeedBackupChecked(store, 'shares', 200);
  expect(await readSeedBackup(store)).toEqual({ shownAt: 200, form: 'shares', checkedAt: 200 });
});
