// @module-tag long
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carryChange, completeChange, fetchChain, nextMember, preparing } from '@ckm/testkit';
import { formatWords, likenessOf } from '@ckm/gordian';
import {
  encodeVotes,
  judgeVotes,
  NO_RECALL,
  parseCertificate,
  parseChangeCertificate,
  parseStatement,
  type PartyIndex,
  type Signed,
  type Statement,
  verifyChain,
} from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { destroyRoot } from '../receiver-seeds.js';
import { readForked, writeForked } from './forked-key.js';
import { signSettling } from './settle-votes.js';
import { marksOf, openHead } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, SOON } from '../../test/bare-servers.js';
import { createInterruptedStorage } from '../../test/faulty-storage.js';
import { forkApart, type ForkedServers, forkKey, type ForkOptions } from '../../test/fork.js';
import { loseDatabase } from '../../test/lost-database.js';
import { keepRows, putRowsBack } from '../../test/kept-rows.js';
import { createRepairCourier } from '../../test/repair-courier.js';
import { carrySettling } from '../../test/settle-courier.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const scope = (keyId: Uint8Array, epoch: number) => ({ owner: alice.xid, keyId, epoch });
const shown = async (caller: BareCaller, keyId: Uint8Array) => (await caller.call('key.show', { keyId })).key;
const commit = (caller: BareCaller, keyId: Uint8Array, certificate: Uint8Array) =>
  caller.call('change.commit', { keyId, certificate });

/** The one is settled on by alpha and bravo, told to all of the first three, and they go over. */
async function settled(found: ForkedServers) {
  const { callers, keyId, one, other } = found;
  const members = callers.slice(0, 3);
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  const votes = await settling.settle([1, 2]);
  for (const caller of members) {
    await settling.end(caller, votes);
    await commit(caller, keyId, one);
  }
  return { members, settling, votes };
}

async function marked({ context }: BareServer, keyId: Uint8Array, marks: object): Promise<void> {
  await context.storage.transact(async (transaction) => {
    const row = await transaction.keys.hold(alice.xid, keyId);
    await noteMarks(context, transaction, row!, { ...marksOf(openHead(context, row!)), ...marks });
  });
}

