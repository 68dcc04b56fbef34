import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { carryChange, completeChange, fetchChain, preparing } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { TEST_TIME } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, mallory, messageOf, SOON } from '../../test/bare-servers.js';
import { openHead } from '../../keys/stored/key-head.js';
import { tellHeads } from '../../test/heads.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const refused = (reason: string) =>
  expect.objectContaining({ code: 'CHANGE_REFUSED', facts: { reason } }) as Error;

describe('what an old member says', () => {
  test('is the same again when it is asked again, and leaves nothing behind then', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises);
    const certificate = change.locksOf(1, whole, locks);
    const yields = await change.yield(whole, certificate);
    const { storage } = servers[0]!.context;
    const entries = () => storage.read(({ audit }) => audit.head());
    const before = await entries();
    expect(await change.lock(1, whole, promises)).toEqual(locks);
    expect(await change.yield(whole, certificate)).toEqual(yields);
    const again = await change.promise(1);
    expect(again).toEqual(promises);
    expect(await entries()).toEqual(before);
  });

  test('is refused with its reason: no promise without an order, of a later attempt, or twice in ten minutes', async () => {
    let now = TEST_TIME;
    const { callers } = await network.openMany(3, { now: () => now });
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await expect(change.promise(1, [1])).rejects.toThrow(refused('over'));
    await change.propose();
    await expect(change.promise(2, [1])).rejects.toThrow(refused('attempt-ahead'));
    const first = await change.promise(1);
    await expect(change.promise(2, [1], first)).rejects.toThrow(refused('too-soon'));
    now += 600;
    expect((await change.promise(2, [1], first)).length).toBe(1);
    await expect(change.promise(1, [1])).rejects.toThrow(refused('attempt-past'));
  });

  test('V33d: is one transcript in one attempt: a second session of the same promises is locked by nobody who locked the first', async () => {
    const { callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const promises = await change.promise(1);
    const one = await change.move(1, promises);
    const other = await change.move(1, promises);
    await change.lock(1, one, promises, [1, 2]);
    await expect(change.lock(1, other, promises, [1])).rejects.toThrow(refused('said-otherwise'));
    await expect(change.lock(1, other, promises, [2])).rejects.toThrow(refused('said-otherwise'));
  });

  test('L8: is nothing while the key is frozen, also of what is locked, and goes on behind it', async () => {
    let now = TEST_TIME;
    const { callers } = await network.openMany(3, { now: () => now });
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: () => now + 600 });
    await change.propose();
    const promises = await change.promise(1);
    const whole = await change.move(1, promises);
    const locks = await change.lock(1, whole, promises, [1, 2]);
    const until = now + 3_600;
    for (const caller of callers)
      await caller.call('key.freeze', { keyId, id: new Uint8Array(32).fill(5), from: now, until });
    expect((await change.propose())[0]).toMatchObject({ state: 'waiting', readyAt: until });
    const certificate = change.locksOf(1, whole, locks);
    await expect(change.lock(1, whole, promises, [3])).rejects.toThrow(refused('frozen'));
    await expect(change.yield(whole, certificate, [1])).rejects.toThrow(refused('frozen'));
    now = until;
    const yields = await change.yield(whole, certificate);
    await change.commit(change.certify(1, whole, { promises, locks, yields }));
  });

  test('belongs to the account that owns the key', async () => {
    const { servers, callers } = await network.openMany(3);
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    await change.propose();
    const stranger = await servers[0]!.as(mallory);
    const { order, orderHash } = change;
    const { policy } = await callers[0]!.call('key.show', { keyId });
    const asked = { keyId, epoch: 0, orderHash, attempt: 1, shown: [], recall: null, locked: [] };
    await expect(stranger.call('change.propose', { order, chain: [], policy })).rejects.toThrow(
      code('KEY_UNKNOWN'),
    );
    await expect(stranger.call('change.promise', asked)).rejects.toThrow(code('KEY_UNKNOWN'));
    await expect(stranger.call('key.chain', { keyId, after: null })).rejects.toThrow(code('KEY_UNKNOWN'));
  });
});

