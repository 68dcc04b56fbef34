// @module-tag long
import { join as joinPath } from 'node:path';
import { type CkmError, reveal } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { carryChange } from '@ckm/testkit';
import {
  combineShares,
  type ExportYes,
  hashExport,
  parseCertificate,
  type PartyIndex,
  verifyFirstEpoch,
} from '@ckm/threshold';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterEach, describe, expect, test } from 'vitest';
import { tamperWith } from '../../test/rooms.js';
import { TEST_TIME } from '../test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, SOON } from '../test/bare-servers.js';
import { approve, join, opened, orderOf, propose, random32, yesesOf } from '../test/export-courier.js';
import { type KeyMarks, marksOf, openHead } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';
import { COUNT_SECONDS } from '../waiting-time.js';
import { storeExport } from './store-export.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as CkmError;
const DAY = 86_400;
const expiresAt = TEST_TIME + 10 * DAY;
const NO_PROOF = { epoch: 0, exportId: new Uint8Array(32), recipient: new Uint8Array(32), yeses: [] };

/** Three servers with an exportable key, whose clock the test moves. */
async function exportable(policy = {}, more = {}) {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId, certificate } = await makeKey(callers, { exportable: true, policy, ...more });
  const epoch = verifyFirstEpoch(parseCertificate(certificate));
  return { clock, servers, callers, keyId, epoch, expiresAt };
}
type World = Awaited<ReturnType<typeof exportable>>;

async function pass({ clock, servers }: World, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= COUNT_SECONDS) {
    clock.now += COUNT_SECONDS;
    for (const { sessions } of servers) await sessions.sweep();
  }
}

const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

describe('exporting a key', () => {
  test('its owner has the key after every operator typed the six words and the delay passed, and every server says so ever after', async () => {
    const world = await exportable();
    const { servers, callers, keyId, epoch } = world;
    const order = orderOf(world);
    for (const slot of [1, 2, 3])
      expect(await propose(world, slot, order)).toMatchObject({ state: 'proposed' });
    for (const server of servers) await approve(server, order);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed', offer: null });
    await pass(world, DAY + 2 * COUNT_SECONDS);
    const yeses = await yesesOf(world, order, [1, 3]);
    const shares = [
      opened(order, await join(world, 1, order, yeses)),
      opened(order, await join(world, 3, order, yeses)),
    ];
    const scalar = reveal(combineShares(epoch, shares), 'compare a key of a test');
    const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
    expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(epoch.public.groupKey);
    const shown = await Promise.all(callers.map((caller) => caller.call('key.show', { keyId })));
    expect(shown.map(({ key }) => key.exportedAt !== undefined)).toEqual([true, false, true]);
    const { context } = servers[0]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    expect(lines.map(({ deed }) => deed)).toContain('key.exported');
    const accepted = lines.filter(({ deed }) => deed === 'session.accepted').map(({ detail }) => detail);
    expect(accepted.at(-1)).toBe('its operator had agreed, and 24 hours have passed');
    const alpha = await network.restart(servers[0]!);
    const again = await (await alpha.as(alice)).call('key.show', { keyId });
    expect(again.key.exportedAt).toBe(shown[0]!.key.exportedAt);
  });

  test('a server that gave no share has it in its log once it is shown the yeses, and nothing else convinces it', async () => {
    const world = await exportable(AT_ONCE);
    const { servers, callers, keyId } = world;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 3]);
    for (const slot of [1, 3]) await join(world, slot, order, yeses);
    const proofs = async () =>
      (await Promise.all(callers.map((one) => one.call('key.show', { keyId })))).map(
        (one) => one.exportProof,
      );
    const { exportId, recipient } = order.proposal;
    const proof = { epoch: 0, exportId, recipient, yeses: yeses.map((yes) => ({ ...yes })) };
    expect(await proofs()).toEqual([proof, undefined, proof]);
    const tell = (shown: object) =>
      callers[1]!.call('key.exported', { keyId, proof: { ...proof, ...shown } });
    const refused = [
      [{ exportId: random32() }, 'EXPORT_NOT_AGREED'],
      [{ recipient: random32() }, 'EXPORT_NOT_AGREED'],
      [{ yeses: [proof.yeses[0]!, { ...proof.yeses[1]!, slot: 2 }] }, 'EXPORT_NOT_AGREED'],
      [{ yeses: [proof.yeses[0]!] }, 'PARTY_COUNT_INVALID'],
      [{ yeses: [proof.yeses[0]!, proof.yeses[0]!] }, 'PARTY_DUPLICATE'],
      [{ epoch: 1 }, 'KEY_EPOCH_DIFFERS'],
    ] as const;
    for (const [shown, expected] of refused) await expect(tell(shown)).rejects.toThrow(code(expected));
    const logged = async () => {
      const { context } = servers[1]!;
      const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
      return lines.filter(({ deed }) => deed === 'key.exported');
    };
    expect([await logged(), (await proofs())[1]]).toEqual([[], undefined]);
    await tell({});
    await tell({});
    expect(await logged()).toMatchObject([
      {
        sentence: 'Shares of a key (ed25519) for message were given out to its owner by its other servers.',
        detail: 'epoch 0, agreed to by slots 1, 3',
      },
    ]);
    expect(await proofs()).toEqual([proof, proof, proof]);
    const { key } = await callers[1]!.call('key.show', { keyId });
    expect(key.exportedAt).toBeUndefined();
  });

  test('a key that may not leave is not marked by anybody', async () => {
    const world = await exportable(AT_ONCE, { exportable: false });
    const { exportId, recipient } = orderOf(world).proposal;
    const yeses = [1, 3].map((slot) => ({ slot, signature: new Uint8Array(64) }));
    const proof = { epoch: 0, exportId, recipient, yeses };
    await expect(world.callers[1]!.call('key.exported', { keyId: world.keyId, proof })).rejects.toThrow(
      code('KEY_NOT_EXPORTABLE'),
    );
  });

  test('an answer that was lost is given again, the same bytes', async () => {
    const world = await exportable(AT_ONCE);
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    const first = await join(world, 1, order, yeses);
    expect(await join(world, 1, order, yeses)).toEqual(first);
    expect(await propose(world, 1, order)).toEqual(first);
    await expect(join(world, 1, order, [...yeses, ...(await yesesOf(world, order, [3]))])).rejects.toThrow(
      code('SESSION_DIFFERS'),
    );
  });

  test('any device of the owner sees an export that goes on, with its six words, and cancels it', async () => {
    const world = await exportable();
    const { callers, keyId } = world;
    const order = orderOf(world);
    await propose(world, 1, order);
    const { key } = await callers[0]!.call('key.show', { keyId });
    const orderHash = hashExport(order.proposal, order.proposal);
    expect(key.exports).toEqual([
      { sessionId: order.sessionId, orderHash, asked: true, readyAt: TEST_TIME + DAY, expiresAt },
    ]);
    await callers[0]!.call('session.cancel', { sessionId: order.sessionId, reason: 'not I' });
    expect((await callers[0]!.call('key.list', { after: null })).keys[0]!.exports).toBeUndefined();
    await pass(world, DAY + 2 * COUNT_SECONDS);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'cancelled', offer: null });
  });
});

