import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectOperator } from '../../control/connect-operator.js';
import { sqliteLibrary } from '../../storage/sqlite/driver.js';
import { openSqlite } from '../../storage/sqlite/sqlite.js';
import { type ChildServer, isCompiled, spawnServer } from '../../test/child-server.js';
import { person } from '../../test/rooms.js';
import { clientOf } from '../../test/test-server.js';
import { initServer } from '../setup/init-server.js';
import { SQLITE_FILE } from './open-storage.js';

/** This Node, saying that it is as old as 22.13 is. */
const OLD = [
  '--import',
  "data:text/javascript,Object.defineProperty(process.versions, 'napi', { value: '9' });",
];
const reason = isCompiled ? '' : ' (skipped when not compiled: npm run build)';

describe.skipIf(!isCompiled)(`a server on a Node that cannot run the SQLite that CKM brings${reason}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-of-node-'));
  const dataDir = join(folder, 'alpha');
  const file = join(dataDir, SQLITE_FILE);
  let child: ChildServer | null = null;
  beforeAll(async () => {
    const settings = { name: 'alpha', accounts: 'open', listen: { host: '127.0.0.1', port: 0 } } as const;
    await initServer({ dataDir, settings });
  });
  afterEach(async () => {
    await child?.end('SIGKILL');
    child = null;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function start(node: readonly string[] = []): Promise<ChildServer> {
    child = await spawnServer(dataDir, { node, env: { CKM_ALLOW_INSPECT: '1' } });
    expect(child.output()).toContain('"url"');
    return child;
  }
  const operator = () => connectOperator(dataDir);
  const usedNow = async () => (await operator().status()).open?.sqlite;
  const metrics = async () => (await fetch(`${child!.first.url!}/metrics`)).text();

  test('uses that of Node itself, and says so in its log, status and metrics in words of its own', async () => {
    const { output } = await start(OLD);
    expect(await usedNow()).toEqual({ library: 'node', version: process.versions.sqlite });
    expect(output()).toMatch(/"code":"SQLITE_OF_NODE","msg":"the SQLite in use is that of Node itself/);
    expect(output()).not.toContain('ExperimentalWarning');
    expect(await metrics()).toContain(
      `ckm_sqlite_info{library="node",version="${process.versions.sqlite}"} 1`,
    );
  });

  test('holds its database alone: another process is refused, whichever SQLite that has, and the other way round', async () => {
    await start(OLD);
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'STORAGE_IN_USE' });
    await child!.end('SIGKILL');
    const storage = await openSqlite({ file });
    const refused = await spawnServer(dataDir, { node: OLD, env: { CKM_ALLOW_INSPECT: '1' } });
    expect(refused.first.code).toBe('STORAGE_IN_USE');
    await storage.close();
  });

  test('goes on with the database of the other one, and the other way round, killed in between', async () => {
    for (const [number, node] of [[], OLD, [], OLD].entries()) {
      const { first } = await start(node);
      expect((await usedNow())?.library).toBe(node === OLD ? 'node' : sqliteLibrary());
      const client = await clientOf(first.url!, person(number)).then((one) => one.join());
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
      expect(await operator().verifyAudit()).toMatchObject({ ok: true });
      expect((await operator().accounts({})).accounts).toHaveLength(number + 1);
      await child!.end('SIGKILL');
    }
  });
});