describe('after a change', () => {
  async function refreshed(now: () => number = () => TEST_TIME) {
    const { servers, callers } = await network.openMany(3, { now });
    const made = await makeKey(callers);
    const { keyId } = made;
    const change = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const certificate = await completeChange(change);
    return { servers, callers, made, keyId, change, certificate };
  }

  test('V31: the old epoch answers nothing at whoever committed, also with commitments that it published before', async () => {
    const { callers, made, change, certificate, keyId } = await refreshed();
    const attempt = await made.signer.prepare([1, 2]);
    await change.commit(certificate);
    await expect(made.signer.attempt(messageOf('late'), attempt)).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
    await expect(callers[0]!.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_EPOCH_DIFFERS', facts: { epoch: 1 } }),
    );
  });

  test('a server that was away for two epochs is shown one certificate after the other', async () => {
    let now = TEST_TIME;
    const { callers, change, certificate, keyId } = await refreshed(() => now);
    const acknowledgements = await change.acknowledge(certificate, [1, 2]);
    for (const caller of callers.slice(0, 2))
      await caller.call('change.commit', { keyId, certificate, acknowledgements });
    now += 86_400;
    const second = await carryChange({ servers: callers, keyId, expiresAt: () => now + 600 });
    expect(second.order.epoch).toBe(1);
    await expect(second.propose()).rejects.toThrow(code('KEY_EPOCH_DIFFERS'));
    await change.commit(certificate);
    // The one that came late has had its epoch for no day yet.
    await expect(second.promise(1, [3])).rejects.toThrow(code('CHANGE_REFUSED'));
    now += 86_400;
    const next = await completeChange(second);
    await callers[1]!.call('change.commit', { keyId, certificate: next });
    await expect(callers[0]!.call('key.chain', { keyId, after: null })).resolves.toMatchObject({
      next: null,
    });
    await second.commit(next);
    const chains = await Promise.all(callers.map((one) => fetchChain(one, keyId)));
    expect(new Set(chains.map((chain) => chain.map(encodeHex).join())).size).toBe(1);
    expect(chains[0]!.length).toBe(3);
  });

  test('committing again says the same, and another certificate of the same epoch is refused', async () => {
    const { callers, change, certificate, keyId } = await refreshed();
    const first = await change.commit(certificate);
    expect(await change.commit(certificate)).toEqual(first);
    const cut = certificate.slice(0, -1);
    await expect(callers[0]!.call('change.commit', { keyId, certificate: cut })).rejects.toThrow(
      expect.objectContaining({ errorClass: 'EncodingError' }),
    );
  });

  test('V26: no old share is destroyed before every server has acknowledged the new epoch', async () => {
    const { servers, callers, change, certificate, keyId } = await refreshed();
    const some = [];
    const acknowledgements = await change.acknowledge(certificate, [1, 2]);
    for (const caller of callers.slice(0, 2))
      some.push(await caller.call('change.commit', { keyId, certificate, acknowledgements }));
    expect(some.map(({ isEntered }) => isEntered)).toEqual([true, true]);
    await expect(callers[0]!.call('change.retire', { keyId, epoch: 0, acknowledgements })).rejects.toThrow(
      expect.objectContaining({ code: 'ACKNOWLEDGEMENTS_TOO_FEW', facts: { slots: '3' } }),
    );
    await expect(callers[2]!.call('change.retire', { keyId, epoch: 0, acknowledgements })).rejects.toThrow(
      code('EPOCH_IN_USE'),
    );
    const forged = [...acknowledgements, { slot: 3, signature: new Uint8Array(64) }];
    await expect(
      callers[0]!.call('change.retire', { keyId, epoch: 0, acknowledgements: forged }),
    ).rejects.toThrow(code('ACKNOWLEDGEMENTS_TOO_FEW'));
    const { storage, epochKeys } = servers[0]!.context;
    const shares = await storage.read((reader) => reader.shares.listAll(null, 10));
    expect(shares.map(({ epoch }) => epoch)).toEqual([0, 1]);
    await change.retire(await change.commit(certificate));
    const left = await storage.read((reader) => reader.shares.listAll(null, 10));
    expect(left.map(({ epoch }) => epoch)).toEqual([1]);
    expect(epochKeys.exists({ ...left[0]!, epoch: 0 })).toBe(false);
  });

  test('what a crash left of the keys of an old share, or of what it came from, goes when its destruction is asked for again', async () => {
    const { servers, callers, change, certificate, keyId } = await refreshed();
    const folder = join(servers[0]!.dataDir, 'epoch-keys');
    const keyFiles = () => readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const before = new Map(keyFiles().map((name) => [name, readFileSync(join(folder, name))]));
    const committed = await change.commit(certificate);
    const receipts = await change.retire(committed);
    const [left, ...others] = keyFiles();
    expect([before.size, others.length]).toEqual([2, 0]);
    for (const [name, content] of before) writeFileSync(join(folder, name), content, { mode: 0o600 });
    const acknowledgements = committed.map((one, i) => ({ slot: i + 1, signature: one.acknowledgement! }));
    const again = await callers[0]!.call('change.retire', { keyId, epoch: 0, acknowledgements });
    expect(again).toEqual(receipts[0]);
    await expect(callers[0]!.call('change.retire', { keyId, epoch: 1, acknowledgements })).rejects.toThrow(
      code('EPOCH_IN_USE'),
    );
    expect(keyFiles()).toEqual([left]);
  });

  test('L13: the owner’s account alone refreshes once a day', async () => {
    let now = TEST_TIME;
    const { callers, change, certificate, keyId } = await refreshed(() => now);
    await change.commit(certificate);
    const second = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const [view] = await second.propose();
    expect(view).toMatchObject({ state: 'waiting', readyAt: TEST_TIME + 86_400, asked: false });
    await expect(second.promise(1, [1])).rejects.toThrow(refused('early'));
    now += 86_400;
    expect((await second.promise(1)).length).toBe(3);
  });
});