describe('a thief with the owner’s unlocked laptop', () => {
  test('gets nothing of a key that was not made to be exported', async () => {
    const world = await exportable(AT_ONCE, { exportable: false });
    await expect(propose(world, 1, orderOf(world))).rejects.toThrow(code('KEY_NOT_EXPORTABLE'));
  });

  test('gets nothing by time without the operator, nor by the operator without the time', async () => {
    const world = await exportable();
    const order = orderOf(world);
    for (const slot of [1, 2]) await propose(world, slot, order);
    await pass(world, 2 * DAY);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed', offer: null });
    const call = { sessionId: order.sessionId, parameters: new Uint8Array(64) };
    await expect(world.callers[0]!.call('session.join', call)).rejects.toThrow(code('SESSION_NOT_ACCEPTED'));
    // The time has passed by now: with the operator's yes it goes on.
    await approve(world.servers[0]!, order);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'accepted' });
  });

  test('waits for the delay where no operator is asked, and an operator’s no ends it', async () => {
    const world = await exportable({ changes: 'automatic', changeDelay: DAY });
    const order = orderOf(world);
    for (const slot of [1, 2]) await propose(world, slot, order);
    await expect(approve(world.servers[0]!, order)).rejects.toThrow(code('SESSION_NOT_WAITING'));
    await pass(world, DAY / 2);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed' });
    const { sessionDesk } = world.servers[0]!.sessions;
    await sessionDesk.reject((await sessionDesk.list()).sessions[0]!, 'the owner does not know of it');
    await pass(world, DAY);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'rejected', offer: null });
    expect(await propose(world, 2, order)).toMatchObject({ state: 'accepted' });
    const { context } = world.servers[1]!;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
    const accepted = lines.filter(({ deed }) => deed === 'session.accepted').map(({ detail }) => detail);
    expect(accepted.at(-1)).toBe('24 hours have passed, and its operator is not asked');
  });

  test('waits for an operator who is stricter than the key: he is asked about whatever it does', async () => {
    const { servers, callers } = await network.openMany(2, {
      settings: { policy: { approval: 'operator' } },
    });
    const { keyId, certificate } = await makeKey(callers, { exportable: true, policy: AT_ONCE });
    const epoch = verifyFirstEpoch(parseCertificate(certificate));
    const world = { clock: { now: TEST_TIME }, servers, callers, keyId, epoch, expiresAt };
    const order = orderOf(world);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed', offer: null });
    await approve(servers[0]!, order);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'accepted' });
  });

  test('waits as long as the settings of a server say, where the key says less', async () => {
    const { servers, callers } = await network.openMany(2, { settings: { policy: { changeDelay: DAY } } });
    const { keyId, certificate } = await makeKey(callers, { exportable: true, policy: AT_ONCE });
    const epoch = verifyFirstEpoch(parseCertificate(certificate));
    const world = { clock: { now: TEST_TIME }, servers, callers, keyId, epoch, expiresAt };
    await propose(world, 1, orderOf(world));
    const { key } = await callers[0]!.call('key.show', { keyId });
    expect(key.exports).toMatchObject([{ asked: false, readyAt: TEST_TIME + DAY }]);
  });

  test('is not approved by words of another export, which its owner ordered before', async () => {
    const world = await exportable();
    const [own, thiefs] = [orderOf(world), orderOf(world)];
    await propose(world, 1, thiefs);
    const words = formatWords(likenessOf(hashExport(own.proposal, own.proposal)));
    await expect(approve(world.servers[0]!, thiefs, words)).rejects.toThrow(code('SESSION_WORDS_WRONG'));
    await expect(approve(world.servers[0]!, thiefs, '')).rejects.toThrow(code('SESSION_WORDS_WRONG'));
  });

  test('gets no share by fewer yeses than the quorum, by one twice, by yeses to another recipient or id, or by his own signature', async () => {
    const world = await exportable(AT_ONCE);
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    const [alpha] = yeses as [ExportYes];
    await expect(join(world, 1, order, [alpha])).rejects.toThrow(code('PARTY_COUNT_INVALID'));
    await expect(join(world, 1, order, [alpha, alpha])).rejects.toThrow(code('PARTY_DUPLICATE'));
    const forged = { slot: 3 as PartyIndex, signature: ed25519.sign(random32(), random32()) };
    await expect(join(world, 1, order, [alpha, forged])).rejects.toThrow(code('EXPORT_NOT_AGREED'));
    for (const sessionId of [order.sessionId])
      await world.callers[1]!.call('session.cancel', { sessionId, reason: '' });
    const mixed = [
      { ...order, sessionId: random32(), proposal: { ...order.proposal, exportId: random32() } },
      { ...order, sessionId: random32(), proposal: { ...order.proposal, recipient: random32() } },
    ];
    for (const other of mixed) {
      const [bravo] = (await yesesOf(world, other, [2])) as [ExportYes];
      await expect(join(world, 1, order, [alpha, bravo])).rejects.toThrow(code('EXPORT_NOT_AGREED'));
      await expect(join(world, 2, other, yeses)).rejects.toThrow(code('EXPORT_NOT_AGREED'));
      await world.callers[1]!.call('session.cancel', { sessionId: other.sessionId, reason: '' });
    }
    const { key } = await world.callers[0]!.call('key.show', { keyId: world.keyId });
    expect(key.exportedAt).toBeUndefined();
  });

  test('has one export at a time, and its recipient is a key that something can be sealed to', async () => {
    const world = await exportable(AT_ONCE);
    const order = orderOf(world, { recipient: new Uint8Array(32) });
    const yeses = await yesesOf(world, order, [1, 2]);
    await expect(propose(world, 1, orderOf(world))).rejects.toThrow(code('EXPORT_OPEN'));
    await expect(join(world, 1, order, yeses)).rejects.toThrow(code('SEALING_KEY_INVALID'));
  });

  test('begins with nothing counted when he asks again after a cancel or a no, however often', async () => {
    const world = await exportable({ changes: 'automatic', changeDelay: DAY });
    const { callers, servers } = world;
    const { sessionDesk } = servers[0]!.sessions;
    for (let round = 0; round < 3; round++) {
      const order = orderOf(world);
      await propose(world, 1, order);
      await pass(world, (DAY * 2) / 3);
      expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed', offer: null });
      // Stopped by the owner, or by the operator, and asked for once more with the same proposal: it is over.
      if (round === 1) await sessionDesk.reject((await sessionDesk.list()).sessions[0]!, 'not known');
      else await callers[0]!.call('session.cancel', { sessionId: order.sessionId, reason: 'not I' });
      const again = await propose(world, 1, order);
      expect(again).toMatchObject({ state: round === 1 ? 'rejected' : 'cancelled', offer: null });
      const renamed = { ...order, sessionId: random32() };
      expect(await propose(world, 1, renamed)).toMatchObject({ state: 'proposed', offer: null });
      await pass(world, (DAY * 2) / 3);
      expect(await propose(world, 1, renamed)).toMatchObject({ state: 'proposed', offer: null });
      await callers[0]!.call('session.cancel', { sessionId: renamed.sessionId, reason: 'not I' });
    }
    const { key } = await callers[0]!.call('key.show', { keyId: world.keyId });
    expect([key.exportedAt, key.exports]).toEqual([undefined, undefined]);
  });

  test('gets nothing by servers of his own: the yes of one that is in no roster counts for nobody', async () => {
    const world = await exportable(AT_ONCE);
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1]);
    const { callers } = await network.openMany(2);
    const thiefs = await makeKey(callers, { exportable: true, policy: AT_ONCE, keyId: world.keyId });
    const epoch = verifyFirstEpoch(parseCertificate(thiefs.certificate));
    const own = { ...world, callers, keyId: thiefs.keyId, epoch };
    // The same recipient and export, of the thief's key at his servers.
    const copied = { ...orderOf(own), proposal: { ...order.proposal, keyId: thiefs.keyId } };
    const proposal = { ...copied.proposal, transcriptHash: epoch.transcriptHash };
    const [mine] = await yesesOf(own, { ...copied, proposal }, [2]);
    await expect(join(world, 1, order, [...yeses, mine!])).rejects.toThrow(code('EXPORT_NOT_AGREED'));
  });

  test('gets nothing with another account, of another epoch or of another certificate', async () => {
    const world = await exportable(AT_ONCE);
    const stranger = await world.servers[0]!.as(mallory);
    const { sessionId, proposal } = orderOf(world);
    await expect(stranger.call('session.propose', { sessionId, proposal, expiresAt })).rejects.toThrow(
      code('KEY_UNKNOWN'),
    );
    await expect(propose(world, 1, orderOf(world, { epoch: 1 }))).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
    await expect(propose(world, 1, orderOf(world, { transcriptHash: random32() }))).rejects.toThrow(
      code('CERTIFICATE_OF_ANOTHER_KEY'),
    );
  });
});

