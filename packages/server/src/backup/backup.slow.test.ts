import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import {
  carryChange,
  createCeremony,
  type PostgresCluster,
  postgresPrograms,
  preparing,
  startPostgres,
} from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { alice, type KeyedServers, messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { backUpStoppedServer } from '../server/backups/back-up-server.js';
import { restoreServer } from '../server/backups/restore-server.js';
import { startServer } from '../server/start-server.js';
import { leaks, storedSecrets } from '../test/stored-secrets.js';
import { CHEAP, startTestServer, type TestServer } from '../test/test-server.js';
import { costOf, DEFAULT_COST } from '../vault/passphrase.js';
import { headerLength, LENGTH_BYTES, MAGIC, parseHeader } from './frames.js';
import { createRestores, type Restores, words } from './test/restores.js';
import { writeBackupFile } from './write-backup-file.js';

const servers: TestServer[] = [];
let keyed: KeyedServers;
let restores: Restores;
const code = (name: string) => expect.objectContaining({ code: name }) as Error;

beforeAll(async () => {
  keyed = await startWithKey(servers);
});
afterAll(async () => {
  for (const server of servers) await server.remove();
});
beforeEach(() => {
  restores = createRestores(servers, () => keyed.keyId);
});
afterEach(() => restores.remove());

const alpha = () => servers[0]!;
/** A backup of alpha, while it runs. */
const backUp = async () => writeBackupFile(restores.file, await keyed.operator.backup(words()), words());

describe('a backup of a running server', () => {
  test('says in the audit log that it is made, holds that entry, and is its operator’s alone', async () => {
    const contents = await backUp();
    const [entry] = await keyed.operator.audit({ from: contents.from });
    expect(entry).toMatchObject({
      deed: 'operator.backup',
      detail: `backup ${encodeHex(contents.id).slice(0, 8)}, with the keys of epochs`,
    });
    expect(contents).toMatchObject({
      name: 'alpha',
      damaged: 0,
      keysMissing: 0,
      logFault: null,
      log: { sequence: contents.from },
      rows: { accounts: 1, keys: 1, key_epochs: 1, shares: 1, audit: contents.from },
    });
    expect(contents.document).toBe(alpha().server.identity()!.document);
    expect(statSync(restores.file).mode & 0o777).toBe(0o600);
    expect(readdirSync(restores.folder)).toEqual(['alpha.backup']);
  });

  test('holds no secret in any spelling, and no id of an owner or a key', async () => {
    await backUp();
    const bytes = readFileSync(restores.file);
    expect(leaks(storedSecrets(alpha().dataDir), [['the backup', bytes]])).toEqual([]);
    for (const id of [keyed.keyId, alice.xid]) expect(bytes.includes(Buffer.from(id))).toBe(false);
  });

  test('that the server ends in the middle leaves no file', async () => {
    const cut = async function* () {
      for await (const piece of await keyed.operator.backup(words())) {
        yield piece;
        throw new Error('the server is gone');
      }
    };
    await expect(writeBackupFile(restores.file, cut(), words())).rejects.toThrow('the server is gone');
    expect(readdirSync(restores.folder)).toEqual([]);
  });

  test('overwrites nothing, and says where another one was cut short', async () => {
    await backUp();
    const before = readFileSync(restores.file);
    // The path is looked at before anything is read: a second backup of the server could still be refused for the first one.
    const write = () => writeBackupFile(restores.file, (async function* () {})(), words());
    await expect(write()).rejects.toThrow(code('BACKUP_EXISTS'));
    expect(readFileSync(restores.file).equals(before)).toBe(true);
    rmSync(restores.file);
    writeFileSync(`${restores.file}.new`, 'half');
    await expect(write()).rejects.toThrow(code('BACKUP_LEFT_OVER'));
    expect(readFileSync(`${restores.file}.new`, 'utf8')).toBe('half');
  });
});

describe('a restored server', () => {
  test('keeps the shares that its owners brought it', async () => {
    const data = new Uint8Array(300).fill(9);
    const { receipt } = await alpha().as(alice).ask('share.store', { data });
    expect(await backUp()).toMatchObject({ rows: { deposits: 1 } });
    await restoreServer(restores.options());
    await restores.start(async ({ client }) => {
      expect(await client.ask('share.get', { receipts: [receipt] })).toEqual({ shares: [{ receipt, data }] });
      expect(await client.ask('share.delete', { receipts: [receipt] })).toEqual({ deleted: [receipt] });
    });
    await alpha()
      .as(alice)
      .ask('share.delete', { receipts: [receipt] });
  });

  test('V36: has none of the commitments that were published before', async () => {
    const attempt = await keyed.signer.prepare([1, 2]);
    await backUp();
    await restoreServer(restores.options());
    await restores.start(async ({ client, tellHead }) => {
      await tellHead();
      const rest = { keyId: keyed.keyId, epoch: 0, expiresAt: alpha().now + 600, wanted: null };
      const reply = await client.ask('request.ask', {
        ...messageOf('void'),
        ...rest,
        requestId: new Uint8Array(32).fill(7),
        attempt,
      });
      expect(reply).toMatchObject({ state: 'stale', answer: null });
    });
  });

  test('V33e: decides on no change of who holds a key, because it does not know what it has said', async () => {
    const callees = servers.map((server, i) => ({
      name: ['alpha', 'bravo'][i]!,
      call: server.as(alice).ask,
    }));
    const { keyId } = keyed;
    const change = await carryChange({ servers: callees, keyId, expiresAt: alpha().now + 600 });
    await change.propose();
    await backUp();
    await change.promise(1, [1]);
    await restoreServer(restores.options());
    await restores.start(async ({ client }) => {
      const { policy } = await client.ask('key.show', { keyId });
      const { order, orderHash } = change;
      const view = await client.ask('change.propose', { order, chain: [], policy });
      expect(view).toMatchObject({ state: 'ready', attempt: 0, forgot: expect.any(Uint8Array) });
      const asked = { keyId, epoch: 0, orderHash, attempt: 1, shown: [], recall: null, locked: [] };
      await expect(client.ask('change.promise', asked)).rejects.toThrow(
        expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason: 'forgot' } }),
      );
    });
  });

  test('refuses a message that was answered before, although no backup says that it was', async () => {
    const bytes = alpha()
      .as(alice)
      .seal('key.list', { after: null }, { expiresAt: alpha().now + 290 });
    expect((await alpha().as(alice).post(bytes)).status).toBe(200);
    await backUp();
    await restoreServer(restores.options());
    await restores.start(async ({ client }) => {
      const answer = await client.post(bytes);
      expect(answer.status).toBe(410);
      expect(new TextDecoder().decode(answer.bytes)).toContain('MESSAGE_BEFORE_RESTORE');
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] });
    });
  });

  test('whose database is put back once more notices it, and does not take that for the restore', async () => {
    await backUp();
    await restoreServer(restores.options());
    const database = join(restores.folder, 'restored', 'ckm.sqlite');
    const asRestored = readFileSync(database);
    await restores.start(async () => undefined);
    rmSync(`${database}-wal`, { force: true });
    writeFileSync(database, asRestored);
    await restores.start(async ({ dataDir, log }) => {
      const deeds = (await connectOperator(dataDir).audit()).map(({ deed }) => deed);
      expect(deeds.at(-1)).toBe('server.rollback');
      expect(log()).toContain('data is lost: the database was put back to an earlier state');
    });
  });

  test('lists its keys and does not sign, when the keys of epochs were left out, until they are brought back', async () => {
    const pieces = await keyed.operator.backupWithoutEpochKeys(words());
    expect(await writeBackupFile(restores.file, pieces, words())).toMatchObject({
      keysMissing: 1,
      damaged: 0,
    });
    await restoreServer(restores.options());
    const prepare = preparing(keyed.keyId, 1);
    await restores.start(async ({ client, dataDir, tellHead }) => {
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] });
      await expect(client.ask('craft.prepare', prepare)).rejects.toThrow(code('EPOCH_KEY_MISSING'));
      const folder = join(alpha().dataDir, 'epoch-keys');
      for (const name of readdirSync(folder))
        writeFileSync(join(dataDir, 'epoch-keys', name), readFileSync(join(folder, name)), { mode: 0o600 });
      await expect(client.ask('craft.prepare', prepare)).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
      await tellHead();
      expect(await client.ask('craft.prepare', prepare)).toMatchObject({ prepared: { craft: 'frost' } });
    });
  });

  test('is not made twice in one folder, and not where there is something', async () => {
    await backUp();
    await restoreServer(restores.options());
    const config = readFileSync(join(restores.folder, 'restored', 'config.json'), 'utf8');
    await expect(restoreServer(restores.options())).rejects.toThrow(code('DATA_DIR_USED'));
    expect(readFileSync(join(restores.folder, 'restored', 'config.json'), 'utf8')).toBe(config);
    await expect(restoreServer(restores.options({ dataDir: alpha().dataDir }))).rejects.toThrow(
      code('DATA_DIR_USED'),
    );
  });

  test('is not made by a clock that is behind the backup, and nothing is left of the attempt', async () => {
    await backUp();
    const nowMs = () => (alpha().now - 5) * 1_000;
    await expect(restoreServer(restores.options({ nowMs }))).rejects.toThrow(code('BACKUP_FROM_LATER'));
    expect(existsSync(join(restores.folder, 'restored'))).toBe(false);
  });

  test('has no ceremony that was under way, and finishes a key that waited only for its certificate', async () => {
    const bravo = servers[1]!;
    const callees = [alpha(), bravo].map((server, i) => ({
      name: ['alpha', 'bravo'][i]!,
      call: server.as(alice).ask,
    }));
    const ceremony = createCeremony({
      servers: callees,
      needed: 2,
      expiresAt: alpha().now + 600,
      // Alpha does not hear that bravo has signed.
      tampering: ({ to, round, packet }) => (round === 2 && to === 1 ? [] : [packet]),
    });
    const { keyId, sessionId } = ceremony;
    expect((await ceremony.finish()).map(({ state }) => state)).toEqual(['running', 'finished']);
    const { certificate } = await callees[1]!.call('key.show', { keyId });
    expect(await backUp()).toMatchObject({ keysMissing: 0, damaged: 0, rows: { keys: 2 } });
    await restoreServer(restores.options());
    await restores.start(async ({ client, dataDir }) => {
      const shown = client.ask('session.show', { sessionId, after: 0 });
      await expect(shown).rejects.toThrow(code('SESSION_UNKNOWN'));
      expect(readdirSync(join(dataDir, 'epoch-keys')).filter((name) => name.startsWith('session-'))).toEqual(
        [],
      );
      await client.ask('key.certify', { keyId, certificate: certificate! });
      const { keys } = await client.ask('key.list', { after: null });
      expect(keys.map(({ state }) => state)).toEqual(['active', 'active']);
    });
    await alpha().as(alice).ask('key.certify', { keyId, certificate: certificate! });
  });

  test('is the same server, signs on with its key, and says once that it was restored', async () => {
    const made = await backUp();
    expect(await restoreServer(restores.options())).toEqual(made);
    await restores.start(async ({ server, dataDir, signer, log }) => {
      expect(server.identity()!.document).toBe(made.document);
      expect(await (await signer()).sign(messageOf('after a restore'), [1, 2])).toHaveLength(64);
      const operator = connectOperator(dataDir);
      const lines = await operator.audit({ from: made.from });
      expect(lines.slice(0, 3).map(({ deed }) => deed)).toEqual([
        'operator.backup',
        'server.restore',
        'server.start',
      ]);
      expect(lines[1]!.detail).toContain(`backup ${encodeHex(made.id).slice(0, 8)} of 20`);
      expect(lines.map(({ deed }) => deed)).not.toContain('server.rollback');
      expect(await operator.verifyAudit()).toMatchObject({ ok: true });
      expect(log()).toContain('this server was restored from a backup');
      expect(log()).not.toContain('open ceremonies were ended');
    });
    await restores.start(async ({ log }) => expect(log()).not.toContain('restored'));
  });
});