describe('a server whose share of the settled epoch is gone', () => {
  /** Delta joined by the one. Bravo went over by the other, and destroyed what the one would have needed. */
  async function withoutShare() {
    const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [1, 2, 3] });
    const { servers, callers, keyId, one, other, goOver } = found;
    const [alpha, bravo, charlie, delta] = callers as BareCaller[] as [
      BareCaller,
      BareCaller,
      BareCaller,
      BareCaller,
    ];
    for (const caller of [alpha, charlie, delta]) await goOver(caller, one);
    await goOver(bravo, other);
    servers[1]!.context.epochKeys.destroy(scope(keyId, 0));
    await retired(servers[1]!, scope(keyId, 0));
    const members = [alpha, bravo, charlie];
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const chain = [...(await fetchChain(alpha, keyId)).slice(0, 1), one];
    const { policy } = await alpha.call('key.show', { keyId });
    const repair = (by: readonly Uint8Array[] = chain) =>
      createRepairCourier({
        servers,
        callers,
        made: found.made,
        policy,
        target: 2,
        helpers: [1, 4],
        chain: by,
      });
    return { ...found, alpha, bravo, charlie, delta, settling, chain, repair };
  }

  /** As after `change.retire` on the other side. */
  async function retired({ context }: BareServer, { owner, keyId, epoch }: ReturnType<typeof scope>) {
    destroyRoot(context, { owner, keyId, epoch });
    await context.storage.transact(({ shares }) => shares.remove(owner, keyId, epoch));
  }

  test('has it repaired by the others, answers again and goes on; not before it is told what was settled, nor by another chain', async () => {
    const { servers, callers, made, keyId, one, other, ...found } = await withoutShare();
    const { alpha, bravo, charlie, delta, settling, chain, repair } = found;
    await expect(commit(bravo, keyId, one)).rejects.toThrow(code('KEY_FORKED'));
    await expect(repair().proposeToTarget()).rejects.toThrow(code('KEY_FORKED'));
    const ofBravo = await settling.propose(bravo);
    expect(ofBravo.acknowledgement).toBe(null);
    const votes = await settling.settle([1, 2], [{ slot: 4, at: delta }]);
    for (const caller of [bravo, alpha, charlie, delta]) await settling.end(caller, votes);
    await expect(commit(bravo, keyId, one)).rejects.toThrow(code('CHANGE_SHARE_LOST'));
    await expect(repair([chain[0]!, other]).proposeToTarget()).rejects.toThrow(code('CHANGE_SETTLED'));

    const courier = repair();
    await courier.begin();
    await courier.finish();
    expect((await shown(bravo, keyId)).forked).toBeUndefined();
    const { before } = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await signIn(callers, made, before.public, { epoch: 1, signers: [2, 4] });
    await expect(commit(bravo, keyId, other)).rejects.toThrow(code('CHANGE_SETTLED'));

    // And takes part in what follows: here without charlie, who signed twice.
    const staying = [0, 1, 3];
    const next = await carryChange({
      servers: callers,
      keyId,
      expiresAt: SOON,
      needed: 2,
      dealers: [1, 4],
      next: staying.map((place) => nextMember(servers[place]!, callers[place]!)),
    });
    const deciding = [1, 3, 4];
    await next.propose();
    const promises = await next.promise(1, deciding);
    const whole = await next.move(1, promises);
    const locks = await next.lock(1, whole, promises, deciding);
    const yields = await next.yield(whole, next.locksOf(1, whole, locks), deciding);
    await next.commit(next.certify(1, whole, { promises, locks, yields }));
    const members = staying.map((place) => callers[place]!);
    const after = await carryChange({ servers: members, keyId, expiresAt: SOON });
    await signIn(members, made, after.before.public, { epoch: 2, signers: [1, 2] });
  });

  test('is healed by what was settled where a repair had left it stopped', async () => {
    const { servers, keyId, one, ...found } = await withoutShare();
    const { alpha, bravo, delta, settling, repair } = found;
    const votes = await settling.settle([1, 2], [{ slot: 4, at: delta }]);
    for (const caller of [bravo, alpha, delta]) await settling.end(caller, votes);
    const courier = repair();
    await courier.begin();
    await courier.finish();
    await marked(servers[1]!, keyId, {
      forked: 1,
      settling: (await versionOf(servers[1]!, keyId, 0)) ?? 0,
      counts: settling.next,
    });
    await settling.end(bravo, votes);
    expect((await shown(bravo, keyId)).forked).toBeUndefined();
    expect((await commit(bravo, keyId, one)).isEntered).toBe(true);
  });

  /** Alpha and bravo went over by the other, and keep nothing that opens a share of the one, by which charlie and delta went over. */
  async function twoWithoutShares(now: () => number = () => TEST_TIME) {
    const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [0, 1, 2, 3], now });
    const { servers, callers, made, keyId, one, other, goOver } = found;
    const at = (place: number) => callers[place]!;
    for (const place of [2, 3]) await goOver(at(place), one);
    for (const place of [0, 1]) await goOver(at(place), other);
    const members = [at(0), at(1), at(2)];
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2], [{ slot: 4, at: at(3) }]);
    for (const place of [0, 1]) {
      servers[place]!.context.epochKeys.destroy(scope(keyId, 0));
      await retired(servers[place]!, scope(keyId, 0));
    }
    const chain = [(await fetchChain(at(0), keyId))[0]!, one];
    const { policy } = await at(0).call('key.show', { keyId });
    const repair = async (target: number) => {
      const lost = { servers, callers, made, policy, target, helpers: [3, 4], chain };
      const courier = createRepairCourier(lost);
      await courier.begin();
      await courier.finish();
    };
    const tell = async () => {
      for (const place of [0, 1, 2, 3]) await settling.end(at(place), votes);
      for (const place of [0, 1])
        await expect(commit(at(place), keyId, one)).rejects.toThrow(code('CHANGE_SHARE_LOST'));
    };
    return { ...found, at, tell, repair };
  }

  test('forgets nothing where it was never in the epoch that counts: two of four are repaired, and the key is changed again', async () => {
    const { servers, callers, made, keyId, at, tell, repair } = await twoWithoutShares();
    await tell();
    await repair(1);
    await repair(2);
    for (const place of [0, 1]) {
      expect((await shown(at(place), keyId)).hasForgotten).toBeUndefined();
      expect((await at(place).call('key.show', { keyId })).cannotDeal).toBe(true);
      const head = await headOf(servers[place]!, keyId);
      expect([head.neverIn, head.counts, head.forked]).toEqual([undefined, undefined, undefined]);
    }

    const wish = { needed: 3, dealers: [3, 4] };
    const next = await carryChange({ servers: callers, keyId, expiresAt: SOON, ...wish });
    await next.commit(await completeChange(next, 1, [1, 3, 4]));
    const after = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await signIn(callers, made, after.before.public, { epoch: 2, signers: [1, 2, 4] });
  });

  test.each(['forgot', 'lapse'] as const)(
    'forgets as every other where it had lost its memory in between (%s)',
    async (mark) => {
      const { servers, keyId, at, tell, repair } = await twoWithoutShares();
      await marked(servers[1]!, keyId, { [mark]: new Uint8Array(32).fill(9) });
      await tell();
      expect((await headOf(servers[1]!, keyId)).neverIn).toBeUndefined();
      await repair(2);
      expect((await shown(at(1), keyId)).hasForgotten).toBe(true);
    },
  );

  test('forgets where its rows went back while it waited', async () => {
    const { servers, keyId, at, tell, repair } = await twoWithoutShares();
    await tell();
    expect((await headOf(servers[1]!, keyId)).neverIn).toBe(true);
    await servers[1]!.sessions.voidOpen('the database is an older one');
    await repair(2);
    expect((await shown(at(1), keyId)).hasForgotten).toBe(true);
  });

  test('forgets where its rows of that time are put back after it has voted in the epoch that counts, however often the key is frozen in between', async () => {
    let now = TEST_TIME;
    const { servers, callers, keyId, at, tell, repair } = await twoWithoutShares(() => now);
    await tell();
    const kept = await keepRows(network, { servers, callers }, 1, keyId);
    await repair(2);
    const wish = { needed: 3, dealers: [3, 4] };
    const next = await carryChange({ servers: callers.slice(1), keyId, expiresAt: SOON, ...wish });
    const { policy } = await at(2).call('key.show', { keyId });
    const propose = () => at(1).call('change.propose', { order: next.order, chain: [], policy });
    const { epoch } = next.order;
    const promise = (attempt: number) => {
      const said = { keyId, epoch, orderHash: next.orderHash, attempt, shown: [], recall: null, locked: [] };
      return at(1).call('change.promise', said);
    };
    expect((await propose()).forgot).toBe(null);
    await promise(1);
    await putRowsBack(network, { servers, callers }, 1, keyId, kept);
    for (let time = 1; time <= 6; time++) {
      const id = new Uint8Array(32).fill(time);
      await at(1).call('key.freeze', { keyId, id, from: now, until: now + 10 });
      now += 11;
    }
    await repair(2);
    expect((await shown(at(1), keyId)).hasForgotten).toBe(true);
    expect((await propose()).forgot).toHaveLength(32);
    const refused = expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason: 'forgot' } }) as Error;
    await expect(promise(1)).rejects.toThrow(refused);
  });

  test('forgets where it signed twice: another machine of it may have been there', async () => {
    const found = await forkKey(network);
    const { servers, callers, keyId, one, other, goOver } = found;
    const members = callers.slice(0, 3);
    for (const caller of members.slice(0, 2)) await goOver(caller, one);
    await goOver(members[2]!, other);
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2]);
    for (const caller of members) await settling.end(caller, votes);
    const head = await headOf(servers[2]!, keyId);
    expect([head.counts, head.neverIn]).toEqual([settling.next, undefined]);
  });

  async function headOf({ context }: BareServer, keyId: Uint8Array) {
    const row = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
    return openHead(context, row!);
  }

  async function versionOf({ context }: BareServer, keyId: Uint8Array, epoch: number) {
    const row = await context.storage.read(({ changes }) => changes.find(alice.xid, keyId, epoch));
    return row?.version;
  }
});

