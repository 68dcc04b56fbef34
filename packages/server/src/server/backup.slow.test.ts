import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { verifyCertificate, parseCertificate } from '@ckm/threshold';
import { createQuorumSigner } from '@ckm/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeBackupFile } from '../backup/write-backup-file.js';
import { connectOperator } from '../control/connect-operator.js';
import { alice, type KeyedServers, messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { clientAt, PASSPHRASE, type TestServer } from '../test/test-server.js';
import { leaks, storedSecrets } from '../test/stored-secrets.js';
import { restoreServer } from './restore-server.js';
import { type RunningServer, startServer } from './start-server.js';

const servers: TestServer[] = [];
let stage: KeyedServers;
let folder: string;
const words = (text = PASSPHRASE) => secret(encodeUtf8(text));

beforeAll(async () => {
  stage = await startWithKey(servers);
});
afterAll(async () => {
  for (const server of servers) await server.remove();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ckm-backup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'alpha.backup');
const alpha = () => servers[0]!;

/** A backup of alpha, while it runs. */
const backUp = async () => writeBackupFile(file(), await stage.operator.backup(words()), words());

/** What a restore is told: a minute later, on another machine say. */
const restoring = (name = 'restored') => ({
  file: file(),
  dataDir: join(folder, name),
  passphrase: words(),
  variables: {},
  nowMs: () => (alpha().now + 60) * 1_000,
});

interface Restored {
  readonly server: RunningServer;
  readonly log: () => string;
}

/** Starts what was restored, two minutes later, and ends it with the test. */
async function started<T>(name: string, work: (restored: Restored) => Promise<T>, more = {}): Promise<T> {
  const lines: string[] = [];
  const server = await startServer({
    dataDir: join(folder, name),
    variables: { CKM_ALLOW_INSPECT: '1' },
    nowMs: () => (alpha().now + 120) * 1_000,
    logDestination: { write: (line: string) => void lines.push(line) },
    ...more,
  });
  try {
    return await work({ server, log: () => lines.join('') });
  } finally {
    await server.close();
  }
}

/** Alice at the restored server, and a signer who asks it and bravo. */
async function signerAt(server: RunningServer) {
  const now = alpha().now + 120;
  const client = clientAt({ server, now }, alice);
  const bravo = servers[1]!.as(alice);
  const callees = [client, bravo].map((one, at) => ({
    name: at === 0 ? 'alpha' : 'bravo',
    call: one.ask,
  }));
  const { certificate } = await client.ask('key.show', { keyId: stage.keyId });
  const key = verifyCertificate(parseCertificate(certificate!)).public;
  const more = { keyId: stage.keyId, key, purpose: 'message', expiresAt: now + 600 };
  return { client, signer: createQuorumSigner({ servers: callees, ...more }) };
}

describe('a backup of a running server', () => {
  test('says in the audit log that it is made, holds that entry, and is its operator’s alone', async () => {
    const contents = await backUp();
    const [entry] = await stage.operator.audit({ from: contents.from });
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
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['alpha.backup']);
  });

  test('holds no secret in any spelling, and none of its rows can be told from noise', async () => {
    await backUp();
    const places = [['the backup', readFileSync(file())] as const];
    expect(leaks(storedSecrets(alpha().dataDir), places)).toEqual([]);
    expect(places[0]![1].includes(Buffer.from(stage.keyId))).toBe(false);
    expect(places[0]![1].includes(Buffer.from(alice.xid))).toBe(false);
  });

  test('V36: commitments that were published before a restore are void after it', async () => {
    const attempt = await stage.signer.prepare([1, 2]);
    await backUp();
    await restoreServer(restoring());
    await started('restored', async ({ server }) => {
      const { signer } = await signerAt(server);
      const reply = await signer.request(1, messageOf('void'), { attempt });
      expect(reply).toMatchObject({ state: 'stale', answer: null });
    });
  }, 60_000);

  test('a message that was answered before a restore is refused after it, although no backup says that it was', async () => {
    const bytes = alpha()
      .as(alice)
      .seal('key.list', { after: null }, { expiresAt: alpha().now + 290 });
    expect((await alpha().as(alice).post(bytes)).status).toBe(200);
    await backUp();
    await restoreServer(restoring());
    await started('restored', async ({ server }) => {
      const { client } = await signerAt(server);
      const answer = await client.post(bytes);
      expect([answer.status, new TextDecoder().decode(answer.bytes)]).toEqual([
        410,
        expect.stringContaining('MESSAGE_BEFORE_RESTORE'),
      ]);
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [{ state: 'active' }] });
    });
  }, 60_000);

  test('a database that is put back after a restore is still noticed, and not taken for the restore', async () => {
    await backUp();
    await restoreServer(restoring());
    const database = join(folder, 'restored', 'ckm.sqlite');
    const asRestored = readFileSync(database);
    await started('restored', async () => undefined);
    rmSync(`${database}-wal`, { force: true });
    writeFileSync(database, asRestored);
    await started('restored', async ({ log }) => {
      const deeds = (await connectOperator(join(folder, 'restored')).audit()).map(({ deed }) => deed);
      expect(deeds.at(-1)).toBe('server.rollback');
      expect(log()).toContain('the database is older than what was noted beside it');
    });
  }, 60_000);

  test('restored elsewhere it is the same server, signs on with its key, and says once that it was restored', async () => {
    const made = await backUp();
    const contents = await restoreServer(restoring());
    expect(contents).toEqual(made);
    await started('restored', async ({ server, log }) => {
      expect(server.identity()!.document).toBe(made.document);
      const { signer } = await signerAt(server);
      // Bravo’s clock goes on too, and not back: this test is the last one.
      servers[1]!.now += 120;
      expect(await signer.sign(messageOf('after a restore'), [1, 2])).toHaveLength(64);
      const operator = connectOperator(join(folder, 'restored'));
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
    await started('restored', async ({ log }) => {
      expect(log()).not.toContain('restored');
    });
  }, 60_000);
});
