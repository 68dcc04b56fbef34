import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, secret } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { writeBackupFile } from '../../backup/write-backup-file.js';
import { PASSPHRASE, startTestServer, type TestServer } from '../../test/test-server.js';
import { backUpStoppedServer } from '../backups/back-up-server.js';
import { checkConfig } from '../setup/check-config.js';
import { initServer } from '../setup/init-server.js';
import { restoreServer } from '../backups/restore-server.js';
import { startServer } from '../start-server.js';
import { verifyAuditLog } from '../verify-audit-log.js';

type Variables = Readonly<Record<string, string>>;
const HERE: Variables = { CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'silent' };
const words = () => secret(encodeUtf8(PASSPHRASE));
const CHEAP = { logN: 10, r: 8, p: 1 };

let alpha: TestServer | undefined;
afterEach(async () => {
  await alpha?.remove();
  alpha = undefined;
});

/** A server that ran with these variables, and was stopped. */
async function used(variables: Variables, isSealed = false): Promise<string> {
  alpha = await startTestServer({ isSealed, start: { variables } });
  if (isSealed) await alpha.server.unseal(words());
  await alpha.server.close();
  return alpha.dataDir;
}

function backUp(dataDir: string, variables: Variables) {
  return backUpStoppedServer(dataDir, {
    passphrase: words(),
    passphraseCost: CHEAP,
    hasEpochKeys: true,
    variables,
  });
}

async function readAll(pieces: Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  for await (const piece of await pieces) expect(piece.length).toBeGreaterThan(0);
}

async function start(dataDir: string, variables: Variables): Promise<void> {
  const server = await startServer({ dataDir, variables });
  await server.close();
}

/** What comes of everything that opens a database. */
async function verdicts(dataDir: string, variables: Variables) {
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: { code: string }) => error.code,
    );
  return {
    start: await codeOf(start(dataDir, variables)),
    backup: await codeOf(readAll(backUp(dataDir, variables))),
    'audit verify': await codeOf(verifyAuditLog({ dataDir, variables })),
    'config check': await codeOf(Promise.resolve().then(() => checkConfig({ dataDir, variables }))),
  };
}

const all = (code: string) => ({ start: code, backup: code, 'audit verify': code, 'config check': code });
const unlooked = (code: string) => ({ ...all(code), 'config check': 'done' });

test('of a server that never ran there is no backup, and none of its log is checked, and no database is made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-own-'));
  const dataDir = join(folder, 'alpha');
  await initServer({ dataDir, settings: { name: 'alpha', listen: { host: '127.0.0.1', port: 0 } } });
  await expect(backUp(dataDir, HERE)).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  await expect(verifyAuditLog({ dataDir, variables: HERE })).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
  });
  expect(readdirSync(dataDir)).not.toContain('ckm.sqlite');
  rmSync(folder, { recursive: true });
});

test('a backup of a stopped server whose database was put back says so, as its start would', async () => {
  const dataDir = await used(HERE);
  const [database, file] = [join(dataDir, 'ckm.sqlite'), join(dataDir, '../alpha.backup')];
  const contents = async () => {
    rmSync(file, { force: true });
    return writeBackupFile(file, await backUp(dataDir, HERE), words());
  };
  expect((await contents()).wentBack).toBeNull();
  const before = readFileSync(database);
  await start(dataDir, HERE);
  rmSync(`${database}-wal`, { force: true });
  writeFileSync(database, before);
  for (let i = 0; i < 2; i++) {
    // Also when the log has grown as long again meanwhile.
    expect((await contents()).wentBack).toMatch(
      /^the log had \d+ entries and has \d+$|is another one than before$/,
    );
  }
});

test('a server whose database is gone does not begin with an empty one, until its operator has removed what notes it', async () => {
  const dataDir = await used(HERE);
  rmSync(join(dataDir, 'ckm.sqlite'));
  expect(await verdicts(dataDir, HERE)).toEqual(unlooked('STORAGE_MISSING'));
  // The note of a former version is the head of its log alone.
  rmSync(join(dataDir, 'database.json'));
  expect(await verdicts(dataDir, HERE)).toEqual(unlooked('STORAGE_MISSING'));
  expect(readdirSync(dataDir)).not.toContain('ckm.sqlite');
  for (const name of ['audit.head', 'audit.last']) rmSync(join(dataDir, name));
  await start(dataDir, HERE);
});

describe.skipIf(postgresPrograms() === null)('with PostgreSQL (skipped when it is not installed)', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => void (cluster = await startPostgres()));
  afterAll(() => cluster.stop());

  const onPostgres = async (): Promise<Variables> => ({
    ...HERE,
    CKM_DATABASE_URL: await cluster.createDatabase(),
  });

  async function tablesIn({ CKM_DATABASE_URL: connectionString }: Variables): Promise<number> {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return (await client.query("select 1 from pg_tables where schemaname = 'public'")).rows.length;
    } finally {
      await client.end();
    }
  }

  test('without CKM_DATABASE_URL nothing is done with a server that keeps its data there, and nothing is made', async () => {
    const there = await onPostgres();
    const dataDir = await used(there);
    const before = readdirSync(dataDir);
    expect(await verdicts(dataDir, HERE)).toEqual(all('STORAGE_OTHER'));
    expect(readdirSync(dataDir)).toEqual(before);
    expect(await verdicts(dataDir, there)).toEqual(all('done'));
  });

  test('a sealed server on PostgreSQL says so before anybody types its passphrase', async () => {
    const dataDir = await used(await onPostgres(), true);
    await expect(start(dataDir, HERE)).rejects.toMatchObject({
      code: 'STORAGE_OTHER',
      message: 'this server keeps its data in PostgreSQL, and CKM_DATABASE_URL is not set here',
    });
  });

  test('with CKM_DATABASE_URL nothing is done with a server that keeps its data in its folder, and no table is made', async () => {
    const dataDir = await used(HERE);
    const there = await onPostgres();
    expect(await verdicts(dataDir, there)).toEqual(all('STORAGE_OTHER'));
    expect(await tablesIn(there)).toBe(0);
    expect(await verdicts(dataDir, HERE)).toEqual(all('done'));
  });

  test('with another database of PostgreSQL nothing is done: with an empty one, in which no table is made, nor with a restored one', async () => {
    const there = await onPostgres();
    const dataDir = await used(there);
    const empty = await onPostgres();
    expect(await verdicts(dataDir, empty)).toEqual(unlooked('STORAGE_MISSING'));
    expect(await tablesIn(empty)).toBe(0);

    const [file, restored] = [join(dataDir, '../alpha.backup'), join(dataDir, '../restored')];
    await writeBackupFile(file, await backUp(dataDir, there), words());
    await restoreServer({ file, dataDir: restored, passphrase: words(), variables: empty });
    expect(await verdicts(dataDir, empty)).toEqual(unlooked('STORAGE_OTHER'));
    expect(await verdicts(restored, there)).toEqual(unlooked('STORAGE_OTHER'));
    // On purpose, by a backup: the new folder with the new database, and the old one as it was.
    expect(await verdicts(restored, empty)).toEqual(all('done'));
    expect(await verdicts(dataDir, there)).toEqual(all('done'));
    expect(existsSync(join(restored, 'ckm.sqlite'))).toBe(false);
  });
});
