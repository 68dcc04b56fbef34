// @module-tag long
import { join } from 'node:path';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { type Callee, createCeremony, createQuorumSigner, type QuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toColumns } from '../../storage/database.js';
import type { KeyRow, Rows, ShareRow, TableName } from '../../storage/storage.js';
import { connectOperator } from '../../control/connect-operator.js';
import type { DatabaseFile } from '../../test/database-file.js';
import { NOON, person, random, tamperWith } from '../../test/rooms.js';
import { rowsOf } from '../../test/stored-secrets.js';
import { startTestServer, type TestServer } from '../../test/test-server.js';

const alice = person(1);
const SOON = NOON + 3_600;

/** Alpha's slot: whoever comes last is told most at once, and waits for signatures before the others do. */
const ALPHA = 2;

let servers: TestServer[];
let alpha: TestServer;
/** Bravo's and alpha's, in slot order. */
let callers: Callee[];
let atAlpha: Callee;

beforeEach(async () => {
  servers = [await startTestServer(), await startTestServer()];
  alpha = servers[ALPHA - 1]!;
  callers = [];
  for (const server of servers) {
    const client = await server.as(alice).join();
    callers.push({ name: 'a server', call: (name, parameters) => client.ask(name, parameters) });
  }
  atAlpha = callers[ALPHA - 1]!;
});
afterEach(async () => {
  for (const server of servers) await server.remove();
});

interface Key {
  readonly keyId: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly signer: QuorumSigner;
  readonly certificate: Uint8Array;
  /** Alpha's rows before the certificate came. */
  readonly pending: KeyRow & { readonly share: ShareRow };
}

async function makeKey(approval: 'automatic' | 'operator' = 'automatic'): Promise<Key> {
  const ceremony = createCeremony({ servers: callers, expiresAt: SOON, policy: { approval } });
  const { keyId, sessionId } = ceremony;
  let pending: Key['pending'] | undefined;
  while ((await ceremony.next()) !== null) {
    const isOfKey = (row: { readonly keyId: Uint8Array }) => Buffer.compare(row.keyId, keyId) === 0;
    const row = rowsOf(alpha.dataDir, 'keys').find(isOfKey);
    if (row?.state === 'pending')
      pending ??= { ...row, share: rowsOf(alpha.dataDir, 'shares').find(isOfKey)! };
  }
  const { certificate } = await atAlpha.call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate!)).public;
  const signer = createQuorumSigner({ servers: callers, keyId, key, purpose: 'message', expiresAt: SOON });
  return { keyId, sessionId, signer, certificate: certificate!, pending: pending! };
}

const message = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'rows', bytes: encodeUtf8(text) }),
  requestId: random(32),
});
const signs = async ({ signer }: Key) => (await signer.sign(message('hello'), [1, 2])).length === 64;

/** Alpha is stopped, somebody with its disk changes rows, and it is started again. */
async function change(sql: (database: DatabaseFile) => void): Promise<void> {
  await alpha.server.close();
  tamperWith(join(alpha.dataDir, 'ckm.sqlite'), sql);
  await alpha.restart();
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'OK',
    (error: { code?: string }) => error.code,
  );

/** The call is refused, the operator can read why, and alpha still answers for what was not touched. */
async function expectTampered(call: Promise<unknown>, table: string, whole: Key | null): Promise<void> {
  const before = alpha.log().length;
  await expect(call).rejects.toMatchObject({
    code: 'ROW_TAMPERED',
    errorClass: 'StorageError',
    message: `a row of ${table} is not what this server stored`,
  });
  expect(alpha.log().slice(before)).toContain('ROW_TAMPERED');
  expect(await codeOf(atAlpha.call('server.describe', {}))).toBe('OK');
  if (whole !== null) expect(await signs(whole)).toBe(true);
  expect(await connectOperator(alpha.dataDir).verifyAudit()).toMatchObject({ ok: true });
  expect(alpha.log()).not.toContain('"msg":"bug"');
}