describe('a certificate of an epoch that is over', () => {
  test('stops nothing at servers that joined since, with a settlement and without, and its order waits as every other', async () => {
    const found = await forkApart(network);
    const { callers, made, keyId, one, other } = found;
    const { members } = await settled(found);
    const [alpha, bravo] = members;
    const delta = callers[3]!;
    const joined = [0, 1, 3];
    const next = await carryChange({
      servers: members,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: joined.map((place) => nextMember(found.servers[place]!, found.callers[place]!)),
    });
    await next.commit(await completeChange(next));
    const now = [alpha!, bravo!, delta];
    const { before } = await carryChange({ servers: now, keyId, expiresAt: SOON });
    await expect(commit(delta, keyId, other)).rejects.toThrow(
      expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 1, slots: '3' } }),
    );
    // It is kept, and its operator told; said again, it changes nothing.
    await expect(commit(delta, keyId, other)).rejects.toThrow(code('CHANGE_SETTLED'));
    await signIn(now, made, before.public, { epoch: 2, signers: [1, 3] });
    expect((await shown(delta, keyId)).forked).toBeUndefined();

    // An order to settle it after all is shown, and stops nothing; whoever gave it, it is taken back.
    const asked = { keyId, epoch: 0, certificates: [other, one], acknowledgements: [] };
    const { orderHash, state } = await delta.call('fork.settle', asked);
    expect(state).toBe('ready');
    expect((await shown(delta, keyId)).settlement).toMatchObject({ epoch: 0, orderHash, state: 'ready' });
    expect((await delta.call('fork.show', { keyId })).certificates).toHaveLength(2);
    await signIn(now, made, before.public, { epoch: 2, signers: [2, 3] });
    await delta.call('fork.cancel', { keyId, epoch: 0, orderHash });
    expect((await shown(delta, keyId)).settlement).toBeUndefined();
    expect((await delta.call('fork.settle', asked)).state).toBe('over');
    await expect(alpha!.call('fork.settle', asked)).rejects.toThrow(code('CHANGE_SETTLED'));
  });

  test('that nobody has settled on stops nothing either, until a server that is asked votes; then it answers again when that is done', async () => {
    const found = await forkKey(network);
    const { callers, made, keyId, one, other, goOver } = found;
    const members = callers.slice(0, 3);
    const [alpha, bravo] = members;
    for (const caller of members) await goOver(caller, one);
    // Without charlie.
    const next = await carryChange({
      servers: members,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: [0, 1].map((place) => nextMember(found.servers[place]!, found.callers[place]!)),
    });
    await next.retire(await next.commit(await completeChange(next)));
    await expect(commit(alpha!, keyId, other)).rejects.toThrow(code('CHANGE_SETTLED'));
    const two = members.slice(0, 2);
    const { before } = await carryChange({ servers: two, keyId, expiresAt: SOON });
    await signIn(two, made, before.public, { epoch: 2, signers: [1, 2] });
    // By another certificate nobody has a share: its order comes to nothing, and stops nothing.
    const against = await carrySettling({ members, keyId, certificates: [other, one] });
    await expect(against.settle([1, 2])).rejects.toThrow(code('CHANGE_REFUSED'));
    await signIn(two, made, before.public, { epoch: 2, signers: [1, 2] });

    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2]);
    expect((await shown(alpha!, keyId)).forked).toBe(1);
    for (const caller of members) expect(await settling.end(caller, votes)).toBe(false);
    expect((await shown(alpha!, keyId)).forked).toBeUndefined();
    expect((await shown(bravo!, keyId)).settlement).toBeUndefined();
    await signIn(two, made, before.public, { epoch: 2, signers: [1, 2] });
  });
});

