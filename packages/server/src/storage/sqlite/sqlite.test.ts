import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { watchStorage } from '../answers.js';
import type { AccountRow } from '../storage.js';
import { openFile } from './driver.js';
import { openWithNode } from './node-driver.js';
import { openSqlite } from './sqlite.js';

const account = (number: number): AccountRow => ({
  xid: new Uint8Array(32).fill(number),
  status: 'active',
  version: 1,
  openedAt: 10,
  sealed: new Uint8Array(60),
});

test.each([
  ['the SQLite of this process', openFile],
  ['the SQLite of Node itself', openWithNode],
])(
  '%s whose log cannot be put on the disk tells nobody that it wrote, reads nothing any more, and is not ready',
  async (_name, openWith) => {
    const folder = mkdtempSync(join(tmpdir(), 'ckm-log-'));
    const file = join(folder, 'ckm.sqlite');
    try {
      const before = await openSqlite({ file, openWith });
      await before.transact(({ accounts }) => accounts.insert(account(1)));
      await before.close();

      const storage = await openSqlite({ file, openWith });
      expect(existsSync(`${file}-wal`)).toBe(true);
      // SQLite keeps what it has open; whoever opens the log by its name finds none.
      rmSync(`${file}-wal`);
      const health = watchStorage(storage);
      expect(await health.fault()).toBeNull();
      const failed = expect.objectContaining({ code: 'STORAGE_FAILED' }) as Error;
      await expect(health.storage.transact(({ accounts }) => accounts.insert(account(2)))).rejects.toThrow(
        failed,
      );
      await expect(storage.read(({ accounts }) => accounts.find(account(2).xid))).rejects.toThrow(failed);
      await expect(health.storage.transact(({ accounts }) => accounts.insert(account(3)))).rejects.toThrow(
        failed,
      );
      expect(await health.fault()).toBe('STORAGE_FAILED');
      await storage.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