describe('V64: somebody who writes to the database of a server', () => {
  test('and swaps what is sealed in two key rows gets neither key used, and a third one still signs', async () => {
    const keys = [await makeKey(), await makeKey(), await makeKey()] as const;
    await change((database) => {
      const update = database.prepare('update keys set sealed = ? where key_id = ?');
      const [one, two] = rowsOf(alpha.dataDir, 'keys').filter(
        ({ keyId }) => Buffer.compare(keyId, keys[2].keyId) !== 0,
      );
      update.run(one!.sealed, two!.keyId);
      update.run(two!.sealed, one!.keyId);
    });
    for (const { keyId, signer } of keys.slice(0, 2)) {
      await expectTampered(signer.pool(ALPHA), 'keys', keys[2]);
      await expectTampered(atAlpha.call('key.show', { keyId }), 'keys', null);
    }
  });

  test('and exchanges one byte of a sealed key row gets nothing', async () => {
    const [key, whole] = [await makeKey(), await makeKey()];
    await change((database) =>
      database.prepare('update keys set sealed = ? where key_id = ?').run(
        rowsOf(alpha.dataDir, 'keys')
          .find(({ keyId }) => Buffer.compare(keyId, key.keyId) === 0)!
          .sealed.map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
        key.keyId,
      ),
    );
    await expectTampered(key.signer.pool(ALPHA), 'keys', whole);
  });

  test('and exchanges one byte of one key row leaves the others in every list, and the list names the one', async () => {
    const [key, whole] = [await makeKey(), await makeKey()];
    await change((database) =>
      database.prepare('update keys set state = ? where key_id = ?').run('pending', key.keyId),
    );
    const listed = await atAlpha.call('key.list', { after: null });
    expect(listed.keys.map(({ keyId }) => keyId)).toEqual([whole.keyId]);
    expect(listed.unreadable).toEqual([key.keyId]);
    const shown = await connectOperator(alpha.dataDir).keys();
    expect(shown.keys.map(({ keyId }) => keyId)).toEqual([encodeHex(whole.keyId)]);
    expect(shown.unreadable).toEqual([{ owner: encodeHex(alice.xid), keyId: encodeHex(key.keyId) }]);
  });

  test('and puts back what was sealed in an earlier version of a key row gets nothing', async () => {
    const [key, whole] = [await makeKey(), await makeKey()];
    await change((database) =>
      database.prepare('update keys set sealed = ? where key_id = ?').run(key.pending.sealed, key.keyId),
    );
    await expectTampered(key.signer.pool(ALPHA), 'keys', whole);
  });

  test('and puts a whole head of a key back to before its certificate has the key stopped, and is noticed', async () => {
    const key = await makeKey();
    await change((database) =>
      database
        .prepare('update keys set sealed = ?, state = ?, version = ? where key_id = ?')
        .run(key.pending.sealed, key.pending.state, key.pending.version, key.keyId),
    );
    // Such a row is one that this server had stored that day; it is not one that signs.
    expect(await codeOf(key.signer.pool(ALPHA))).toBe('KEY_NOT_CERTIFIED');
    const { keyId, certificate } = key;
    await expectTampered(atAlpha.call('key.certify', { keyId, certificate }), 'key_epochs', null);
  });

  test('and puts the share of a key back as it was before its certificate gets nothing', async () => {
    const [key, whole] = [await makeKey(), await makeKey()];
    const { share } = key.pending;
    await change((database) =>
      database
        .prepare('update shares set sealed = ?, version = ? where key_id = ?')
        .run(share.sealed, share.version, key.keyId),
    );
    await expectTampered(key.signer.pool(ALPHA), 'shares', whole);
  });

  test('and takes away what the operator took away from a key, or puts an earlier version of it back, has the key stopped', async () => {
    const [key, whole] = [await makeKey(), await makeKey()];
    const operator = connectOperator(alpha.dataDir);
    const id = encodeHex(key.keyId);
    await operator.tightenKey({ keyId: id, rateLimit: { count: 100, perSeconds: 60 } });
    const [lax] = rowsOf(alpha.dataDir, 'tightenings');
    await operator.tightenKey({ keyId: id, approval: 'operator' });
    await change((database) =>
      database.prepare('update tightenings set sealed = ?, version = 1').run(lax!.sealed),
    );
    await expectTampered(key.signer.request(ALPHA, message('freed'), {}), 'tightenings', whole);
    await change((database) => database.exec('delete from tightenings'));
    await expectTampered(key.signer.request(ALPHA, message('freed'), {}), 'tightenings', whole);
  });

  test('and puts all rows of a key back together between two starts lifts what the operator took away since, unnoticed, and gets nothing else', async () => {
    const key = await makeKey();
    const operator = connectOperator(alpha.dataDir);
    const id = encodeHex(key.keyId);
    const TABLES = ['keys', 'key_epochs', 'shares', 'tightenings'] as const;
    const before = TABLES.map((table) => [table, rowsOf(alpha.dataDir, table)] as const);
    const attempt = await key.signer.prepare([1, 2]);
    await operator.tightenKey({ keyId: id, approval: 'operator' });
    expect((await key.signer.request(ALPHA, message('kept'), {})).state).toBe('waiting');
    await change((database) => {
      database.exec('pragma foreign_keys = off');
      for (const [table, rows] of before) {
        database.exec(`delete from ${table}`);
        for (const row of rows) insertInto(database, table, row);
      }
    });
    // The threat model says so: the operator's word is lifted, as if it had not been said.
    expect((await key.signer.request(ALPHA, message('freed'), {})).state).toBe('ready');
    expect((await operator.keyPolicy({ keyId: id })).tightening.approval).toBe('automatic');
    // The log still has it, and no commitment of before is answered.
    expect((await operator.audit({ from: 1, limit: 200 })).map(({ deed }) => deed)).toContain(
      'operator.tighten',
    );
    expect(await operator.verifyAudit()).toMatchObject({ ok: true });
    const again = await key.signer.request(ALPHA, message('again'), { attempt });
    expect(again.state).toBe('stale');
  });

  test('and writes "approved" over a request that waits for the operator gets no share', async () => {
    const [key, whole] = [await makeKey('operator'), await makeKey()];
    const ask = message('never approved');
    expect((await key.signer.request(ALPHA, ask, {})).state).toBe('waiting');
    await change((database) => database.exec("update requests set state = 'approved', waiting = 0"));
    const attempt = await key.signer.prepare([1, 2]);
    await expectTampered(key.signer.request(ALPHA, ask, { attempt }), 'requests', whole);
  });

  test('and gives a session more time, or another state, has it refused', async () => {
    const whole = await makeKey();
    const { sessionId } = whole;
    await change((database) => database.exec('update sessions set expires_at = expires_at + 1'));
    await expectTampered(atAlpha.call('session.show', { sessionId, after: 0 }), 'sessions', whole);
    await change((database) =>
      database.exec("update sessions set expires_at = expires_at - 1, state = 'running', open = 1"),
    );
    await expectTampered(
      atAlpha.call('session.deliver', { sessionId, packets: [], after: 0 }),
      'sessions',
      whole,
    );
  });
});

/** A row as it was read, written back. */
function insertInto(database: DatabaseFile, table: TableName, row: Rows[TableName]): void {
  const columns = Object.entries(toColumns(table, row)) as [string, unknown][];
  const names = columns.map(([name]) => name).join(', ');
  const places = columns.map(() => '?').join(', ');
  database
    .prepare(`insert into ${table} (${names}) values (${places})`)
    .run(...columns.map(([, value]) => value));
}