describe('no share leaves', () => {
  test('while its owner has frozen the key, not after a yes either, and the time stands still', async () => {
    const world = await exportable({ changes: 'automatic', changeDelay: DAY });
    const { callers, keyId } = world;
    const order = orderOf(world);
    for (const slot of [1, 2]) await propose(world, slot, order);
    const freeze = { keyId, id: random32(), from: world.clock.now, until: world.clock.now + 3 * DAY };
    await callers[0]!.call('key.freeze', freeze);
    await pass(world, DAY + 2 * COUNT_SECONDS);
    expect(await propose(world, 1, order)).toMatchObject({ state: 'proposed' });
    const [bravo] = (await yesesOf(world, order, [2])) as [ExportYes];
    await callers[1]!.call('key.freeze', { ...freeze, from: world.clock.now, id: random32() });
    await expect(join(world, 2, order, [bravo, bravo])).rejects.toThrow(code('POLICY_KEY_FROZEN'));
    await expect(propose(world, 1, orderOf(world))).rejects.toThrow(code('POLICY_KEY_FROZEN'));
  });

  test('from a server that was restored and does not know what became of the key', async () => {
    const world = await exportable(AT_ONCE);
    const { context } = world.servers[0]!;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    await context.storage.transact(async (transaction) => {
      const row = (await transaction.keys.hold(alice.xid, world.keyId))!;
      await noteMarks(context, transaction, row, { ...marksOf(openHead(context, row)), forgot: random32() });
    });
    await expect(join(world, 1, order, yeses)).rejects.toThrow(code('EXPORT_AFTER_RESTORE'));
    await expect(propose(world, 1, orderOf(world))).rejects.toThrow(code('EXPORT_AFTER_RESTORE'));
  });

  test('where that became so between the look at the yeses and the step that gives it out', async () => {
    const world = await exportable(AT_ONCE);
    const { keyId, epoch, servers } = world;
    const { context } = servers[0]!;
    const { transcriptHash } = epoch;
    const giveOut = () =>
      context.storage.transact((transaction) =>
        storeExport(
          context,
          transaction,
          { owner: alice.xid, keyId },
          { kind: 'give-out', epoch: 0, transcriptHash, proof: NO_PROOF },
        ),
      );
    const mark = (marks: Partial<KeyMarks>) =>
      context.storage.transact(async (transaction) => {
        const row = (await transaction.keys.hold(alice.xid, keyId))!;
        await noteMarks(context, transaction, row, { ...marksOf(openHead(context, row)), ...marks });
      });
    await mark({ forked: 1 });
    await expect(giveOut()).rejects.toThrow(code('KEY_FORKED'));
    const row = (await context.storage.read(({ keys }) => keys.find(alice.xid, keyId)))!;
    const { forked: _forked, ...marks } = marksOf(openHead(context, row));
    await context.storage.transact((transaction) => noteMarks(context, transaction, row, marks));
    await mark({ left: { epoch: 1, transcriptHash: random32() } });
    await expect(giveOut()).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
  });

  test('by yeses of an epoch that is over', async () => {
    const world = await exportable(AT_ONCE);
    const { callers, keyId } = world;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises);
    const yields = await change.yield(whole, change.locksOf(1, whole, locks));
    await change.commit(change.certify(1, whole, { promises, locks, yields }));
    await expect(join(world, 1, order, yeses)).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
  });

  test('by the old row of a session that was cancelled, put back: what opens its secrets is gone', async () => {
    const world = await exportable(AT_ONCE);
    const { context } = world.servers[0]!;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    const { sessionId } = order;
    const before = await context.storage.read(({ sessions }) => sessions.find(alice.xid, sessionId));
    await world.callers[0]!.call('session.cancel', { sessionId, reason: '' });
    await context.storage.transact(async ({ sessions }) => {
      await sessions.remove(alice.xid, sessionId);
      await sessions.insert(before!);
    });
    await expect(join(world, 1, order, yeses)).rejects.toThrow(code('EPOCH_KEY_MISSING'));
  });
});

