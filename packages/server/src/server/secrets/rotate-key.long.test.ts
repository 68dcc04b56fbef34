// @module-tag long
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { connectOperator, type Operator } from '../../control/connect-operator.js';
import { COLUMNS } from '../../storage/database.js';
import { openStorage } from '../database/open-storage.js';
import { watchStorage } from '../../storage/answers.js';
import type { TableName } from '../../storage/storage.js';
import { createBareServers } from '../../sessions/test/bare-servers.js';
import { isCompiled, type ChildServer, spawnServer } from '../../test/child-server.js';
import { person } from '../../test/rooms.js';
import { PASSPHRASE, startTestServer, type TestServer } from '../../test/test-server.js';
import { EPOCH_KEYS_FOLDER } from '../../vault/epoch-key-name.js';
import { MARK_FILE } from '../../vault/folder-mark.js';
import { parseKeyFile } from '../../vault/key-file.js';
import { KEY_FILE, type KeySource } from '../../vault/key-source.js';
import { initServer } from '../setup/init-server.js';
import { createKeyRotation } from './rotate-key.js';

const none = () => secret(new Uint8Array(0));
const words = () => secret(encodeUtf8(PASSPHRASE));
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});
async function start(options: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
}

/** Under how many storage keys what is stored is sealed: their numbers. */
async function numbersIn(dataDir: string, databaseUrl: string | null): Promise<Set<number>> {
  const storage = await openStorage({ dataDir, databaseUrl });
  const numbers = new Set<number>();
  const numberOf = (sealed: Uint8Array) => new DataView(sealed.buffer, sealed.byteOffset).getUint32(1);
  try {
    await storage.transact(async ({ sealed }) => {
      for (const table of Object.keys(COLUMNS) as TableName[]) {
        if (table === 'shares') continue;
        for (const row of await sealed.page(table, null, 100_000)) numbers.add(numberOf(row.sealed));
      }
    });
  } finally {
    await storage.close();
  }
  const folder = join(dataDir, EPOCH_KEYS_FOLDER);
  const files = ['identity', 'audit.head'].map((name) => join(dataDir, name));
  // The mark of the folder is sealed under nothing.
  const sealed = readdirSync(folder).filter((name) => name !== MARK_FILE);
  for (const file of [...files, ...sealed.map((name) => join(folder, name))])
    numbers.add(numberOf(new Uint8Array(readFileSync(file))));
  return numbers;
}

const keyFiles = (dataDir: string) => readdirSync(dataDir).filter((name) => name.startsWith('storage.key'));

describe('another storage key', () => {
  test('takes the place of the present one while the server answers, and the old one opens nothing and is gone', async () => {
    const alpha = await start();
    const old = parseKeyFile(new Uint8Array(readFileSync(join(alpha.dataDir, KEY_FILE))));
    const client = await alpha.as(person(1)).join();
    const operator = connectOperator(alpha.dataDir);
    for (let i = 0; i < 150; i++) await operator.createInvite({ note: `number ${i}` });
    const rotating = operator.rotateKey(none());
    expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
    expect(await rotating).toEqual({ storageKey: 2 });
    expect((await operator.status()).open).toMatchObject({ storageKey: 2, isKeyChanging: false });
    await alpha.restart();
    expect(await operator.verifyAudit()).toMatchObject({ ok: true });
    expect((await operator.audit({ from: 1, limit: 200 })).map(({ deed }) => deed)).toContain(
      'operator.rotate-key',
    );
    await alpha.server.close();
    expect([...(await numbersIn(alpha.dataDir, null))]).toEqual([2]);
    expect(keyFiles(alpha.dataDir)).toEqual([KEY_FILE]);
    const now = parseKeyFile(new Uint8Array(readFileSync(join(alpha.dataDir, KEY_FILE))));
    expect(reveal(now.key, 'test')).not.toEqual(reveal(old.key, 'test'));
  });

  test('of a server with a passphrase lies under the same passphrase; another one changes nothing', async () => {
    const alpha = await start({ isSealed: true });
    const operator = connectOperator(alpha.dataDir);
    await operator.unseal(words());
    await expect(operator.rotateKey(secret(encodeUtf8('not the passphrase')))).rejects.toThrow(
      code('PASSPHRASE_WRONG'),
    );
    await expect(operator.rotateKey(none())).rejects.toThrow(code('PASSPHRASE_WRONG'));
    const deeds = (await operator.audit()).map(({ deed }) => deed);
    expect(deeds).not.toContain('operator.rotate-key');
    expect(await operator.rotateKey(words())).toEqual({ storageKey: 2 });
    await alpha.restart({ passphrase: words() });
    expect(alpha.server.phase()).toBe('ready');
    expect(keyFiles(alpha.dataDir)).toEqual(['storage.key.sealed']);
  });

  test('may take the place of the second one too', async () => {
    const alpha = await start();
    const operator = connectOperator(alpha.dataDir);
    await operator.rotateKey(none());
    expect(await operator.rotateKey(none())).toEqual({ storageKey: 3 });
    await alpha.restart();
    expect(alpha.server.phase()).toBe('ready');
  });

  test('is put in place although somebody changed a row: that one opens under neither', async () => {
    const alpha = await start();
    await alpha.as(person(1)).join();
    const { tamperWith } = await import('../../test/rooms.js');
    await alpha.server.close();
    tamperWith(join(alpha.dataDir, 'ckm.sqlite'), (database) =>
      database.exec("update accounts set status = 'suspended'"),
    );
    await alpha.restart();
    expect(await connectOperator(alpha.dataDir).rotateKey(none())).toEqual({ storageKey: 2 });
  });
});

