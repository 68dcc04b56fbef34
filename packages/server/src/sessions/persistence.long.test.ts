// @module-tag long
import { dkgResult, type FrostAttempt, type RequestReply, packCommitments, commitmentsIn } from '@ckm/api';
import {
  createCeremony,
  type PostgresCluster,
  postgresPrograms,
  startPostgres,
  preparing,
} from '@ckm/testkit';
import { encodeKeyParams } from '@ckm/threshold';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { snapshotDatabase } from './test/database-snapshot.js';
import { PowerCut, storageWithPowerCut } from './test/faulty-storage.js';
import { alice, createBareServers, makeKey, messageOf, SOON, type MadeKey } from './test/bare-servers.js';
import { type BareCaller, type BareServer, TEST_TIME } from './test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

const fresh = (byte: number) => new Uint8Array(32).fill(byte);

/** Asks one server for its share of a message. */
async function ask(
  caller: BareCaller,
  { keyId }: MadeKey,
  text: string,
  attempt: FrostAttempt,
  requestId = new Uint8Array(randomBytes(32)),
): Promise<RequestReply> {
  const request = { requestId, keyId, ...messageOf(text), expiresAt: SOON, attempt, epoch: 0, wanted: null };
  return caller.call('request.ask', request);
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('a power cut at every transaction of key generation', () => {
  for (const when of ['before', 'after'] as const) {
    test(`${when} the commit: whatever was stored goes on, whatever was not is done again`, async () => {
      for (let nth = 1; nth <= 5; nth++) {
        const { callers } = await network.openMany(2);
        const weak = await network.open({ name: 'charlie' });
        const restarted = await network.restart(weak, {
          wrap: (storage) => storageWithPowerCut(storage, nth + 1, when),
        });
        const servers = [...callers, await restarted.as(alice)];
        const ceremony = createCeremony({ servers, expiresAt: SOON });
        const cut = await ceremony.finish().catch((error: unknown) => error);
        if (nth < 4) expect(cut).toBeInstanceOf(PowerCut);
        servers[2] = await (await network.restart(restarted, { wrap: (storage) => storage })).as(alice);
        // The client was killed too: all it has left are the ids.
        const { keyId, sessionId } = ceremony;
        const resumed = createCeremony({ servers, expiresAt: SOON, keyId, sessionId });
        const views = await resumed.finish();
        expect(views.map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
        const hashes = views.map(({ result }) =>
          Buffer.from(dkgResult.parse(result).transcriptHash).toString('hex'),
        );
        expect(new Set(hashes).size).toBe(1);
      }
    });
  }

  test('V32e: what a server said in a round it says again, byte for byte, after any number of restarts', async () => {
    const { servers, callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    const { sessionId } = ceremony;
    let alpha = servers[0]!;
    let before: readonly Uint8Array[] = [];
    while ((await ceremony.next()) !== null) {
      alpha = await network.restart(alpha);
      callers[0] = await alpha.as(alice);
      const { outbox } = await callers[0].call('session.show', { sessionId, after: 0 });
      expect(outbox.slice(0, before.length)).toEqual(before);
      before = outbox;
    }
    expect(before.length).toBe(3);
  });

  test('every server is restarted between every two steps, and the key works', async () => {
    const { servers, callers } = await network.openMany(3);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; (await ceremony.next()) !== null; i++) {
      const at = i % 3;
      servers[at] = await network.restart(servers[at]!);
      callers[at] = await servers[at].as(alice);
    }
    expect(ceremony.views.map((view) => view?.state)).toEqual(['finished', 'finished', 'finished']);
    const { signer } = await makeKey(callers, { keyId: ceremony.keyId, sessionId: ceremony.sessionId });
    expect((await signer.sign(messageOf('after all that'), [1, 3])).length).toBe(64);
  });
});

describe('a power cut while signing', () => {
  /** Alpha's power is cut around the commit of its share of `one`, and comes back. */
  async function cutWhileSigning(when: 'before' | 'after') {
    const { servers, callers } = await network.openMany(2);
    const made = await makeKey(callers);
    // Two: one opens the account, the next one signs.
    const weak = await network.restart(servers[0]!, {
      wrap: (storage) => storageWithPowerCut(storage, 2, when),
    });
    const caller = await weak.as(alice);
    const commitments = commitmentsIn(await caller.call('craft.prepare', preparing(made.keyId, 1)));
    const [theirs] = await made.signer.pool(2);
    const attempt = {
      craft: 'frost' as const,
      number: 1,
      signers: [1, 2],
      commitments: [packCommitments([commitments[0]!, theirs!])],
    };
    expect(await errorOf(ask(caller, made, 'one', attempt, fresh(1)))).toBeInstanceOf(PowerCut);
    const back = await (await network.restart(weak, { wrap: (storage) => storage })).as(alice);
    return { made, attempt, back, callers };
  }

  test('V34: before the commit: the share never leaves, its nonce is never used again', async () => {
    const { made, attempt, back } = await cutWhileSigning('before');
    expect((await ask(back, made, 'one', attempt, fresh(1))).state).toBe('stale');
    expect((await ask(back, made, 'two', attempt)).state).toBe('stale');
  });

  test('V34: after the commit: the same share is delivered again, and no other is made', async () => {
    const { made, attempt, back, callers } = await cutWhileSigning('after');
    const replies = [
      await ask(back, made, 'one', attempt, fresh(1)),
      await ask(callers[1]!, made, 'one', attempt, fresh(1)),
    ];
    expect(made.signer.combine(messageOf('one'), attempt, replies).map(({ kind }) => kind)).toEqual([
      'signature',
    ]);
    expect((await ask(back, made, 'two', attempt)).state).toBe('stale');
  });
});

describe('V36: an old SQLite file', () => {
  function copyOf(server: BareServer): string {
    const folder = mkdtempSync(join(tmpdir(), 'ckm-copy-'));
    cpSync(server.dataDir, folder, { recursive: true });
    return folder;
  }

  test('restored after a signature never gives a second share for its commitment, nor the first one again', async () => {
    const { servers, callers } = await network.openMany(2);
    const made = await makeKey(callers);
    const alpha = await network.restart(servers[0]!);
    const caller = await alpha.as(alice);
    const commitments = commitmentsIn(await caller.call('craft.prepare', preparing(made.keyId, 2)));
    const [theirs] = await made.signer.pool(2);
    const attempts = commitments.map((mine, i) => ({
      craft: 'frost' as const,
      number: i + 1,
      signers: [1, 2],
      commitments: [packCommitments([mine, theirs!])],
    }));
    await alpha.stop();
    const backup = copyOf(alpha);
    const live = await alpha.restart();
    const liveCaller = await live.as(alice);
    expect((await ask(liveCaller, made, 'one', attempts[0]!)).state).toBe('stale');
    const [renewed] = commitmentsIn(await liveCaller.call('craft.prepare', preparing(made.keyId, 1)));
    const used = { ...attempts[0]!, commitments: [packCommitments([renewed!, theirs!])] };
    expect((await ask(liveCaller, made, 'one', used, fresh(1))).state).toBe('answered');
    await live.stop();
    const restored = await network.restart(live, { dataDir: backup });
    const back = await restored.as(alice);
    for (const [text, id] of [
      ['two', 2],
      ['one', 1],
      ['three', 3],
    ] as const) {
      for (const attempt of [used, ...attempts]) {
        expect((await ask(back, made, text, attempt, fresh(id))).state).toBe('stale');
      }
    }
    rmSync(backup, { recursive: true, force: true });
  });

  test('restored during a ceremony: the server says something else in its second life, and ends the session once it is shown the first', async () => {
    const { servers, callers } = await network.openMany(2);
    const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
    for (let i = 0; i < 2; i++) await ceremony.next();
    await servers[0]!.stop();
    const backup = copyOf(servers[0]!);
    const live = await servers[0]!.restart();
    const { sessionId } = ceremony;
    const parameters = encodeKeyParams(ceremony.parameters());
    const said = await (await live.as(alice)).call('session.join', { sessionId, parameters });
    await live.stop();
    const back = await (await network.restart(live, { dataDir: backup })).as(alice);
    const again = await back.call('session.join', { sessionId, parameters });
    // By itself it cannot know: it starts once more, with other secrets.
    expect([again.state, again.round, again.outbox.length]).toEqual(['running', 0, 1]);
    expect(again.outbox).not.toEqual(said.outbox);
    const { state, fault } = await back.call('session.deliver', {
      sessionId,
      packets: said.outbox,
      after: 0,
    });
    expect([state, fault]).toEqual(['aborted', { code: 'RETRY_OWN_STATE_LOST', round: 0, culprits: [] }]);
    expect((await back.call('session.join', { sessionId, parameters })).state).toBe('aborted');
    expect(await back.call('key.list', { after: null })).toEqual({ keys: [], next: null });
    // Nor does the other server put the two lives together: it has both words, signed.
    await callers[1]!.call('session.join', { sessionId, parameters });
    const packets = [...said.outbox, ...again.outbox];
    const other = await callers[1]!.call('session.deliver', { sessionId, packets, after: 0 });
    expect(other.fault).toEqual({ code: 'FAULT_EQUIVOCATION', round: 0, culprits: [1] });
    rmSync(backup, { recursive: true, force: true });
  });
});

const programs = postgresPrograms();
describe.skipIf(programs === null)(
  'replicas on one PostgreSQL (skipped without initdb: set CKM_POSTGRES_BIN)',
  () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres();
    });
    afterAll(() => cluster.stop());

    const seed = new Uint8Array(randomBytes(32));
    const storageKey = new Uint8Array(randomBytes(32));

    /** Alpha twice over one database, bravo by himself. */
    async function twoReplicas() {
      const databaseUrl = await cluster.createDatabase();
      const epochKeys = mkdtempSync(join(tmpdir(), 'ckm-epoch-keys-'));
      const shared = { databaseUrl, seed, storageKey, settings: { epochKeys } };
      const one = await network.open({ name: 'alpha one', ...shared });
      const two = await network.open({ name: 'alpha two', ...shared });
      const bravo = await network.open({ name: 'bravo' });
      const callers = await Promise.all([one, bravo].map((server) => server.as(alice)));
      const made = await makeKey(callers);
      return { databaseUrl, shared, one, two, made, callers, twin: await two.as(alice) };
    }

    test('V36: a commitment of one replica is good there, once, and never at the other', async () => {
      const { made, callers, twin } = await twoReplicas();
      for (let i = 0; i < 5; i++) {
        const attempt = await made.signer.prepare([1, 2]);
        const replies = await Promise.all([
          ask(callers[0]!, made, 'at one', attempt),
          ask(twin, made, 'at the other', attempt),
          ask(twin, made, 'at the other again', attempt),
        ]);
        expect(replies.map(({ state }) => state)).toEqual(['answered', 'stale', 'stale']);
      }
    });

    test('V36: the same attempt at both at once is one share, twice delivered', async () => {
      const { made, callers, twin } = await twoReplicas();
      const attempt = await made.signer.prepare([1, 2]);
      const replies = await Promise.all(
        [callers[0]!, twin].map((caller) => ask(caller, made, 'x', attempt, fresh(1))),
      );
      expect(replies[0]!.state).toBe('answered');
      // The other one never knew the nonces: it has the share from the database, or was asked too early.
      expect(['answered', 'stale']).toContain(replies[1]!.state);
      expect(await ask(twin, made, 'x', attempt, fresh(1))).toEqual(replies[0]);
    });

    test('L11: a freeze at one replica stops the key at the other one, and both at once are one freeze', async () => {
      const { made, callers, twin } = await twoReplicas();
      const attempt = await made.signer.prepare([1, 2]);
      const statement = { id: new Uint8Array(32).fill(1), from: TEST_TIME, until: TEST_TIME + 60 };
      const frozen = await Promise.all(
        [callers[0]!, twin].map((one) => one.call('key.freeze', { keyId: made.keyId, ...statement })),
      );
      expect(frozen.map((one) => one.frozen?.until)).toEqual([TEST_TIME + 60, TEST_TIME + 60]);
      for (const one of [callers[0]!, twin])
        await expect(ask(one, made, 'frozen', attempt)).rejects.toMatchObject({ code: 'POLICY_KEY_FROZEN' });
    });

    test('N4: what a replica that has ended published is void, also at the other one', async () => {
      const { made, one, twin } = await twoReplicas();
      const attempt = await made.signer.prepare([1, 2]);
      await network.restart(one);
      expect((await ask(twin, made, 'x', attempt)).state).toBe('stale');
    });

    test('V36: a restored copy of the database gives no share for what was published before', async () => {
      const { databaseUrl, shared, made, callers } = await twoReplicas();
      const attempt = await made.signer.prepare([1, 2]);
      const copy = await cluster.copyDatabase(databaseUrl);
      const restored = await (await network.open({ ...shared, databaseUrl: copy })).as(alice);
      expect((await ask(restored, made, 'at the copy', attempt)).state).toBe('stale');
      // The one and only share: the process that made the commitment lives on.
      expect((await ask(callers[0]!, made, 'at the original', attempt)).state).toBe('answered');
    });

    test('V36: an old dump loaded under running servers gives no second share, at either of them', async () => {
      const { databaseUrl, made, callers, one, twin } = await twoReplicas();
      const attempt = await made.signer.prepare([1, 2]);
      const old = await snapshotDatabase(databaseUrl);
      expect((await ask(callers[0]!, made, 'one', attempt)).state).toBe('answered');
      await old.restore();
      const wentBack = expect.objectContaining({ code: 'STORAGE_WENT_BACK' }) as Error;
      await expect(ask(callers[0]!, made, 'two', attempt)).rejects.toThrow(wentBack);
      expect((await ask(twin, made, 'two', attempt)).state).toBe('stale');
      // Whoever saw how far the log had come writes nothing more, however far the other one has brought it since.
      const { audit, storage } = one.context;
      await expect(storage.read((reader) => audit.look(reader))).rejects.toThrow(wentBack);
    });

    test('two messages of one session at two replicas at once end in one state', async () => {
      const { shared } = await twoReplicas();
      const [one, two] = [await network.open({ ...shared }), await network.open({ ...shared })];
      const bravo = await network.open({ name: 'bravo' });
      const [first, second, other] = await Promise.all([one, two, bravo].map((server) => server.as(alice)));
      const ceremony = createCeremony({ servers: [first!, other!], expiresAt: SOON });
      const { keyId, sessionId } = ceremony;
      const mirrored = createCeremony({ servers: [second!, other!], expiresAt: SOON, keyId, sessionId });
      for (let step = await ceremony.next(); step !== null;) {
        const [next] = await Promise.all([ceremony.next(), mirrored.next()]);
        step = next;
      }
      const views = [await ceremony.finish(), await mirrored.finish()].map((all) =>
        all.map(({ state }) => state),
      );
      expect(views).toEqual([
        ['finished', 'finished'],
        ['finished', 'finished'],
      ]);
    });
  },
);