describe('L1: a strict key of 2 of 3', () => {
  async function begin() {
    const time = { now: TEST_TIME };
    const { servers, callers } = await network.openMany(3, { now: () => time.now });
    const made = await makeKey(callers, { strict: true });
    const { keyId } = made;
    const change = await carryChange({ servers: callers, keyId, expiresAt: () => time.now + 600 });
    await change.propose();
    return { time, servers, callers, made, keyId, change };
  }

  test('goes on to another epoch by all three servers and by no two, whatever a courier shows them, and stays strict', async () => {
    const { callers, made, change, keyId } = await begin();
    const promises = await change.promise(1);
    await expect(change.move(1, promises.slice(1))).rejects.toThrow(refused('promises-too-few'));
    const whole = await change.move(1, promises);
    const byTwo = change.lock(1, whole, promises.slice(0, 2), [1]);
    await expect(byTwo).rejects.toThrow(refused('promises-too-few'));
    const locks = await change.lock(1, whole, promises);
    for (const two of [locks.slice(1), locks.slice(0, 2)])
      await expect(change.yield(whole, change.locksOf(1, whole, two), [1])).rejects.toThrow(
        refused('locks-too-few'),
      );
    const yields = await change.yield(whole, change.locksOf(1, whole, locks));
    const votes = { promises, locks, yields };
    for (const said of ['promises', 'locks', 'yields'] as const) {
      const few = change.certify(1, whole, { ...votes, [said]: votes[said].slice(1) });
      await expect(change.acknowledge(few, [1])).rejects.toThrow(code('CHANGE_NOT_DECIDED'));
    }
    await signIn(callers, made, made.key, { epoch: 0, signers: [1, 3] });
    await change.commit(change.certify(1, whole, votes));
    await signIn(callers, made, whole.epoch.public, { epoch: 1, signers: [2, 3] });
    expect(whole.epoch.params.flags.strict).toBe(true);
    const next = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    expect([change.decisive, next.decisive]).toEqual([3, 3]);
  });

  test('takes one that was restored too, once the two others have reminded it', async () => {
    const { time, servers, callers, made, change, keyId } = await begin();
    await servers[0]!.sessions.voidOpen('the database is an older one');
    await change.propose();
    const { forgot } = (await change.propose())[0]!;
    const reminders = await change.promise(1, [2, 3], [], { recall: forgot });
    await tellHeads(callers, keyId, [2, 3]);
    await expect(change.move(1, reminders)).rejects.toThrow(code('CHANGE_REFUSED'));
    time.now += 600;
    const others = await change.promise(2, [2, 3], reminders);
    const promises = [...(await change.promise(2, [1], reminders)), ...others];
    const whole = await change.move(2, promises);
    const locks = await change.lock(2, whole, promises);
    const yields = await change.yield(whole, change.locksOf(2, whole, locks));
    await change.commit(change.certify(2, whole, { promises, locks, yields }));
    const signers = { epoch: 1, signers: [1, 2], expiresAt: time.now + 600 };
    await signIn(callers, made, whole.epoch.public, signers);
  });
});

