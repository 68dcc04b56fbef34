import { parseReceipt } from '@ckm/api';
import { StorageError } from '@ckm/foundation';
import { type CarriedChange, carryChange, completeChange, fetchChain, nextMember } from '@ckm/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hasRoot } from '../receiver-seeds.js';
import { marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import type { BareCaller, BareServer } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../../test/bare-servers.js';
import { createInterruptedStorage } from '../../test/faulty-storage.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

interface Member {
  readonly server: BareServer;
  readonly caller: BareCaller;
}
type Committed = Awaited<ReturnType<CarriedChange['commit']>>;

const callersOf = (members: readonly Member[]) => members.map(({ caller }) => caller);

function change(
  keyId: Uint8Array,
  old: readonly Member[],
  next: readonly Member[],
  dealers: readonly number[] = [1, 2],
): Promise<CarriedChange> {
  const named = next.map(({ server, caller }) => nextMember(server, caller));
  const more = { next: named, needed: 2, dealers };
  return carryChange({ servers: callersOf(old), keyId, expiresAt: SOON, ...more });
}

/** What servers of an epoch said when they went over to it. */
const acknowledgementsOf = (committed: Committed) =>
  committed.flatMap(({ acknowledgement }, i) =>
    acknowledgement === null ? [] : [{ slot: i + 1, signature: acknowledgement }],
  );

async function epochsHeld({ server: { context } }: Member): Promise<readonly number[]> {
  const rows = await context.storage.read(({ shares }) => shares.listAll(null, 10));
  for (const row of rows) expect(context.epochKeys.exists(row)).toBe(true);
  return rows.map(({ epoch }) => epoch);
}

async function committedBy(carried: CarriedChange): Promise<Uint8Array> {
  const certificate = await completeChange(carried);
  await carried.commit(certificate);
  return certificate;
}

/** A change that one old member has nothing to do with; nobody joins by it. */
async function completeWithout(carried: CarriedChange, silent: number): Promise<Uint8Array> {
  const asked = carried.before.params.roster.map(({ slot }) => slot).filter((slot) => slot !== silent);
  const { order, everybody } = carried;
  for (const one of everybody.filter((_, i) => i !== silent - 1)) {
    const { policy } = await one.call('key.show', { keyId: order.keyId });
    await one.call('change.propose', { order, chain: [], policy });
  }
  const promises = await carried.promise(1, asked);
  const whole = await carried.move(1, promises);
  const locks = await carried.lock(1, whole, promises, asked);
  const yields = await carried.yield(whole, carried.locksOf(1, whole, locks), asked);
  return carried.certify(1, whole, { promises, locks, yields });
}

/**
 * Alpha, bravo, charlie and delta hold a key. Delta is left out by a change, in which charlie dies before it acknowledged; the next change
 * leaves charlie out too, and is acknowledged by alpha and bravo.
 */
async function oneDiesBetween() {
  const { servers, callers } = await network.openMany(4);
  const members = servers.map((server, i): Member => ({ server, caller: callers[i]! }));
  const [alpha, bravo, charlie, delta] = members as [Member, Member, Member, Member];
  const { keyId } = await makeKey(callers, { policy: AT_ONCE, needed: 2 });
  const first = await change(keyId, members, [alpha, bravo, charlie]);
  const certificate = await completeChange(first);
  const committed = [];
  const acknowledgements = await first.acknowledge(certificate, [1, 2]);
  for (const { caller } of [alpha, bravo, delta])
    committed.push(await caller.call('change.commit', { keyId, certificate, acknowledgements }));
  const second = await change(keyId, [alpha, bravo, charlie], [alpha, bravo]);
  const last = await completeWithout(second, 3);
  const shown = { keyId, certificate: last, acknowledgements: await second.acknowledge(last) };
  const ended: Committed = [
    await alpha.caller.call('change.commit', shown),
    await bravo.caller.call('change.commit', shown),
  ];
  return { keyId, alpha, bravo, charlie, delta, committed, ended };
}

describe('a server that dies before it acknowledged', () => {
  test('keeps no share alive: what ends a later epoch ends all before it, and each is told of by a receipt', async () => {
    const { keyId, alpha, bravo, committed, ended } = await oneDiesBetween();
    expect(await epochsHeld(alpha)).toEqual([0, 1, 2]);
    const two = acknowledgementsOf(committed.slice(0, 2));
    const retire = (more: object) =>
      alpha.caller.call('change.retire', { keyId, epoch: 0, acknowledgements: two, ...more });
    await expect(retire({})).rejects.toThrow(code('ACKNOWLEDGEMENTS_TOO_FEW'));
    // Promises of another epoch, or an epoch that is not behind the one to be forgotten, end nothing.
    await expect(retire({ acknowledged: 2 })).rejects.toThrow(code('ACKNOWLEDGEMENTS_TOO_FEW'));
    await expect(retire({ acknowledged: 0 })).rejects.toThrow(code('EPOCH_IN_USE'));
    await expect(retire({ acknowledged: 3 })).rejects.toThrow(code('EPOCH_IN_USE'));
    expect(await epochsHeld(alpha)).toEqual([0, 1, 2]);
    const acknowledgements = acknowledgementsOf(ended);
    const { receipt } = await retire({ acknowledged: 2, acknowledgements });
    expect(parseReceipt(receipt)).toMatchObject({ keyId, epoch: 0, slot: 1, shareDeleted: true });
    expect(await epochsHeld(alpha)).toEqual([1, 2]);
    await bravo.caller.call('change.retire', { keyId, epoch: 1, acknowledgements });
    expect(await epochsHeld(bravo)).toEqual([2]);
    const again = await bravo.caller.call('change.retire', { keyId, epoch: 0, acknowledgements: [] });
    expect(parseReceipt(again.receipt)).toMatchObject({ epoch: 0, slot: 2, shareDeleted: true });
    const lines = await bravo.server.context.storage.read((reader) =>
      bravo.server.context.audit.list(reader, 1, 100),
    );
    expect(lines.filter(({ deed }) => deed === 'change.retire').map(({ detail }) => detail)).toEqual([
      'by what ended epoch 1',
      'slot 2',
    ]);
  });

  test('keeps none alive at a server that had left by then: it is shown the certificates of what came after', async () => {
    const { keyId, alpha, delta, ended } = await oneDiesBetween();
    expect(await epochsHeld(delta)).toEqual([0]);
    const acknowledgements = acknowledgementsOf(ended);
    const chain = await fetchChain(alpha.caller, keyId);
    const retire = (certificates: Uint8Array[]) =>
      delta.caller.call('change.retire', {
        keyId,
        epoch: 0,
        acknowledgements,
        acknowledged: 2,
        certificates,
      });
    await expect(retire([])).rejects.toThrow(code('EPOCH_IN_USE'));
    const forged = chain[2]!.slice();
    forged[forged.length - 1]! ^= 1;
    await expect(retire([forged])).rejects.toThrow();
    expect(await epochsHeld(delta)).toEqual([0]);
    const { receipt } = await retire(chain.slice(2));
    expect(parseReceipt(receipt)).toMatchObject({ epoch: 0, slot: 4, shareDeleted: true });
    expect(await epochsHeld(delta)).toEqual([]);
    const { key } = await delta.caller.call('key.show', { keyId });
    expect(key.left).toBe(1);
  });
});

test('the client that made a change is not needed: whoever shows the certificate again is given the same promises', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  const carried = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  await carried.commit(await completeChange(carried));
  const other = await Promise.all(servers.map((server) => server.as(alice)));
  const certificate = (await fetchChain(other[0]!, keyId)).at(-1)!;
  const promised: Committed = [
    await other[0]!.call('change.commit', { keyId, certificate }),
    await other[1]!.call('change.commit', { keyId, certificate }),
  ];
  const acknowledgements = acknowledgementsOf(promised);
  for (const caller of other) {
    const { receipt } = await caller.call('change.retire', { keyId, epoch: 0, acknowledgements });
    expect(parseReceipt(receipt).shareDeleted).toBe(true);
  }
});

