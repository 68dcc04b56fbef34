import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../test/test-server.js';
import { EPOCH_KEYS_FOLDER } from '../../vault/epoch-key-name.js';
import { type RunningServer, startServer } from '../start-server.js';

const isHere = postgresPrograms() !== null;
const reason = isHere ? '' : ' (skipped: PostgreSQL is not installed here)';
const notShared = expect.objectContaining({ code: 'EPOCH_KEYS_NOT_SHARED' }) as Error;

describe('two servers', () => {
  const servers: TestServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.remove();
  });
  const start = async (epochKeys: string | null) => {
    servers.push(await startTestServer(epochKeys === null ? {} : { settings: { epochKeys } }));
    return servers.at(-1)!;
  };

  test('that are given one folder of epoch keys do not clear away in it together: the second does not start', async () => {
    const alpha = await start(null);
    const folder = join(alpha.dataDir, EPOCH_KEYS_FOLDER);
    const mark = readFileSync(join(folder, 'mark'));
    await expect(start(folder)).rejects.toThrow(
      expect.objectContaining({ code: 'EPOCH_KEYS_OF_OTHERS' }) as Error,
    );
    expect(readFileSync(join(folder, 'mark')).equals(mark)).toBe(true);
  });

  test('a folder inside a data directory that another database has marked is used, and the log says so', async () => {
    const [alpha, bravo] = [await start(null), await start(null)];
    const mark = (server: TestServer) => join(server.dataDir, EPOCH_KEYS_FOLDER, 'mark');
    await alpha.server.close();
    cpSync(mark(bravo), mark(alpha));
    await alpha.restart();
    expect(alpha.log()).toContain('last used with another database');
    const before = alpha.log().length;
    await alpha.restart();
    expect(alpha.log().slice(before)).not.toContain('last used with another database');
  });
});

describe.skipIf(!isHere)(`replicas and their folder of epoch keys${reason}`, () => {
  let cluster: PostgresCluster;
  let alpha: TestServer;
  let replica: RunningServer | null = null;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    await replica?.close();
    replica = null;
    rmSync(`${alpha.dataDir}-2`, { recursive: true, force: true });
    await alpha.remove();
  });

  async function begin(): Promise<Record<string, string>> {
    const variables = { CKM_DATABASE_URL: await cluster.createDatabase(), CKM_ALLOW_INSPECT: '1' };
    alpha = await startTestServer({ start: { variables } });
    return variables;
  }

  /** The data folder of alpha as it is now, in another place. */
  function copy(): string {
    const dataDir = `${alpha.dataDir}-2`;
    cpSync(alpha.dataDir, dataDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    return dataDir;
  }

  const start = async (dataDir: string, variables: Record<string, string>) =>
    (replica = await startServer({
      dataDir,
      variables: { ...variables, CKM_LOG_LEVEL: 'silent' },
      nowMs: () => alpha.now * 1_000,
    }));

  test('a replica with a copy of the folder is refused when it starts; with the folder itself it starts', async () => {
    const variables = await begin();
    const dataDir = copy();
    alpha.now += 61;
    await alpha.sweep();
    await expect(start(dataDir, variables)).rejects.toThrow(notShared);
    await start(dataDir, { ...variables, CKM_EPOCH_KEYS: join(alpha.dataDir, EPOCH_KEYS_FOLDER) });
    for (let minute = 0; minute < 3; minute++) {
      alpha.now += 61;
      await Promise.all([alpha.sweep(), replica!.sweep()]);
    }
    expect(alpha.log()).not.toContain('EPOCH_KEYS_NOT_SHARED');
  });

  test('a replica with an empty folder of its own is refused when it starts', async () => {
    const variables = await begin();
    const dataDir = copy();
    rmSync(join(dataDir, EPOCH_KEYS_FOLDER), { recursive: true });
    await expect(start(dataDir, variables)).rejects.toThrow(notShared);
  });

  test('a replica with a copy made just before it starts is noticed by the other within a minute', async () => {
    const variables = await begin();
    await start(copy(), variables);
    alpha.now += 61;
    await alpha.sweep();
    expect(alpha.log()).toContain('EPOCH_KEYS_NOT_SHARED');
  });

  test('a server that is alone starts with whatever folder it has: it may be one out of a backup', async () => {
    await begin();
    await alpha.server.close();
    rmSync(join(alpha.dataDir, EPOCH_KEYS_FOLDER), { recursive: true });
    await vi.waitFor(() => alpha.restart(), { timeout: 10_000, interval: 100 });
    expect(alpha.server.phase()).toBe('ready');
  });
});