describe.skipIf(postgresPrograms() === null)('with PostgreSQL (skipped when it is not installed)', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());

  test('a backup of SQLite is restored into it, and one of it into SQLite, and the key signs on both', async () => {
    await backUp();
    const url = await cluster.createDatabase();
    const variables = { CKM_ALLOW_INSPECT: '1', CKM_DATABASE_URL: url };
    await restoreServer(restores.options({ variables }));
    expect(readdirSync(join(restores.folder, 'restored'))).not.toContain('ckm.sqlite');
    const back = join(restores.folder, 'of-postgres.backup');
    await restores.start(
      async ({ signer, dataDir }) => {
        expect(await (await signer()).sign(messageOf('on PostgreSQL'), [1, 2])).toHaveLength(64);
        await writeBackupFile(back, await connectOperator(dataDir).backup(words()), words());
      },
      { variables },
    );
    await expect(
      restoreServer(restores.options({ variables, dataDir: join(restores.folder, 'again') })),
    ).rejects.toThrow(code('BACKUP_DATABASE_USED'));
    expect(existsSync(join(restores.folder, 'again'))).toBe(false);
    rmSync(join(restores.folder, 'restored'), { recursive: true });
    const nowMs = () => (alpha().now + 126) * 1_000;
    await restoreServer(restores.options({ file: back, nowMs }));
    await restores.start(
      async ({ signer }) =>
        expect(await (await signer()).sign(messageOf('on SQLite again'), [1, 2])).toHaveLength(64),
      { nowMs: () => (alpha().now + 190) * 1_000 },
    );
  });
});