describe('an earlier fork comes before a later one', () => {
  test('a server in a dead branch that is forked again comes back by the settlement of the first, and what it was ordered there is gone', async () => {
    const { servers, callers, made, keyId, one, other } = await forkApart(network);
    const members = callers.slice(0, 3);
    const [alpha, bravo, charlie] = members;
    // An order behind the dead epoch, and a second fork of it.
    const { params, transcriptHash } = await newestAt(bravo!, keyId);
    const roster = params.roster.map(({ serverId, identityKey }) => ({ serverId, identityKey }));
    const quorum = { ...params.quorum };
    const order = { keyId, epoch: 1, transcriptHash, quorum, roster, termsVersion: 0 };
    const { policy } = await bravo!.call('key.show', { keyId });
    await bravo!.call('change.propose', { order, chain: [], policy });
    const change = (await rowOf(servers[1]!, keyId, 1))?.version;
    const behindIt = [{ epoch: 3, name: new Uint8Array(32).fill(7) }];
    const forkedAgain = { forked: 2, ...(change === undefined ? {} : { settling: change }) };
    await marked(servers[1]!, keyId, { ...forkedAgain, settledOn: behindIt });
    await marked(servers[0]!, keyId, { forked: 2 });

    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2]);
    expect(await settling.end(bravo!, votes)).toBe(true);
    for (const caller of [alpha!, charlie!]) expect(await settling.end(caller, votes)).toBe(false);
    expect(await rowOf(servers[1]!, keyId, 1)).toBe(null);
    expect((await commit(bravo!, keyId, one)).isEntered).toBe(true);
    // What was settled behind the dead certificate says nothing of the epochs of those numbers that count.
    expect(await settledOnAt(servers[1]!, keyId)).toEqual([{ epoch: 1, name: settling.next }]);
    const { before } = await carryChange({ servers: [bravo!, alpha!, charlie!], keyId, expiresAt: SOON });
    await signIn(members, made, before.public, { epoch: 1, signers: [2, 3] });
    const refresh = await carryChange({ servers: members, keyId, expiresAt: SOON });
    await refresh.propose();
  });

  test('what is settled of the first leaves a server stopped by a second, which it cannot know to be over', async () => {
    const { servers, callers, keyId, one, other } = await forkApart(network);
    const members = callers.slice(0, 3);
    const settling = await carrySettling({ members, keyId, certificates: [one, other] });
    const votes = await settling.settle([1, 2]);
    await marked(servers[2]!, keyId, { forked: 2 });
    expect(await settling.end(members[2]!, votes)).toBe(false);
    expect((await shown(members[2]!, keyId)).forked).toBe(2);
  });

  async function settledOnAt({ context }: BareServer, keyId: Uint8Array) {
    const row = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
    return openHead(context, row!).settledOn;
  }

  async function rowOf({ context }: BareServer, keyId: Uint8Array, epoch: number) {
    return context.storage.read(({ changes }) => changes.find(alice.xid, keyId, epoch));
  }

  async function newestAt(caller: BareCaller, keyId: Uint8Array) {
    const [first, ...changes] = await fetchChain(caller, keyId);
    return verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes).at(-1)!;
  }
});

