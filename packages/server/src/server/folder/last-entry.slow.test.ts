import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../../control/connect-operator.js';
import { SQLITE_FILE } from '../database/open-storage.js';
import { type ChildServer, isCompiled, spawnServer } from '../../test/child-server.js';
import { person } from '../../test/rooms.js';
import { clientOf } from '../../test/test-server.js';
import { LAST_ENTRY_FILE } from './data-dir.js';
import { initServer } from '../setup/init-server.js';

describe.skipIf(!isCompiled)(
  'a server that is killed at once after an answer (skipped when not compiled)',
  () => {
    let child: ChildServer;
    const folder = mkdtempSync(join(tmpdir(), 'ckm-last-'));
    const dataDir = join(folder, 'alpha');
    afterEach(async () => {
      await child.end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    });

    const databaseFiles = (path: string) => readdirSync(path).filter((name) => name.startsWith(SQLITE_FILE));
    const copyDatabase = (from: string, to: string) => {
      for (const name of databaseFiles(to)) rmSync(join(to, name));
      for (const name of databaseFiles(from)) cpSync(join(from, name), join(to, name));
    };
    const rollbacks = async () =>
      (await connectOperator(dataDir).audit({ from: 1, limit: 200 })).filter(
        ({ deed }) => deed === 'server.rollback',
      ).length;

    test('notices a database that is older by one entry, which the anchor of every few seconds does not know; not after a power cut', async () => {
      await initServer({
        dataDir,
        settings: { name: 'alpha', accounts: 'open', listen: { host: '127.0.0.1', port: 0 } },
      });
      child = await spawnServer(dataDir);
      const dump = mkdtempSync(join(folder, 'dump-'));
      const joinAndKill = async (number: number) => {
        await (await clientOf(child.first.url!, person(number))).join();
        await child.end('SIGKILL');
      };
      copyDatabase(dataDir, dump);
      await joinAndKill(1);
      copyDatabase(dump, dataDir);
      child = await spawnServer(dataDir);
      expect(await rollbacks()).toBe(1);

      // A power cut may leave a torn note: it is passed over, and the anchor alone does not tell.
      copyDatabase(dataDir, dump);
      await joinAndKill(2);
      writeFileSync(join(dataDir, LAST_ENTRY_FILE), new Uint8Array(20));
      copyDatabase(dump, dataDir);
      child = await spawnServer(dataDir);
      expect(await rollbacks()).toBe(1);

      // Its own database, whole, is none that went back.
      await joinAndKill(3);
      child = await spawnServer(dataDir);
      expect(await rollbacks()).toBe(1);
    });
  },
);