test('a server that joined keeps what opens its share by another certificate until all have acknowledged', async () => {
  const { servers, callers } = await network.openMany(3);
  const [alpha, bravo, charlie] = servers.map((server, i) => ({ server, caller: callers[i]! })) as [
    Member,
    Member,
    Member,
  ];
  const { keyId } = await makeKey(callers.slice(0, 2), { policy: AT_ONCE });
  const carried = await change(keyId, [alpha, bravo], [alpha, charlie]);
  const acknowledgements = await carried.acknowledge(await committedBy(carried), [1, 2]);
  const { context } = charlie.server;
  const root = { owner: alice.xid, keyId, epoch: 0 };
  const retire = (shown: typeof acknowledgements) =>
    charlie.caller.call('change.retire', { keyId, epoch: 0, acknowledgements: shown });
  for (const few of [[], acknowledgements.slice(0, 1)])
    await expect(retire(few)).rejects.toThrow(code('ACKNOWLEDGEMENTS_TOO_FEW'));
  expect(hasRoot(context, root)).toBe(true);
  const { receipt } = await retire(acknowledgements);
  expect(parseReceipt(receipt)).toMatchObject({ epoch: 0, slot: null });
  expect(hasRoot(context, root)).toBe(false);
  const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 100));
  expect(lines.filter(({ deed }) => deed === 'change.retire').map(({ detail }) => detail)).toEqual([
    'no share of it is stored here',
  ]);
});