test('an operator’s no to one choice stays a no when the other is ordered in between, and every client of the owner sees what waits', async () => {
  const { servers, callers, keyId, one, other } = await forkApart(network, {
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  const members = callers.slice(0, 3);
  const bravo = members[1]!;
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  const against = await carrySettling({ members, keyId, certificates: [other, one] });
  const first = await settling.propose(bravo);
  const seen = { epoch: 0, orderHash: first.orderHash, counts: settling.next, others: [against.next] };
  const waits = { ...seen, state: 'ready', readyAt: null, asked: false };
  expect((await shown(bravo, keyId)).settlement).toEqual(waits);
  const again = await servers[1]!.as(alice);
  const { keys } = await again.call('key.list', { after: null });
  expect(keys.map(({ settlement }) => settlement)).toEqual([waits]);
  const desk = servers[1]!.sessions.changeDesk;
  const [waiting] = (await desk.list()).changes;
  expect(waiting!.dead).toHaveLength(1);
  await desk.reject(waiting!, 'charlie’s disk was copied');
  expect((await shown(bravo, keyId)).settlement).toBeUndefined();
  expect(await against.propose(bravo)).toMatchObject({ state: 'ready' });
  const refused = { state: 'over', reason: 'charlie’s disk was copied' };
  expect(await settling.propose(bravo)).toMatchObject(refused);
  // What it did not take the place of goes on as it was.
  expect((await shown(bravo, keyId)).settlement).toMatchObject({ counts: against.next });
  await settling.propose(members[0]!);
  await expect(bravo.call('fork.cancel', { keyId, epoch: 0, orderHash: first.orderHash })).rejects.toThrow(
    code('CHANGE_UNKNOWN'),
  );
});

test('a server that goes over while it is told of the settlement once more keeps its share, wherever the two meet', async () => {
  const found = await forkApart(network);
  const { servers, callers, made, keyId, one, other } = found;
  const members = callers.slice(0, 3);
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  const votes = await settling.settle([1, 2]);
  // Bravo went on by the other: it is in the epoch before once more.
  expect(await settling.end(members[1]!, votes)).toBe(true);
  const { dataDir } = servers[1]!;
  await servers[1]!.stop();
  const [alpha, , charlie] = members;
  for (const nth of [2, 3, 4]) {
    const storage = createInterruptedStorage();
    const copy = mkdtempSync(join(tmpdir(), 'ckm-race-'));
    cpSync(dataDir, copy, { recursive: true });
    const secrets = { seed: new Uint8Array(32).fill(2), storageKey: new Uint8Array(32).fill(102) };
    const server = await network.open({ name: 'bravo', dataDir: copy, wrap: storage.wrap, ...secrets });
    const bravo = await server.as(alice);
    const raced = [alpha!, bravo, charlie!];
    const told = await carrySettling({ members: raced, keyId, certificates: [one, other] });
    storage.arm(nth, () => commit(bravo, keyId, one));
    await told.end(bravo, votes);
    if (nth === 2) expect(storage.hasHappened()).toBe(true);
    await commit(bravo, keyId, one);
    await settling.end(alpha!, votes);
    const { before } = await carryChange({ servers: raced, keyId, expiresAt: SOON });
    await signIn(raced, made, before.public, { epoch: 1, signers: [1, 2] });
  }
});

/** That the other one counts, as alpha and bravo may sign it once they are somebody else's. */
async function settledAgainst({ servers, keyId, one, other }: ForkedServers, members: readonly BareCaller[]) {
  const against = await carrySettling({ members, keyId, certificates: [other, one] });
  const orderHash = parseChangeCertificate(other).change.order;
  const { previous } = parseChangeCertificate(one).change.next;
  const say = (slot: number, statement: object): Signed<Statement> => {
    const whole = { slot: slot as PartyIndex, attempt: 1, mayFork: false, ...statement } as Statement;
    const { context } = servers[slot - 1]!;
    return parseStatement(signSettling(context, { keyId, epoch: 0 }, previous, whole)) as Signed<Statement>;
  };
  const each = (statement: object) => [1, 2].map((slot) => say(slot, statement)) as never[];
  const votes = encodeVotes({
    attempt: 1,
    next: against.next,
    promises: each({ kind: 'promise', orderHash, highest: null, recall: NO_RECALL }),
    locks: each({ kind: 'lock', next: against.next }),
    yields: each({ kind: 'yield', next: against.next }),
  });
  return { against, votes };
}

test('a second settlement that differs destroys nothing, however many were lied to', async () => {
  const found = await forkApart(network);
  const { made, keyId } = found;
  const { members, settling } = await settled(found);
  const { against, votes } = await settledAgainst(found, members);
  for (const caller of members)
    await expect(against.end(caller, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
  const { before } = await carryChange({ servers: members, keyId, expiresAt: SOON });
  expect(before.transcriptHash).toEqual(settling.next);
  await signIn(members, made, before.public, { epoch: 1, signers: [1, 2] });
});

test('nor where what was settled is known by what came back with a backup alone', async () => {
  const found = await forkApart(network);
  const { servers, made, keyId, other } = found;
  const { members, settling } = await settled(found);
  for (const { context } of servers.slice(0, 3))
    await context.storage.transact(({ changes }) => changes.remove(alice.xid, keyId, 0));
  const { against, votes } = await settledAgainst(found, members);
  for (const caller of members) {
    await expect(against.end(caller, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
    await expect(commit(caller, keyId, other)).rejects.toThrow(code('CHANGE_SETTLED'));
    // Nor does an order to settle it once more stop anything: none of them could vote.
    await expect(against.propose(caller)).rejects.toThrow(code('CHANGE_SETTLED'));
    const view = { state: 'over', reason: expect.stringContaining('this is settled') as string, proof: null };
    expect(await settling.propose(caller)).toMatchObject(view);
    expect((await shown(caller, keyId)).forked).toBeUndefined();
  }
  const { before } = await carryChange({ servers: members, keyId, expiresAt: SOON });
  await signIn(members, made, before.public, { epoch: 1, signers: [1, 2] });
});

test('servers two epochs on that know of no settlement destroy nothing on one by those who have left, unless their operator agrees', async () => {
  const found = await forkKey(network);
  const { servers, callers, made, keyId, one, goOver } = found;
  const members = callers.slice(0, 3);
  for (const caller of members) await goOver(caller, one);
  const joined = [0, 1, 3];
  const next = await carryChange({
    servers: members,
    keyId,
    expiresAt: SOON,
    needed: 2,
    next: joined.map((place) => nextMember(servers[place]!, callers[place]!)),
  });
  await next.commit(await completeChange(next));
  const now = joined.map((place) => callers[place]!);
  const { before } = await carryChange({ servers: now, keyId, expiresAt: SOON });
  const { against, votes } = await settledAgainst(found, members);
  const farOn = expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 2 } }) as Error;
  for (const caller of now) {
    await expect(against.end(caller, votes)).rejects.toThrow(farOn);
    await expect(against.end(caller, votes)).rejects.toThrow(farOn);
    expect((await shown(caller, keyId)).forked).toBeUndefined();
  }
  for (const signers of [
    [1, 3],
    [2, 3],
  ])
    await signIn(now, made, before.public, { epoch: 2, signers });

  // Its operator is asked, also where the rules of the key ask nobody; a no stays.
  const ofDelta = servers[3]!.sessions.changeDesk;
  const [waiting, ...others] = (await ofDelta.list()).changes;
  expect([waiting!.asked, others]).toEqual([true, []]);
  expect(waiting!.sentence).toContain('destroys its shares of all epochs since');
  await ofDelta.reject(waiting!, 'nobody there any more');
  await expect(against.end(callers[3]!, votes)).rejects.toThrow(farOn);
  expect((await ofDelta.list()).changes).toEqual([]);

  // With a yes alpha goes back, as one does that was in a dead branch.
  const ofAlpha = servers[0]!.sessions.changeDesk;
  const [asked] = (await ofAlpha.list()).changes;
  await ofAlpha.approve(asked!, formatWords(likenessOf(asked!.orderHash)));
  await signIn(now, made, before.public, { epoch: 2, signers: [1, 3] });
  expect(await against.end(callers[0]!, votes)).toBe(true);
  await expect(callers[0]!.call('craft.prepare', preparing(keyId, 2))).rejects.toThrow(code('KEY_FORKED'));
  expect(servers[0]!.context.epochKeys.exists(scope(keyId, 2))).toBe(false);
  await signIn(now, made, before.public, { epoch: 2, signers: [2, 3] });
});

/** As if its owner had ordered there to settle which certificate of the epoch behind that one counts. */
async function ordered({ context }: BareServer, keyId: Uint8Array, epoch: number): Promise<void> {
  const filled = (byte: number) => new Uint8Array(32).fill(byte);
  await context.storage.transact(async (transaction) => {
    const forked = await readForked(context, transaction, scope(keyId, epoch));
    const { certificate } = await readPublicEpoch(context, transaction, forked, epoch + 1);
    const waited = { needed: 0, counted: 0, countedAt: TEST_TIME, lived: 0, process: filled(1) };
    const settling = {
      hash: filled(9),
      certificates: [certificate, certificate],
      names: [filled(8), filled(7)],
      twice: [3],
      areReady: false,
      operator: null,
      over: null,
      waited,
      member: null,
    };
    await writeForked(context, transaction, forked, { ...forked.record, settling });
  });
}

test('an order about a later epoch that waits loses its place to no votes about an earlier one', async () => {
  const found = await forkKey(network);
  const { servers, callers, keyId, one, goOver } = found;
  const members = callers.slice(0, 3);
  for (const caller of members) await goOver(caller, one);
  let holding: readonly BareCaller[] = members;
  for (const places of [
    [0, 1, 3],
    [0, 3],
  ]) {
    const next = await carryChange({
      servers: holding,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: places.map((place) => nextMember(servers[place]!, callers[place]!)),
    });
    await next.commit(await completeChange(next));
    holding = places.map((place) => callers[place]!);
  }
  const delta = callers[3]!;
  await ordered(servers[3]!, keyId, 1);
  const waits = (await shown(delta, keyId)).settlement;
  expect(waits).toMatchObject({ epoch: 1 });
  const { against, votes } = await settledAgainst(found, members);
  const farOn = expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 3 } }) as Error;
  await expect(against.end(delta, votes)).rejects.toThrow(farOn);
  expect((await shown(delta, keyId)).settlement).toEqual(waits);
  // When that is over, its operator is asked about these.
  await delta.call('fork.cancel', { keyId, epoch: 1, orderHash: waits!.orderHash });
  await expect(against.end(delta, votes)).rejects.toThrow(farOn);
  expect((await shown(delta, keyId)).settlement).toMatchObject({ epoch: 0 });
});

