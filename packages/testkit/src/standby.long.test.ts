// @module-tag long
import { randomBytes } from 'node:crypto';
import { type FrostAttempt, type RequestReply, sharesIn } from '@ckm/api';
import { encodeUtf8, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { connectOperator } from '@ckm/server';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Callee } from './callee.js';
import { type Ceremony, createCeremony, type Tampering } from './courier.js';
import { type DatabaseProxy, isHaproxyHere, startDatabaseProxy } from './haproxy.js';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { type Ask, createQuorumSigner, preparing, type QuorumSigner } from './quorum-signer.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';
import { type PostgresStandby, startStandby } from './standby.js';

const person = (number: number) => createIdentity(secret(new Uint8Array(32).fill(number)));
const alice = person(0xa1);
const carol = person(0xc3);
const SOON = Math.floor(Date.now() / 1000) + 3600;
/** The round in which each server signs what all have made. */
const CERTIFYING = 2;
const PATIENCE = { timeout: 20_000, interval: 100 };
const asking = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'standby', bytes: encodeUtf8(text) }),
  requestId: new Uint8Array(randomBytes(32)),
});
const refused = (code: string) => expect.objectContaining({ code }) as Error;

const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(postgresPrograms() === null ? ['no initdb: set CKM_POSTGRES_BIN'] : []),
  ...(isHaproxyHere() ? [] : ['no haproxy']),
];
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;

/**
 * The commands are those of docs/operating.md, "A standby". The first process of alpha sees all of the second that is lost,
 * the other one nothing of it: it stands still meanwhile.
 */