describe('a server with a passphrase', () => {
  test('is backed up under that one and no other, while it runs and when it is stopped, and starts sealed again', async () => {
    const sealed = await startTestServer({ isSealed: true });
    const { dataDir } = sealed;
    const operator = connectOperator(dataDir);
    try {
      await expect(operator.backup(words())).rejects.toThrow(code('SERVER_SEALED'));
      await operator.unseal(words());
      await expect(operator.backup(words('another passphrase'))).rejects.toThrow(code('PASSPHRASE_WRONG'));
      const contents = await writeBackupFile(restores.file, await operator.backup(words()), words());
      expect(contents).toMatchObject({ isSealed: true, rows: { keys: 0 } });
      const stopped = { hasEpochKeys: true, variables: { CKM_ALLOW_INSPECT: '1' } };
      const ofStopped = (passphrase = words()) => backUpStoppedServer(dataDir, { ...stopped, passphrase });
      await expect(ofStopped()).rejects.toThrow(code('STORAGE_IN_USE'));
      await sealed.server.close();
      await expect(ofStopped(words('another passphrase'))).rejects.toThrow(code('PASSPHRASE_WRONG'));
      const second = join(restores.folder, 'stopped.backup');
      const cheap = await backUpStoppedServer(dataDir, {
        ...stopped,
        passphrase: words(),
        passphraseCost: CHEAP,
      });
      const later = await writeBackupFile(second, cheap, words());
      expect(later.from).toBe(contents.from + 1);
      await assertDear(await ofStopped());
      await restoreServer(restores.options({ file: second, nowMs: Date.now }));
      expect(readdirSync(join(restores.folder, 'restored'))).toContain('storage.key.sealed');
      expect(readdirSync(join(restores.folder, 'restored'))).not.toContain('storage.key');
      await startSealed(contents.document);
    } finally {
      await sealed.remove();
    }
  });

  /** That whoever tries passphrases on a backup pays for each what is paid outside of tests. */
  async function assertDear(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces) parts.push(piece);
    const bytes = Buffer.concat(parts);
    const at = MAGIC.length + LENGTH_BYTES;
    const { key, frameKey } = parseHeader(
      bytes.subarray(at, at + headerLength(bytes.subarray(MAGIC.length))),
    );
    expect([key, frameKey].map(costOf)).toEqual([DEFAULT_COST, DEFAULT_COST]);
  }

  async function startSealed(document: string): Promise<void> {
    const server = await startServer({
      dataDir: join(restores.folder, 'restored'),
      variables: { CKM_ALLOW_INSPECT: '1' },
      logDestination: { write: () => undefined },
    });
    try {
      expect(server.phase()).toBe('sealed');
      await server.unseal(words());
      expect(server.identity()!.document).toBe(document);
      await assertDear(await connectOperator(server.dataDir).backup(words()));
    } finally {
      await server.close();
    }
  }
});