describe('a server two epochs on that has voted itself against what it went on by', () => {
  /** All went on by the one, and let charlie go; then alpha and bravo vote for the other. */
  async function voted(policy: NonNullable<ForkOptions['policy']>) {
    const clock = { now: TEST_TIME };
    const found = await forkKey(network, { policy, now: () => clock.now });
    const { servers, callers, keyId, one, other, goOver } = found;
    const members = callers.slice(0, 3);
    for (const caller of members) await goOver(caller, one);
    const next = await carryChange({
      servers: members,
      keyId,
      expiresAt: SOON,
      needed: 2,
      next: [0, 1].map((place) => nextMember(servers[place]!, callers[place]!)),
    });
    await next.propose();
    await agree(servers);
    await next.commit(await completeChange(next));
    const settling = await carrySettling({ members, keyId, certificates: [other, one] });
    for (const caller of members) await settling.propose(caller);
    await agree(servers);
    const votes = await settling.settle([1, 2]);
    const alpha = callers[0]!;
    expect((await shown(alpha, keyId)).forked).toBe(1);
    return { ...found, clock, alpha, settling, votes, desk: servers[0]!.sessions.changeDesk };
  }

  async function agree(servers: readonly BareServer[]): Promise<void> {
    for (const { sessions } of servers)
      for (const waiting of (await sessions.changeDesk.list()).changes)
        if (waiting.asked)
          await sessions.changeDesk.approve(waiting, formatWords(likenessOf(waiting.orderHash)));
  }

  test('goes back without another question where its operator said yes to that vote', async () => {
    const found = await voted({ changes: 'operator', changeDelay: 0 });
    const { keyId, other, alpha, settling, votes, desk } = found;
    expect(await settling.end(alpha, votes)).toBe(true);
    expect((await desk.list()).changes).toEqual([]);
    expect((await commit(alpha, keyId, other)).isEntered).toBe(true);
    expect((await shown(alpha, keyId)).forked).toBeUndefined();
  });

  test('nor where it has promised in another try since, as after an answer that was lost', async () => {
    const found = await voted({ changes: 'operator', changeDelay: 0 });
    const { clock, keyId, other, alpha, settling, votes, desk } = found;
    clock.now += 600;
    await settling.promise([1], 2);
    expect(await settling.end(alpha, votes)).toBe(true);
    expect((await desk.list()).changes).toEqual([]);
    expect((await commit(alpha, keyId, other)).isEntered).toBe(true);
  });

  /** As a no was stored before its time was noted. */
  async function withoutTime({ context }: BareServer, keyId: Uint8Array): Promise<void> {
    await context.storage.transact(async (transaction) => {
      const forked = await readForked(context, transaction, scope(keyId, 0));
      const { overAt, ...settling } = forked.record.settling!;
      expect(overAt).toBe(TEST_TIME);
      await writeForked(context, transaction, forked, { ...forked.record, settling });
    });
  }

  test('asks again after a no of which nobody knows when it was; a no to what nobody has settled stays', async () => {
    const found = await voted({ changes: 'automatic', changeDelay: 0 });
    const { clock, servers, keyId, one, other, alpha, settling, votes, desk } = found;
    await expect(settling.end(alpha, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
    await desk.reject((await desk.list()).changes[0]!, 'not our shares');
    await withoutTime(servers[0]!, keyId);
    await expect(settling.end(alpha, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
    const [again] = (await desk.list()).changes;
    await desk.reject(again!, 'still not');

    const members = found.callers.slice(0, 3);
    const against = await carrySettling({ members, keyId, certificates: [one, other] });
    await against.propose(alpha);
    await desk.reject((await desk.list()).changes[0]!, 'neither');
    clock.now += 30 * 86_400;
    expect(await against.propose(alpha)).toMatchObject({ state: 'over', reason: 'neither' });
    expect(await settling.propose(alpha)).toMatchObject({ state: 'over', reason: 'still not' });
  });

  test('asks its operator who was not asked before, tells him that a no leaves it stopped, and asks again in a week', async () => {
    const found = await voted({ changes: 'automatic', changeDelay: 0 });
    const { clock, keyId, other, alpha, settling, votes, desk } = found;
    const notYet = expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 2 } }) as Error;
    const told = () => expect(settling.end(alpha, votes)).rejects.toThrow(notYet);
    const waiting = async () => (await desk.list()).changes;
    await told();
    const [asked] = await waiting();
    expect(asked).toMatchObject({ asked: true });
    expect(asked!.sentence).toContain('with a no it stays stopped, and asks again in a week');
    await desk.reject(asked!, 'not our shares');
    await told();
    clock.now += 604_799;
    await told();
    expect(await waiting()).toEqual([]);
    expect((await shown(alpha, keyId)).forked).toBe(1);

    clock.now += 1;
    await told();
    const [again] = await waiting();
    await desk.approve(again!, formatWords(likenessOf(again!.orderHash)));
    expect(await settling.end(alpha, votes)).toBe(true);
    expect((await commit(alpha, keyId, other)).isEntered).toBe(true);
  });
});

/** A key was moved to other servers long ago, by one change; then those who had it before show that another certificate of that counts. */
async function movedLongAgo() {
  const clock = { now: TEST_TIME };
  const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [1, 2, 3], now: () => clock.now });
  const { callers, keyId, one, goOver } = found;
  for (const caller of callers) await goOver(caller, one);
  const { against, votes } = await settledAgainst(found, callers.slice(0, 3));
  clock.now += 30 * 86_400;
  const notYet = expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 1 } }) as Error;
  for (const caller of callers) {
    await expect(against.end(caller, votes)).rejects.toThrow(notYet);
    expect((await shown(caller, keyId)).forked).toBe(1);
  }
  return { ...found, clock, against, votes, notYet };
}