test('nothing goes where a fork comes to light while its end is checked', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  const carried = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  const acknowledgements = await carried.acknowledge(await committedBy(carried), [1, 2]);
  const storage = createInterruptedStorage();
  const server = await network.restart(servers[0]!, { wrap: storage.wrap });
  const caller = await server.as(alice);
  const { context } = server;
  storage.arm(3, () =>
    context.storage.transact(async (transaction) => {
      const row = await transaction.keys.hold(alice.xid, keyId);
      const marks = { ...marksOf(openHead(context, row!)), forked: 1 };
      await noteMarks(context, transaction, row!, marks);
    }),
  );
  await expect(caller.call('change.retire', { keyId, epoch: 0, acknowledgements })).rejects.toThrow(
    code('KEY_FORKED'),
  );
  expect(storage.hasHappened()).toBe(true);
  expect(await epochsHeld({ server, caller })).toEqual([0, 1]);
});

test('B7: what a failing disk leaves of several epochs that are retired at once goes when it is said again', async () => {
  const { servers, callers } = await network.openMany(3);
  const [alpha, bravo, charlie] = servers.map((server, i) => ({ server, caller: callers[i]! })) as [
    Member,
    Member,
    Member,
  ];
  const { keyId } = await makeKey(callers.slice(0, 2), { policy: AT_ONCE });
  let committed: Committed = [];
  let old = [alpha, bravo];
  for (const next of [
    [alpha, charlie],
    [alpha, bravo],
    [alpha, charlie],
  ]) {
    const carried = await change(keyId, old, next);
    committed = (await carried.commit(await completeChange(carried))).filter((_, i) => i !== 1);
    old = next;
  }
  const { server, caller } = alpha;
  const { epochKeys } = server.context;
  const asked = { keyId, epoch: 2, acknowledgements: acknowledgementsOf(committed) };
  const fails = vi.spyOn(epochKeys, 'destroy').mockImplementation(() => {
    throw new StorageError('the disk fails', { code: 'STORAGE_FAILED', hint: 'look at the disk' });
  });
  await expect(caller.call('change.retire', asked)).rejects.toThrow(code('STORAGE_FAILED'));
  fails.mockRestore();
  const left = () => [0, 1, 2].filter((epoch) => epochKeys.exists({ owner: alice.xid, keyId, epoch }));
  expect(left()).toEqual([0, 1, 2]);
  const { receipt } = await caller.call('change.retire', asked);
  expect(parseReceipt(receipt)).toMatchObject({ epoch: 2, shareDeleted: true });
  expect(left()).toEqual([]);
  expect(epochKeys.exists({ owner: alice.xid, keyId, epoch: 3 })).toBe(true);
});
