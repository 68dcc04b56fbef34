// @module-tag long
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeUtf8, secret } from '@ckm/foundation';
import {
  carryChange,
  createCeremony,
  type PostgresCluster,
  postgresPrograms,
  startPostgres,
} from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAuditLog } from '../../audit/create-audit-log.js';
import { writeBackupFile } from '../../backup/write-backup-file.js';
import { alice, type KeyedServers, messageOf, startWithKey } from '../../control/test/keyed-servers.js';
import { openPostgres } from '../../storage/postgres/postgres.js';
import { random } from '../../test/rooms.js';
import { openVaultOf } from '../../test/stored-secrets.js';
import { CHEAP, PASSPHRASE, startTestServer, type TestServer } from '../../test/test-server.js';
import { backUpStoppedServer } from '../backups/back-up-server.js';
import { type DatabaseKind, type MoveProgress, moveServer } from './move-server.js';
import { restoreServer } from '../backups/restore-server.js';
import { startServer } from '../start-server.js';
import { verifyAuditLog } from '../verify-audit-log.js';

type Variables = Readonly<Record<string, string>>;
const HERE: Variables = { CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'silent' };
const words = () => secret(encodeUtf8(PASSPHRASE));

class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

describe.skipIf(postgresPrograms() === null)(
  'a server that is moved (skipped when PostgreSQL is not installed)',
  () => {
    const servers: TestServer[] = [];
    let cluster: PostgresCluster;
    let there: Variables;
    beforeAll(async () => void (cluster = await startPostgres()));
    afterAll(() => cluster.stop());
    beforeEach(async () => {
      there = { ...HERE, CKM_DATABASE_URL: await cluster.createDatabase() };
    });
    afterEach(async () => {
      for (const server of servers.splice(0)) await server.remove();
    });

    const alpha = () => servers[0]!;
    const move = (to: DatabaseKind, progress?: MoveProgress) =>
      moveServer({
        dataDir: alpha().dataDir,
        to,
        passphrase: null,
        variables: there,
        nowMs: () => alpha().now * 1_000,
        ...(progress === undefined ? {} : { progress }),
      });
    const start = (variables: Variables) => alpha().restart({ variables });
    /** What a start of the server says: on its own database, and on PostgreSQL. */
    async function places(): Promise<readonly string[]> {
      const codes: string[] = [];
      for (const variables of [HERE, there]) {
        const { dataDir, now } = alpha();
        codes.push(
          await startServer({ dataDir, variables, nowMs: () => now * 1_000 }).then(
            (server) => server.close().then(() => 'runs'),
            (error: { readonly code: string }) => error.code,
          ),
        );
      }
      return codes;
    }
    /** A server that has a key, and runs no more. */
    async function stopped(): Promise<KeyedServers> {
      const keyed = await startWithKey(servers);
      await alpha().server.close();
      return keyed;
    }
    const sign = (keyed: KeyedServers, text: string) => keyed.signer.sign(messageOf(text), [1, 2]);

    test('to PostgreSQL and back has every row, signs in between, and keeps its votes: it is no restore', async () => {
      const keyed = await startWithKey(servers);
      const { keyId } = keyed;
      const callees = servers.map((server, i) => ({
        name: ['alpha', 'bravo'][i]!,
        call: server.as(alice).ask,
      }));
      const change = await carryChange({ servers: callees, keyId, expiresAt: alpha().now + 600 });
      await change.propose();
      await change.promise(1, [1]);
      const answered = alpha().as(alice).seal('key.list', { after: null });
      expect((await alpha().as(alice).post(answered)).status).toBe(200);
      const ceremony = createCeremony({
        servers: callees,
        needed: 2,
        purpose: 'message',
        expiresAt: alpha().now + 600,
      });
      for (let i = 0; i < 5; i++) await ceremony.next();
      await alpha().server.close();

      const moved = await move('postgres');
      expect(moved).toMatchObject({ to: 'postgres', rows: expect.any(Number) });
      await start(there);
      await sign(keyed, 'on the other database');
      const { order, orderHash } = change;
      const { policy } = await alpha().as(alice).ask('key.show', { keyId });
      const view = await alpha().as(alice).ask('change.propose', { order, chain: [], policy });
      expect(view).toMatchObject({ attempt: 1, forgot: null });
      const asked = { keyId, epoch: 0, orderHash, attempt: 1, shown: [], recall: null, locked: [] };
      await alpha().as(alice).ask('change.promise', asked);
      // What was answered is not answered again, and a ceremony that was open goes on.
      const again = await alpha().as(alice).post(answered);
      expect(() => alpha().as(alice).read('key.list', again)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
      );
      const views = await ceremony.finish();
      expect(views.map(({ state }) => state)).toEqual(['finished', 'finished']);

      await alpha().server.close();
      const back = await move('sqlite');
      expect(back.rows!).toBeGreaterThan(moved.rows!);
      await start(HERE);
      await sign(keyed, 'and back');
      expect(await verifyAfter(HERE)).toMatchObject({ ok: true, gaps: [] });
    });

    async function verifyAfter(variables: Variables) {
      await alpha().server.close();
      return verifyAuditLog({ dataDir: alpha().dataDir, variables });
    }

    test('runs at the new place only: the old one says where it went, to a start, a backup and a check of its log', async () => {
      await stopped();
      await move('postgres');
      expect(await places()).toEqual(['STORAGE_OTHER', 'runs']);
      // Also when nothing in the folder says where its data are.
      for (const name of ['database.json', 'audit.head', 'audit.last'])
        rmSync(join(alpha().dataDir, name), { force: true });
      await expect(start(HERE)).rejects.toMatchObject({
        code: 'STORAGE_MOVED',
        message: expect.stringMatching(
          /^the data of this server was moved from here to PostgreSQL/,
        ) as string,
      });
      const { dataDir } = alpha();
      const backUp = backUpStoppedServer(dataDir, {
        passphrase: words(),
        passphraseCost: CHEAP,
        hasEpochKeys: true,
        variables: HERE,
      });
      await expect(backUp).rejects.toMatchObject({ code: 'STORAGE_MOVED' });
      await expect(verifyAuditLog({ dataDir, variables: HERE })).rejects.toMatchObject({
        code: 'STORAGE_MOVED',
      });
    });

    test('done again says that it is there already, and changes nothing', async () => {
      await stopped();
      await move('postgres');
      expect(await move('postgres')).toMatchObject({ to: 'postgres', rows: null });
      expect(await places()).toEqual(['STORAGE_OTHER', 'runs']);
    });

    test.each(['postgres', 'sqlite'] as const)(
      'to %s that loses power at any step runs at one place or none, and the same call finishes it',
      async (to) => {
        const keyed = await stopped();
        const [old, next] = to === 'postgres' ? [HERE, there] : [there, HERE];
        if (to === 'sqlite') await move('postgres');
        const onOnly = (variables: Variables) =>
          variables === HERE ? ['runs', expect.any(String)] : [expect.any(String), 'runs'];
        for (const step of ['copy', 'compare'] as const) {
          await expect(move(to, cutAt(step))).rejects.toThrow(PowerCut);
          // It goes on where it was, and what it did there since is in the next copy.
          expect(await places()).toEqual(onOnly(old));
          await expect(startServer({ dataDir: alpha().dataDir, variables: next })).rejects.toMatchObject({
            code: 'STORAGE_OTHER',
          });
        }
        await start(old);
        await sign(keyed, 'still at the old place');
        await alpha().server.close();
        await expect(move(to, cutAt('closed'))).rejects.toThrow(PowerCut);
        expect((await places()).toSorted()).toEqual(['STORAGE_MOVED', 'STORAGE_OTHER']);
        await expect(move(to, cutAt('open'))).rejects.toThrow(PowerCut);
        expect((await places()).toSorted()).toEqual(['STORAGE_MOVED', 'STORAGE_OTHER']);
        expect(await move(to)).toMatchObject({ to, rows: null });
        expect(await places()).toEqual(onOnly(next));
        await start(next);
        await sign(keyed, 'at the new place');
      },
    );

    function cutAt(cut: Parameters<MoveProgress>[0]): MoveProgress {
      return (step) => {
        if (step === cut) throw new PowerCut();
      };
    }

    test('an unfinished copy is started by nobody, also where no note says which database is the right one', async () => {
      await stopped();
      await expect(move('postgres', cutAt('compare'))).rejects.toThrow(PowerCut);
      rmSync(join(alpha().dataDir, 'database.json'));
      await expect(start(there)).rejects.toMatchObject({ code: 'STORAGE_MOVE_BEGUN' });
      expect(await places()).toEqual(['runs', 'STORAGE_OTHER']);
    });

    test('into a database of a server, its own restored twin among them, is refused, and neither is touched', async () => {
      const keyed = await stopped();
      const file = join(mkdtempSync(join(tmpdir(), 'ckm-twin-')), 'alpha.backup');
      const { dataDir } = alpha();
      const pieces = backUpStoppedServer(dataDir, {
        passphrase: words(),
        passphraseCost: CHEAP,
        hasEpochKeys: true,
        variables: HERE,
        nowMs: () => alpha().now * 1_000,
      });
      await writeBackupFile(file, await pieces, words());
      const twin = join(file, '../twin');
      const nowMs = () => (alpha().now + 60) * 1_000;
      await restoreServer({ file, dataDir: twin, passphrase: words(), variables: there, nowMs });
      await expect(move('postgres')).rejects.toMatchObject({ code: 'STORAGE_TARGET_USED' });
      await (await startServer({ dataDir: twin, variables: there, nowMs })).close();
      await expect(move('postgres')).rejects.toMatchObject({ code: 'STORAGE_TARGET_USED' });
      rmSync(join(file, '..'), { recursive: true });
      await start(HERE);
      await sign(keyed, 'untouched');

      const other = await startTestServer({
        start: { variables: { ...HERE, CKM_DATABASE_URL: await cluster.createDatabase() } },
      });
      await other.server.close();
      await alpha().server.close();
      await expect(move('postgres')).rejects.toMatchObject({ code: 'STORAGE_TARGET_USED' });
      await other.remove();
    });

    test('that runs, or whose database another process uses, is not moved', async () => {
      await startWithKey(servers);
      await expect(move('postgres')).rejects.toMatchObject({ code: 'SERVER_RUNNING' });
      await alpha().server.close();
      await move('postgres');
      const replica = await openPostgres({ url: there['CKM_DATABASE_URL']! });
      await replica.read(({ audit }) => audit.head());
      await expect(move('sqlite')).rejects.toMatchObject({ code: 'STORAGE_IN_USE' });
      await replica.close();
      await move('sqlite');
    });

    test('leaves no replica behind that goes on: one that was cut off meanwhile writes nothing at the old place', async () => {
      const keyed = await stopped();
      await move('postgres');
      const url = there['CKM_DATABASE_URL']!;
      const vault = openVaultOf(alpha().dataDir);
      const audit = createAuditLog({ vault, clock: () => alpha().now, random });
      const look = async () => {
        const storage = await openPostgres({ url });
        try {
          await storage.read((reader) => audit.look(reader));
          await storage.transact((transaction) =>
            audit.append(transaction, { ...ENTRY, keyId: keyed.keyId }),
          );
        } finally {
          await storage.close();
        }
      };
      await look();
      await move('sqlite');
      await expect(look()).rejects.toMatchObject({ code: 'STORAGE_WENT_BACK' });
      vault.wipe();
    });

    test('whose database is read only is not moved, and runs on as before', async () => {
      await stopped();
      await move('postgres');
      const url = there['CKM_DATABASE_URL']!;
      await cluster.configure(url, { default_transaction_read_only: 'on' });
      await expect(move('sqlite')).rejects.toMatchObject({ code: 'STORAGE_READ_ONLY' });
      await cluster.configure(url, { default_transaction_read_only: 'off' });
      expect(await places()).toEqual(['STORAGE_OTHER', 'runs']);
      await move('sqlite');
    });

    test('without CKM_DATABASE_URL is told what it is for, and nothing is made', async () => {
      const { dataDir } = (await stopped()).alpha;
      const before = readFileSync(join(dataDir, 'database.json'));
      const without = moveServer({ dataDir, to: 'postgres', passphrase: null, variables: HERE });
      await expect(without).rejects.toMatchObject({ code: 'STORAGE_OTHER' });
      expect(readFileSync(join(dataDir, 'database.json')).equals(before)).toBe(true);
    });

    test('sealed by a passphrase is moved with it, and with no other one', async () => {
      servers.push(await startTestServer({ isSealed: true, start: { variables: HERE } }));
      await alpha().server.unseal(words());
      await alpha().server.close();
      const { dataDir } = alpha();
      const moved = (passphrase: string) =>
        moveServer({ dataDir, to: 'postgres', passphrase: secret(encodeUtf8(passphrase)), variables: there });
      await expect(moved('another one of these')).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
      await moved(PASSPHRASE);
      expect(existsSync(join(dataDir, 'storage.key'))).toBe(false);
      await start(there);
      await alpha().server.unseal(words());
    });
  },
);

const ENTRY = {
  deed: 'test',
  who: null,
  subject: null,
  sentence: 'Test',
  verdict: 'done',
  policy: '',
  detail: '',
} as const;