test('a key that was moved to other servers long ago, by one change, is destroyed at none of them by the votes of those who have left', async () => {
  const { servers, callers, keyId, against, votes } = await movedLongAgo();
  const isHere = ({ context }: BareServer) => context.epochKeys.exists(scope(keyId, 1));
  expect(servers.map(isHere)).toEqual([true, true, true, true]);
  const desk = servers[3]!.sessions.changeDesk;
  const [asked] = (await desk.list()).changes;
  expect(asked).toMatchObject({ asked: true });
  await desk.approve(asked!, formatWords(likenessOf(asked!.orderHash)));
  expect(isHere(servers[3]!)).toBe(true);
  await against.end(callers[3]!, votes);
  expect(isHere(servers[3]!)).toBe(false);
});

test('it lives on where their operators say no: nothing of that fork stops it again, and it goes on to another epoch', async () => {
  const { clock, servers, callers, made, keyId, one, other, against, votes, notYet } = await movedLongAgo();
  for (const { sessions } of servers) {
    const [asked] = (await sessions.changeDesk.list()).changes;
    expect(asked!.sentence).toContain('With a no it goes on by that one, and asks no more.');
    await sessions.changeDesk.reject(asked!, 'those have left');
  }
  const expiresAt = clock.now + 600;
  const next = await carryChange({ servers: callers, keyId, expiresAt });
  const shownAgain = async (caller: BareCaller) => {
    await expect(against.end(caller, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
    await expect(commit(caller, keyId, other)).rejects.toThrow(code('CHANGE_SETTLED'));
    expect((await shown(caller, keyId)).forked).toBeUndefined();
  };
  for (const caller of callers) {
    await expect(against.end(caller, votes)).rejects.toThrow(notYet);
    await shownAgain(caller);
  }
  for (const { sessions } of servers) expect((await sessions.changeDesk.list()).changes).toEqual([]);
  await signIn(callers, made, next.before.public, { epoch: 1, signers: [2, 4], expiresAt });

  // An order of the owner’s to settle it waits, and stops nothing, until it is voted on.
  const settling = await carrySettling({ members: callers.slice(0, 3), keyId, certificates: [one, other] });
  expect(await settling.propose(callers[3]!)).toMatchObject({ state: 'ready' });
  expect((await shown(callers[3]!, keyId)).forked).toBeUndefined();

  await next.commit(await completeChange(next));
  for (const caller of callers) await shownAgain(caller);
  const { before } = await carryChange({ servers: callers, keyId, expiresAt });
  await signIn(callers, made, before.public, { epoch: 2, signers: [1, 3], expiresAt });
});

test('nor is a share that was given back to a server since, which does not know what was settled meanwhile', async () => {
  const clock = { now: TEST_TIME };
  const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [1, 2, 3], now: () => clock.now });
  const { servers, callers, made, keyId, one, goOver } = found;
  for (const caller of callers) await goOver(caller, one);
  clock.now += 30 * 86_400;
  const chain = [...(await fetchChain(callers[0]!, keyId)).slice(0, 1), one];
  const { policy } = await callers[0]!.call('key.show', { keyId });
  servers[1] = await loseDatabase(network, servers[1]!);
  callers[1] = await servers[1].as(alice);
  const expiresAt = clock.now + 600;
  const repair = { servers, callers, made, policy, target: 2, helpers: [1, 4], chain, expiresAt };
  const courier = createRepairCourier(repair);
  await courier.begin();
  await courier.finish();

  const { against, votes } = await settledAgainst(found, callers.slice(0, 3));
  await expect(against.end(callers[1], votes)).rejects.toThrow(code('CHANGE_SETTLED'));
  expect(servers[1].context.epochKeys.exists(scope(keyId, 1))).toBe(true);
  const [asked] = (await servers[1].sessions.changeDesk.list()).changes;
  await servers[1].sessions.changeDesk.reject(asked!, 'those have left');
  expect((await shown(callers[1], keyId)).forked).toBeUndefined();
});

test('nor is what a server has acknowledged of the epoch behind, by which others go over', async () => {
  const found = await forkKey(network);
  const { servers, callers, made, keyId, one, goOver } = found;
  const members = callers.slice(0, 3);
  for (const caller of members) await goOver(caller, one);
  const joined = [0, 1, 3];
  const next = await carryChange({
    servers: members,
    keyId,
    expiresAt: SOON,
    needed: 2,
    next: joined.map((place) => nextMember(servers[place]!, callers[place]!)),
  });
  const certificate = await completeChange(next);
  const acknowledgements = await next.acknowledge(certificate);
  const now = joined.map((place) => callers[place]!);
  const [alpha, bravo] = now;
  const { against, votes } = await settledAgainst(found, members);
  for (const caller of [alpha!, bravo!])
    await expect(against.end(caller, votes)).rejects.toThrow(code('CHANGE_SETTLED'));

  for (const { sessions } of servers.slice(0, 2)) {
    const [asked] = (await sessions.changeDesk.list()).changes;
    await sessions.changeDesk.reject(asked!, 'the key has gone on');
  }
  for (const caller of now)
    expect(await caller.call('change.commit', { keyId, certificate, acknowledgements })).toMatchObject({
      isEntered: true,
    });
  const { before } = await carryChange({ servers: now, keyId, expiresAt: SOON });
  await signIn(now, made, before.public, { epoch: 2, signers: [1, 2] });
});