const benches = [
  { name: 'SQLite', isHere: true, open: async () => null },
  {
    name: 'PostgreSQL',
    isHere: postgresPrograms() !== null,
    open: (cluster: PostgresCluster | null) => cluster!.createDatabase(),
  },
] as const;

describe.skipIf(!isCompiled).each(benches)(
  'a change of the storage key on $name',
  ({ isHere, name, open }) => {
    let cluster: PostgresCluster | null = null;
    beforeAll(async () => {
      if (name === 'PostgreSQL' && isHere) cluster = await startPostgres();
    });
    afterAll(() => cluster?.stop());

    async function restart(dataDir: string, env: Record<string, string>): Promise<ChildServer> {
      const child = await spawnServer(dataDir, { env });
      expect(child.first.phase).toBe('ready');
      return child;
    }

    async function untilDone(operator: Operator): Promise<number> {
      await vi.waitFor(async () => expect((await operator.status()).open?.isKeyChanging).toBe(false), {
        timeout: 30_000,
        interval: 50,
      });
      return (await operator.status()).open!.storageKey;
    }

    test.skipIf(!isHere)(
      'that is killed again and again, wherever it is, is finished by the next life of the server',
      async () => {
        const dataDir = join(mkdtempSync(join(tmpdir(), 'ckm-')), 'alpha');
        const databaseUrl = await open(cluster);
        const env = databaseUrl === null ? {} : { CKM_DATABASE_URL: databaseUrl };
        await initServer({
          dataDir,
          settings: { name: 'alpha', accounts: 'open', listen: { host: '127.0.0.1', port: 0 } },
        });
        const operator = connectOperator(dataDir);
        let child = await restart(dataDir, env);
        for (let i = 0; i < 150; i++) await operator.createInvite({ note: `number ${i}` });
        const entries = (await operator.status()).open!.auditEntries;
        let begun = 0;
        const next = join(dataDir, `${KEY_FILE}.next`);
        for (const after of [0, 2, 10, 30]) {
          const answered = new AbortController();
          const rotating = operator
            .rotateKey(none())
            .catch(() => null)
            .finally(() => answered.abort());
          while (!answered.signal.aborted && !existsSync(next)) await pause(0);
          await pause(after);
          await child.end('SIGKILL');
          await rotating;
          if (existsSync(next)) begun++;
          child = await restart(dataDir, env);
        }
        expect(begun).toBeGreaterThan(0);
        const number = await untilDone(operator);
        expect(number).toBeGreaterThan(1);
        expect(await operator.verifyAudit()).toMatchObject({ ok: true });
        expect((await operator.status()).open!.auditEntries).toBeGreaterThan(entries);
        expect((await operator.invites({})).invites.length).toBeGreaterThan(0);
        await child.end('SIGTERM');
        expect([...(await numbersIn(dataDir, databaseUrl))]).toEqual([number]);
        expect(keyFiles(dataDir)).toEqual([KEY_FILE]);
        rmSync(join(dataDir, '..'), { recursive: true });
      },
      120_000,
    );
  },
);

test.skipIf(postgresPrograms() === null)(
  'a change of the storage key while a transaction is slow to store a row that it sealed before loses that row no more',
  async () => {
    const cluster = await startPostgres();
    const network = createBareServers();
    try {
      const { context } = await network.open({ databaseUrl: await cluster.createDatabase() });
      const { storage, settled } = watchStorage(context.storage);
      const source: KeySource = {
        kind: 'file',
        sealed: false,
        open: () => Promise.reject(new Error('not asked')),
        prepare: async () => undefined,
        preparePassphrase: () => Promise.reject(new Error('not asked')),
        unloggedChange: () => null,
        forgetChange: () => undefined,
        settle: () => undefined,
      };
      const rotation = createKeyRotation({ ...context, storage }, { source, isBegun: false, settled });
      const columns = { codeHash: new Uint8Array(32).fill(1), usedBy: null, createdAt: 1, expiresAt: 2 };
      const gate = new AbortController();
      const slow = storage.transact(async ({ invites }) => {
        const row = context.vault.sealRow('invites', columns, encodeUtf8('sealed before'));
        await once(gate.signal, 'abort');
        await invites.insert(row);
      });
      const rotating = rotation.rotate(null);
      await Promise.race([rotating, pause(1_000)]);
      gate.abort();
      await slow;
      expect(await rotating).toBe(2);
      const row = await storage.read(({ invites }) => invites.find(columns.codeHash));
      expect(context.vault.openRow('invites', row!)).toEqual(encodeUtf8('sealed before'));
    } finally {
      await network.close();
      await cluster.stop();
    }
  },
);

describe.skipIf(postgresPrograms() === null)('a change of the storage key beside a replica', () => {
  test('is refused while the replica has the PostgreSQL database open', async () => {
    const cluster = await startPostgres();
    try {
      const url = await cluster.createDatabase();
      const variables = { CKM_DATABASE_URL: url, CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'silent' };
      const alpha = await start({ start: { variables } });
      const replica = await openStorage({ dataDir: alpha.dataDir, databaseUrl: url });
      await replica.read(({ meta }) => meta.find(''));
      const operator = connectOperator(alpha.dataDir);
      await expect(operator.rotateKey(none())).rejects.toThrow(code('ROTATION_REPLICAS'));
      expect(keyFiles(alpha.dataDir)).toEqual([KEY_FILE]);
      await replica.close();
      await vi.waitFor(async () => expect(await operator.rotateKey(none())).toEqual({ storageKey: 2 }), {
        timeout: 10_000,
        interval: 200,
      });
      await alpha.server.close();
    } finally {
      await cluster.stop();
    }
  });
});
