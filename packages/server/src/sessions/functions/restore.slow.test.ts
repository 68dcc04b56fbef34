import { commitmentsIn } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { carryChange, completeChange, createCeremony, nextMember, preparing } from '@ckm/testkit';
import { createStaticKey, parseCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import type { AuditLine } from '../../audit/audit.js';
import { readKey } from '../keys/stored/read-key.js';
import { writeKey } from '../keys/stored/write-key.js';
import { alice, createBareServers, makeKey, messageOf, SOON } from '../test/bare-servers.js';
import type { BareServer } from '../test/bare-server.js';
import { tellHeads } from '../test/heads.js';
import { loseDatabase, recordOf, makeKeyThenLose } from '../test/lost-database.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** What the log of a server says about restoring. */
async function restoresIn({ context }: BareServer): Promise<readonly AuditLine[]> {
  const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
  return lines.filter(({ deed }) => deed === 'key.restore');
}

describe('a server with static backup that lost its database', () => {
  test('has its share back when the owner shows the certificate, and signs with another server', async () => {
    const { made, backup, servers, callers, before } = await makeKeyThenLose(network);
    const { keyId, signer } = made;
    await expect(callers[0]!.call('key.show', { keyId })).rejects.toThrow(code('KEY_UNKNOWN'));
    expect(await callers[0]!.call('key.restore', backup)).toEqual(before.result);
    const { sessionId: _made, ...kept } = before.record;
    expect(await recordOf(servers[0]!, keyId)).toEqual({ ...kept, sessionId: null });
    const shown = await callers[0]!.call('key.show', { keyId });
    expect(shown).toMatchObject({ policy: backup.policy, certificate: backup.certificate });
    const sign = () => signer.sign(messageOf('back again'), [1, 2]);
    await expect(sign()).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    await tellHeads(callers, keyId, [2, 3]);
    expect((await sign()).length).toBe(64);
  });

  test.each([
    ['secp256k1-tr', 'bitcoin'],
    ['ed25519', 'ssh'],
  ] as const)('has the same share of a %s key for %s as before', async (suite, purpose) => {
    const { made, backup, servers, callers, before } = await makeKeyThenLose(network, {
      suite,
      purpose,
      policy: { kinds: [purpose] },
    });
    await callers[0]!.call('key.restore', backup);
    const { certified } = await recordOf(servers[0]!, made.keyId);
    expect(certified).toEqual(before.record.certified);
  });

  test('is asked again and again: the same answer, one row, one line in the log', async () => {
    const { made, backup, servers, callers, before } = await makeKeyThenLose(network);
    const asked = await Promise.all([1, 2, 3].map(() => callers[0]!.call('key.restore', backup)));
    asked.push(await callers[0]!.call('key.restore', backup));
    for (const answer of asked) expect(answer).toEqual(before.result);
    expect((await callers[0]!.call('key.list', { after: null })).keys).toHaveLength(1);
    const [line, ...more] = await restoresIn(servers[0]!);
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      who: alice.xid,
      keyId: made.keyId,
      sentence: 'Restore a key (ed25519) for message from its certificate.',
      verdict: 'done',
      detail: 'slot 1',
    });
  });

  test('has it back too where an earlier restore was cut at its last write, which left a key of the epoch that opens nothing', async () => {
    const { made, backup, servers, callers, before } = await makeKeyThenLose(network);
    await callers[0]!.call('key.restore', backup);
    const { epochKeys } = servers[0]!.context;
    const scope = { owner: alice.xid, keyId: made.keyId, epoch: 0 };
    epochKeys.destroy(scope);
    epochKeys.create(scope).wipe();
    expect(await callers[0]!.call('key.restore', backup)).toEqual(before.result);
    const { certified } = await recordOf(servers[0]!, made.keyId);
    expect(certified).toEqual(before.record.certified);
  });

  test('keeps what was restored over a restart', async () => {
    const { made, backup, servers, callers } = await makeKeyThenLose(network);
    await callers[0]!.call('key.restore', backup);
    const alpha = await network.restart(servers[0]!);
    const caller = await alpha.as(alice);
    await tellHeads([caller, ...callers.slice(1)], made.keyId, [2, 3]);
    const commitments = commitmentsIn(await caller.call('craft.prepare', preparing(made.keyId, 2)));
    expect(commitments).toHaveLength(2);
  });

  test('a server that has its share answers with what it has, and changes nothing', async () => {
    const { backup, servers, callers, made } = await makeKeyThenLose(network);
    const before = await recordOf(servers[1]!, made.keyId);
    const { transcriptHash } = await callers[1]!.call('key.restore', backup);
    expect(transcriptHash).toEqual(before.certified!.transcriptHash);
    expect(await recordOf(servers[1]!, made.keyId)).toEqual(before);
    expect(await restoresIn(servers[1]!)).toEqual([]);
  });

  test('V36: gives no share for a commitment that was published before the loss', async () => {
    const { servers, callers } = await network.openMany(3, { settings: { backup: 'static' } });
    const made = await makeKey(callers, { policy: { recovery: 'static' } });
    const { policy } = await callers[0]!.call('key.show', { keyId: made.keyId });
    const old = await made.signer.prepare([1, 2]);
    const alpha = await loseDatabase(network, servers[0]!);
    const caller = await alpha.as(alice);
    await caller.call('key.restore', { certificate: made.certificate, policy });
    await tellHeads([caller, ...callers.slice(1)], made.keyId, [2, 3]);
    const { state, answer } = await caller.call('request.ask', {
      requestId: new Uint8Array(32).fill(1),
      keyId: made.keyId,
      ...messageOf('with an old nonce'),
      expiresAt: SOON,
      attempt: old,
      epoch: 0,
      wanted: null,
    });
    expect([state, answer]).toEqual(['stale', null]);
  });

  test('L5: uses nothing where a change has removed it since, though it is shown the first certificate: another such one is no witness', async () => {
    const { servers, callers } = await network.openMany(3, { settings: { backup: 'static' } });
    const made = await makeKey(callers, {
      policy: { changes: 'automatic', changeDelay: 0, recovery: 'static' },
    });
    const { keyId, certificate, signer } = made;
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const next = servers.slice(1).map((server, i) => nextMember(server, callers[i + 1]!));
    const removal = await carryChange({ servers: callers, keyId, expiresAt: SOON, next, needed: 2 });
    await removal.retire(await removal.commit(await completeChange(removal)));
    // Alpha was removed; alpha and bravo lose their databases, and a thief with the owner's client shows both the first certificate.
    for (const i of [0, 1]) {
      callers[i] = await (await loseDatabase(network, servers[i]!)).as(alice);
      await callers[i]!.call('key.restore', { certificate, policy });
    }
    await expect(signer.sign(messageOf('in epoch 0'), [1, 2])).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    await expect(tellHeads(callers, keyId, [2])).rejects.toThrow(code('HEADS_TOO_FEW'));
    await expect(tellHeads(callers, keyId, [2, 3])).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
    await expect(signer.sign(messageOf('in epoch 0'), [1, 2])).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
  });

  test('restores what was made with static backup also when its operator chose otherwise since', async () => {
    const { backup, callers, before } = await makeKeyThenLose(
      network,
      {},
      { backup: 'static' },
      { settings: {} },
    );
    expect(await callers[0]!.call('key.restore', backup)).toEqual(before.result);
  });
});