test('a no to an order that was given before the votes is none to them: shown those, its operator is asked, and may end the stop', async () => {
  const clock = { now: TEST_TIME };
  const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [1, 2, 3], now: () => clock.now });
  const { servers, callers, keyId, one, goOver } = found;
  for (const caller of callers) await goOver(caller, one);
  const { against, votes } = await settledAgainst(found, callers.slice(0, 3));
  const desk = servers[3]!.sessions.changeDesk;
  const delta = callers[3]!;
  const forkedHere = async () => (await shown(delta, keyId)).forked;
  await against.propose(delta);
  await desk.reject((await desk.list()).changes[0]!, 'nobody has settled on that');
  expect(await against.propose(delta)).toMatchObject({ state: 'over' });
  expect(await forkedHere()).toBe(1);

  await expect(against.end(delta, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
  const [asked] = (await desk.list()).changes;
  expect(asked!.sentence).toContain('With a no it goes on by that one, and asks no more.');
  await desk.reject(asked!, 'those have left');
  expect(await forkedHere()).toBeUndefined();
  await expect(against.end(delta, votes)).rejects.toThrow(code('CHANGE_SETTLED'));
  expect((await desk.list()).changes).toEqual([]);
  expect(await forkedHere()).toBeUndefined();
});

test('what its operator said of the epoch that it is in stands, also when an earlier fork is settled for what it went on by', async () => {
  const found = await forkKey(network);
  const { servers, callers, made, keyId, one, other, goOver } = found;
  const members = callers.slice(0, 3);
  const [alpha] = members;
  for (const caller of members) await goOver(caller, one);
  const next = await carryChange({
    servers: members,
    keyId,
    expiresAt: SOON,
    needed: 2,
    next: [0, 1].map((place) => nextMember(servers[place]!, callers[place]!)),
  });
  await next.commit(await completeChange(next));
  // As after a no to votes for another certificate of the second epoch.
  const { context } = servers[0]!;
  await context.storage.transact(async (transaction) => {
    const forked = await readForked(context, transaction, scope(keyId, 1));
    const record = { ...forked.record, fork: other };
    await writeForked(context, transaction, forked, record, { ...marksOf(forked.head), stands: 2 });
  });
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  const votes = await settling.settle([1, 2]);
  for (const caller of members) expect(await settling.end(caller, votes)).toBe(false);
  expect((await shown(alpha!, keyId)).forked).toBeUndefined();
  const row = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
  expect(openHead(context, row!).stands).toBe(2);
  const two = members.slice(0, 2);
  const { before } = await carryChange({ servers: two, keyId, expiresAt: SOON });
  await signIn(two, made, before.public, { epoch: 2, signers: [1, 2] });
});

test('a server that came to the key by a certificate destroys nothing on the votes of those who let it in, in the first hour either, unless its operator agrees', async () => {
  const found = await forkKey(network, { ours: [0, 1, 2, 3], theirs: [1, 2, 3] });
  const { servers, callers, made, keyId, one, goOver } = found;
  for (const caller of callers) await goOver(caller, one);
  const { against, votes } = await settledAgainst(found, callers.slice(0, 3));
  const [alpha, , , delta] = callers;
  const notYet = expect.objectContaining({ code: 'CHANGE_SETTLED', facts: { epoch: 1 } }) as Error;
  const isHere = (place: number) => servers[place]!.context.epochKeys.exists(scope(keyId, 1));
  // Whoever was there before settles, or knows those who do.
  await against.end(alpha!, votes);
  expect(isHere(0)).toBe(false);
  for (let time = 0; time < 2; time++) await expect(against.end(delta!, votes)).rejects.toThrow(notYet);
  expect((await shown(delta!, keyId)).forked).toBe(1);
  expect(isHere(3)).toBe(true);

  const desk = servers[3]!.sessions.changeDesk;
  const [asked, ...others] = (await desk.list()).changes;
  expect([asked!.asked, others]).toEqual([true, []]);
  expect(asked!.sentence).toContain('destroys its shares of all epochs since');
  await desk.reject(asked!, 'they were sold');
  await expect(against.end(delta!, votes)).rejects.toThrow(notYet);
  expect((await desk.list()).changes).toEqual([]);
  expect(isHere(3)).toBe(true);
  // It goes on by that, whatever becomes of others.
  const { before } = await carryChange({ servers: [...callers.slice(1), alpha!], keyId, expiresAt: SOON });
  await signIn(callers, made, before.public, { epoch: 1, signers: [3, 4] });
});

test('who cannot open its share says neither that it has it for a settlement nor that it went over', async () => {
  const { servers, callers, keyId, one, other } = await forkApart(network);
  const members = callers.slice(0, 3);
  const [alpha] = members;
  for (const epoch of [0, 1]) servers[0]!.context.epochKeys.destroy(scope(keyId, epoch));
  await expect(commit(alpha!, keyId, one)).rejects.toThrow(code('CHANGE_SHARE_LOST'));
  const settling = await carrySettling({ members, keyId, certificates: [one, other] });
  expect((await settling.propose(alpha!)).acknowledgement).toBe(null);
  await expect(alpha!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow();
});