describe.skipIf(missing.length > 0)(`alpha as two processes, whose PostgreSQL has a standby${reason}`, () => {
  let primary: PostgresCluster;
  let standby: PostgresStandby;
  let proxy: DatabaseProxy;
  let bravo: ServerProcess;
  const replicas: ServerProcess[] = [];
  /** Alice at both processes of alpha, and at bravo. */
  const at: Callee[] = [];
  /** Who asks the first process of alpha, or the second, and bravo. */
  let signers: QuorumSigner[];
  let key: Ceremony;
  /** What the first process answered in the second that is lost. */
  let last: { readonly ask: Ask; readonly attempt: FrostAttempt; readonly reply: RequestReply };
  let almost: Ceremony;
  let lost: Ceremony;

  beforeAll(async () => {
    primary = await startPostgres();
    standby = await startStandby(primary);
    proxy = await startDatabaseProxy([primary.folder, standby.folder]);
    const environment = { CKM_DATABASE_URL: proxy.urlOf(await primary.createDatabase()) };
    const one = await spawnServer({ name: 'alpha', environment });
    const two = await spawnServer({ name: 'alpha', environment, replicaOf: one.dataDir });
    bravo = await spawnServer({ name: 'bravo' });
    replicas.push(one, two);
    for (const server of [one, two, bravo]) at.push(await server.as(alice));
    key = ceremony();
    await key.finish();
    signers = [await signerAt(0), await signerAt(1)];
  }, 60_000);
  afterAll(async () => {
    for (const server of [...replicas, bravo]) await server.remove();
    await proxy.stop();
    await standby.stop();
    await primary.stop();
  });

  const ceremony = (tampering: Tampering = ({ packet }) => [packet]) =>
    createCeremony({ servers: [at[0]!, at[2]!], expiresAt: SOON, tampering });
  /** Leads both processes from one database to another. */
  const lead = (from: string, to: string) =>
    proxy.command(
      `disable server ckm-database/${from}`,
      `shutdown sessions server ckm-database/${from}`,
      `enable server ckm-database/${to}`,
    );
  const readyz = async (replica: number) => {
    const response = await fetch(`${replicas[replica]!.url()}/readyz`);
    return { httpStatus: response.status, ...((await response.json()) as object) };
  };
  const certificateOf = async (keyId: Uint8Array) => (await at[2]!.call('key.show', { keyId })).certificate!;

  async function signerAt(replica: number): Promise<QuorumSigner> {
    const { keyId } = key;
    const certified = verifyCertificate(parseCertificate(await certificateOf(keyId)));
    const servers = [at[replica]!, at[2]!];
    return createQuorumSigner({
      servers,
      keyId,
      key: certified.public,
      purpose: 'message',
      expiresAt: SOON,
    });
  }

  /** Brings what bravo says of the key to the first process of alpha, which asks for it. */
  async function tellHead(): Promise<void> {
    const { keyId } = key;
    const { asks } = await at[0]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const said = await at[2]!.call('key.head', { keyId, nonce: asks! });
    const heads = [{ slot: 2, head: said.head, signature: said.signature }];
    await at[0]!.call('key.heads', { keyId, heads });
  }

  /** Asks one process of alpha for what the first one has answered, or for something else with the same commitments. */
  const askAgain = (replica: number, ask: Ask) =>
    signers[replica]!.request(1, ask, { attempt: last.attempt });

  test('led to a standby that is not promoted, both say that it takes nothing, and go on by themselves when led back', async () => {
    await standby.untilCaughtUp();
    await lead('first', 'second');
    const prepare = () => at[0]!.call('craft.prepare', preparing(key.keyId, 1));
    await vi.waitFor(() => expect(prepare()).rejects.toThrow(refused('STORAGE_READ_ONLY')), PATIENCE);
    expect(await readyz(0)).toEqual({ httpStatus: 503, status: 'storage', code: 'STORAGE_READ_ONLY' });
    await lead('second', 'first');
    for (const replica of [0, 1]) {
      await vi.waitFor(
        async () => expect(await readyz(replica)).toMatchObject({ httpStatus: 200 }),
        PATIENCE,
      );
    }
  }, 60_000);

  test('the primary is killed with entries that the standby never got, and the standby is promoted', async () => {
    let isHeld = true;
    almost = ceremony(({ packet, to, round }) =>
      isHeld && to === 1 && round === CERTIFYING ? [] : [packet],
    );
    expect((await almost.finish()).map(({ state }) => state)).toEqual(['running', 'finished']);
    const attempt = await signers[0]!.prepare([1, 2]);
    await standby.untilCaughtUp();
    replicas[1]!.freeze();
    await standby.holdBack();

    const ask = asking('in the second that is lost');
    last = { ask, attempt, reply: await signers[0]!.request(1, ask, { attempt }) };
    expect(sharesIn(last.reply)).toHaveLength(1);
    isHeld = false;
    expect((await almost.finish()).map(({ state }) => state)).toEqual(['finished', 'finished']);
    lost = ceremony();
    expect((await lost.finish()).map(({ state }) => state)).toEqual(['finished', 'finished']);
    await replicas[0]!.as(carol);

    await primary.halt('killed');
    await proxy.command('disable server ckm-database/first');
    await standby.promote();
    await proxy.command('enable server ckm-database/second');
    replicas[1]!.thaw();
  }, 60_000);

  test('the process that saw them says that the database is older, on every way that an operator looks, and writes nothing', async () => {
    await vi.waitFor(
      async () =>
        expect(await readyz(0)).toEqual({ httpStatus: 503, status: 'storage', code: 'STORAGE_WENT_BACK' }),
      PATIENCE,
    );
    const says = () =>
      expect(replicas[0]!.output()).toContain('the database is older than this server has seen it');
    await vi.waitFor(says, PATIENCE);
    await expect(signers[0]!.sign(asking('anything'), [1, 2])).rejects.toThrow(refused('STORAGE_WENT_BACK'));
    expect(await connectOperator(replicas[0]!.dataDir).verifyAudit()).toMatchObject({ ok: false });
  }, 30_000);

  test('V36: a nonce that answered in the lost second answers never again, the same or another message, at either process', async () => {
    for (const ask of [last.ask, asking('another')]) {
      await expect(askAgain(0, ask)).rejects.toThrow(refused('STORAGE_WENT_BACK'));
      expect((await askAgain(1, ask)).state).toBe('stale');
    }
  });

  test('the process that saw nothing of them goes on without a restart', async () => {
    await vi.waitFor(
      async () => expect(await readyz(1)).toEqual({ httpStatus: 200, status: 'ready' }),
      PATIENCE,
    );
    expect(await signers[1]!.sign(asking('at the other one'), [1, 2])).toHaveLength(64);
  }, 30_000);

  test('started again, the first one notes in the log how the log differs, and ends what was open', async () => {
    await replicas[0]!.stop();
    await replicas[0]!.start();
    expect(await readyz(0)).toEqual({ httpStatus: 200, status: 'ready' });
    const operator = connectOperator(replicas[0]!.dataDir);
    const lines = await operator.audit({ from: 1, limit: 500 });
    const [rollback] = lines.filter(({ deed }) => deed === 'server.rollback');
    expect(rollback).toMatchObject({ verdict: 'failed' });
    expect(rollback!.detail).toMatch(
      /^the log had \d+ entries and has \d+$|^entry \d+ is another one than before$/,
    );
    expect(await operator.verifyAudit()).toMatchObject({ ok: true });
    expect(await at[0]!.call('session.show', { sessionId: almost.sessionId, after: 0 })).toMatchObject({
      state: 'cancelled',
      reason: 'the database of this server was put back to an earlier state',
    });
    // It cannot know what it has forgotten of the key: the others say that no newer epoch stands.
    await expect(askAgain(0, last.ask)).rejects.toThrow(refused('KEY_HEAD_UNKNOWN'));
    await tellHead();
    expect((await askAgain(0, last.ask)).state).toBe('stale');
    expect(await signers[0]!.sign(last.ask, [1, 2])).toHaveLength(64);
  }, 30_000);

  test('of what was lost, a certificate is brought again, an account is opened again, and a whole key is not known', async () => {
    const { keyId } = almost;
    await at[0]!.call('key.certify', { keyId, certificate: await certificateOf(keyId) });
    expect(await at[0]!.call('key.show', { keyId })).toMatchObject({ key: { state: 'active' } });
    await expect(at[0]!.call('key.show', { keyId: lost.keyId })).rejects.toThrow(refused('KEY_UNKNOWN'));
    expect(await at[2]!.call('key.show', { keyId: lost.keyId })).toMatchObject({
      key: { state: 'active' },
    });
    const hers = await replicas[0]!.as(carol);
    expect(await hers.call('key.list', { after: null })).toMatchObject({ keys: [] });
  });

  test('led back to the old primary, which missed what was written since, every process refuses it', async () => {
    await primary.resume();
    await lead('second', 'first');
    for (const replica of [0, 1]) {
      await vi.waitFor(
        async () => expect(await readyz(replica)).toMatchObject({ code: 'STORAGE_WENT_BACK' }),
        PATIENCE,
      );
      // One whose database went back before has noted that in its keys, and may see by them first that it did again.
      await expect(signers[replica]!.sign(asking('at the old one'), [1, 2])).rejects.toMatchObject({
        code: expect.stringMatching(/^(STORAGE|KEY)_WENT_BACK$/) as string,
      });
    }
    await lead('first', 'second');
    for (const replica of [0, 1]) {
      await vi.waitFor(
        async () => expect(await readyz(replica)).toMatchObject({ httpStatus: 200 }),
        PATIENCE,
      );
    }
  }, 60_000);

  test('the old primary becomes a standby that commits wait for: lost and promoted once more, nothing is missing, and nobody is started again', async () => {
    await primary.halt('fast');
    const rebuilt = await startStandby(standby, primary);
    try {
      await standby.execute("alter system set synchronous_standby_names = '*'");
      await standby.execute('select pg_reload_conf()');
      await rebuilt.untilCaughtUp();
      const attempt = await signers[0]!.prepare([1, 2]);
      const ask = asking('the last one');
      const reply = await signers[0]!.request(1, ask, { attempt });
      await standby.halt('killed');
      await proxy.command('disable server ckm-database/second');
      await rebuilt.promote();
      await proxy.command('enable server ckm-database/first');
      for (const replica of [0, 1]) {
        const again = () => signers[replica]!.request(1, ask, { attempt });
        await vi.waitFor(async () => expect(await again()).toEqual(reply), PATIENCE);
        expect(await readyz(replica)).toEqual({ httpStatus: 200, status: 'ready' });
        expect(await signers[replica]!.sign(asking('goes on'), [1, 2])).toHaveLength(64);
      }
    } finally {
      await rebuilt.halt('fast');
    }
  }, 60_000);
});