describe('the seed of a static key', () => {
  test.each([
    ['static', 'static', true],
    ['static', 'epoch', false],
    ['static', undefined, false],
    ['epoch', 'epoch', false],
  ] as const)(
    'is kept sealed with the key (operator: %s, owner: %s), and the static key of the roster comes out of it',
    async (backup, recovery, isDerived) => {
      const { servers, callers } = await network.openMany(2, { settings: { backup } });
      const policy = recovery === undefined ? {} : { recovery };
      const { keyId, certificate } = await makeKey(callers, { policy });
      const { roster } = parseCertificate(certificate).params;
      for (const [i, server] of servers.entries()) {
        const { staticSeed } = await recordOf(server, keyId);
        const { staticKey } = createStaticKey('ed25519', keyId, 0, staticSeed!);
        expect(staticKey).toEqual(roster[i]!.staticKey);
        const scope = { owner: alice.xid, suite: 'ed25519', keyId, epoch: 0 } as const;
        const derived = server.context.staticSeeds.derive(scope);
        expect(equalBytes(derived, staticSeed!)).toBe(isDerived);
        const row = await server.context.storage.read(({ shares }) => shares.find(alice.xid, keyId, 0));
        expect(Buffer.from(row!.sealed).includes(Buffer.from(staticSeed!))).toBe(false);
      }
    },
  );

  test('is another for every owner, suite, key, epoch and server', async () => {
    const { servers } = await network.openMany(2);
    const scope = { owner: alice.xid, suite: 'ed25519', keyId: new Uint8Array(32), epoch: 0 } as const;
    const [alpha, bravo] = servers.map(({ context }) => context.staticSeeds);
    const seeds = [
      alpha!.derive(scope),
      bravo!.derive(scope),
      alpha!.derive({ ...scope, owner: new Uint8Array(32) }),
      alpha!.derive({ ...scope, suite: 'ristretto255' }),
      alpha!.derive({ ...scope, keyId: new Uint8Array(32).fill(1) }),
      alpha!.derive({ ...scope, epoch: 1 }),
    ].map((seed) => Buffer.from(seed).toString('hex'));
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});

describe('a key that waits for its certificate', () => {
  /** Alpha has everything, bravo and charlie never heard the last round. */
  async function pendingAtBravo(settings: object) {
    const { servers, callers } = await network.openMany(3, { settings });
    const ceremony = createCeremony({
      servers: callers,
      expiresAt: SOON,
      tampering: ({ packet, to, round }) => (round === 2 && to !== 1 ? [] : [packet]),
    });
    await ceremony.finish();
    const { keyId } = ceremony;
    const { certificate, policy } = await callers[0]!.call('key.show', { keyId });
    return { servers, callers, keyId, ceremony, backup: { certificate: certificate!, policy } };
  }

  test('is restored from the seed that was kept with it, although its state cannot be read any more', async () => {
    const { servers, callers, keyId, ceremony, backup } = await pendingAtBravo({});
    const { context } = servers[1]!;
    await context.storage.transact(async (transaction) => {
      const row = (await transaction.keys.find(alice.xid, keyId))!;
      const record = await readKey(context, transaction, row);
      await writeKey(context, transaction, row, row, { ...record, pending: new Uint8Array(8) });
    });
    const { certificate } = backup;
    await expect(callers[1]!.call('key.certify', { keyId, certificate })).rejects.toThrow();
    const { transcriptHash } = await callers[1]!.call('key.restore', backup);
    const alphas = await callers[0]!.call('session.show', { sessionId: ceremony.sessionId, after: 0 });
    expect(transcriptHash).toEqual(alphas.result!.transcriptHash);
    const restored = await recordOf(servers[1]!, keyId);
    expect(restored).toMatchObject({ pending: null, slot: 2, sessionId: ceremony.sessionId });
    expect(commitmentsIn(await callers[1]!.call('craft.prepare', preparing(keyId, 1)))).toHaveLength(1);
  });

  test('counts once against the quota, and its session may still finish', async () => {
    const { callers, backup, ceremony, keyId } = await pendingAtBravo({ quota: { keys: 1 } });
    await callers[1]!.call('key.restore', backup);
    const { sessionId } = ceremony;
    const view = await callers[1]!.call('session.deliver', {
      sessionId,
      packets: [...ceremony.packets],
      after: 0,
    });
    expect(view.state).toBe('finished');
    expect((await callers[1]!.call('key.show', { keyId })).key.state).toBe('active');
  });
});

describe('what an operator allows is asked before a share comes back', () => {
  test.each([
    ['keys', { quota: { keys: 0 } }, 'QUOTA_KEYS'],
    ['bytes', { quota: { bytes: 2_000 } }, 'QUOTA_BYTES'],
    ['kinds', { policy: { kinds: ['bitcoin'] } }, 'POLICY_KIND'],
  ])('%s', async (_what, settings, refused) => {
    const { backup, callers, servers } = await makeKeyThenLose(
      network,
      {},
      { backup: 'static' },
      { settings },
    );
    await expect(callers[0]!.call('key.restore', backup)).rejects.toThrow(code(refused));
    expect((await callers[0]!.call('key.list', { after: null })).keys).toEqual([]);
    expect(await restoresIn(servers[0]!)).toEqual([]);
  });
});