describe('the next epoch of a key that was exported', () => {
  test('has that in its certificate: a courier who leaves it out is refused by the server that gave its share', async () => {
    const world = await exportable(AT_ONCE);
    const { callers, keyId } = world;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    await join(world, 1, order, yeses);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    await expect(change.move(1, promises)).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });

  test('has that also by the word of a server that gave no share, and was shown the yeses', async () => {
    const world = await exportable(AT_ONCE);
    const { callers, keyId } = world;
    const { proposal, ...order } = orderOf(world);
    const yeses = await yesesOf(world, { proposal, ...order }, [1, 3]);
    const { exportId, recipient } = proposal;
    await callers[1]!.call('key.exported', { keyId, proof: { epoch: 0, exportId, recipient, yeses } });
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    await expect(change.move(1, await change.promise(1))).rejects.toThrow(code('PARAMETERS_DIFFER'));
  });

  test('is remembered where the row of the key was put back to before it was exported', async () => {
    const world = await exportable(AT_ONCE);
    const { servers, callers, keyId } = world;
    const { context, dataDir } = servers[0]!;
    const before = (await context.storage.read(({ keys }) => keys.find(alice.xid, keyId)))!;
    const order = orderOf(world);
    const yeses = await yesesOf(world, order, [1, 2]);
    await join(world, 1, order, yeses);
    expect((await callers[0]!.call('key.show', { keyId })).key.exportedAt).toBe(TEST_TIME);
    await servers[0]!.stop();
    tamperWith(joinPath(dataDir, 'ckm.sqlite'), (database) => {
      const change = database.prepare('update keys set version = ?, sealed = ? where key_id = ?');
      expect(change.run(before.version, before.sealed, keyId).changes).toBe(1);
    });
    const alpha = await (await network.restart(servers[0]!)).as(alice);
    const { sessionId, proposal } = orderOf(world);
    await expect(alpha.call('session.propose', { sessionId, proposal, expiresAt })).rejects.toThrow(
      code('KEY_HEAD_UNKNOWN'),
    );
    expect((await alpha.call('key.head', { keyId, nonce: random32() })).asks).toHaveLength(32);
    expect((await alpha.call('key.show', { keyId })).key.exportedAt).toBe(TEST_TIME);
  });
});