describe('a member that forgot what it said', () => {
  test('V33e: says nothing until all others have promised one attempt for it, and speaks in later ones', async () => {
    let now = TEST_TIME;
    const { servers, callers } = await network.openMany(3, { now: () => now });
    const made = await makeKey(callers);
    const { keyId } = made;
    const change = await carryChange({ servers: callers, keyId, expiresAt: () => now + 600 });
    await change.propose();
    const first = await change.promise(1);
    const hidden = await change.move(1, first);
    const locks = await change.lock(1, hidden, first, [1, 2]);
    await servers[0]!.sessions.voidOpen('the database is an older one');
    await change.propose();
    const [view] = await change.propose();
    const { forgot } = view!;
    expect(forgot).not.toBeNull();
    const toldOwner = async () => {
      const { key } = await callers[0]!.call('key.show', { keyId });
      const [listed] = (await callers[0]!.call('key.list', { after: null })).keys;
      return [key.hasForgotten, listed!.hasForgotten];
    };
    expect(await toldOwner()).toEqual([true, true]);
    const certificate = change.locksOf(1, hidden, locks);
    await expect(change.promise(1, [1])).rejects.toThrow(refused('forgot'));
    await expect(change.lock(1, hidden, first, [1])).rejects.toThrow(refused('forgot'));
    await expect(change.yield(hidden, certificate, [1])).rejects.toThrow(refused('forgot'));
    now += 600;
    const stale = await change.promise(2, [2, 3], first);
    await expect(change.promise(3, [1], stale)).rejects.toThrow(refused('forgot'));
    now += 600;
    const reminders = await change.promise(3, [2, 3], stale, { recall: forgot });
    await expect(change.promise(3, [1], reminders)).rejects.toThrow(refused('said-otherwise'));
    now += 600;
    const others = await change.promise(4, [2, 3], reminders);
    const own = await change.promise(4, [1], reminders);
    expect(await toldOwner()).toEqual([undefined, undefined]);
    const promises = [...own, ...others];
    await expect(change.move(4, promises)).rejects.toThrow(code('KEY_HEAD_UNKNOWN'));
    await tellHeads(callers, keyId, [2, 3]);
    const whole = await change.move(4, promises);
    const locked = await change.lock(4, whole, promises);
    const yields = await change.yield(whole, change.locksOf(4, whole, locked));
    const votes = { promises, locks: locked, yields };
    await change.commit(change.certify(4, whole, votes));
    await signIn(callers, made, whole.epoch.public, { epoch: 1, signers: [1, 2], expiresAt: now + 600 });
    // In the next epoch it remembers everything, and what it offered before it forgot it takes for its own no more.
    const { context } = servers[0]!;
    const row = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
    const head = openHead(context, row!);
    expect([head.forgot, head.lapse]).toEqual([undefined, forgot]);
  });

  test('V33b: what is locked already is completed by whoever is shown it, whatever was hidden before', async () => {
    let now = TEST_TIME;
    const { callers } = await network.openMany(3, { now: () => now });
    const { keyId } = await makeKey(callers);
    const change = await carryChange({ servers: callers, keyId, expiresAt: () => now + 600 });
    await change.propose();
    const first = await change.promise(1);
    const hidden = await change.move(1, first);
    const locks = change.locksOf(1, hidden, await change.lock(1, hidden, first, [1, 2]));
    await change.yield(hidden, locks, [1]);
    now += 600;
    const again = await change.promise(2, [1, 3], first);
    const other = change.move(2, again);
    await expect(other).rejects.toThrow(refused('promises-too-few'));
    const { locked } = (await change.propose())[0]!;
    expect(locked).toEqual({ locks, signed: hidden.bytes });
    const relocked = await change.lock(2, hidden, again, [1, 3], [locked!]);
    const yields = await change.yield(hidden, change.locksOf(2, hidden, relocked), [1, 3]);
    await change.commit(change.certify(2, hidden, { promises: again, locks: relocked, yields }));
  });
});
