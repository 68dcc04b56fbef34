import { type CarriedChange, carryChange, completeChange, fetchChain, nextMember } from '@ckm/testkit';
import { parseChangeCertificate } from '@ckm/threshold';
import { encodeHex } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createKeyDesk } from '../../../control/desks/key-desk.js';
import { TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey, messageOf } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (name: string) => expect.objectContaining({ code: name }) as Error;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const HOUR = 3_600;

/** Alpha, bravo and charlie hold a key of two of three; delta and echo are there. */
async function begin() {
  const { servers, callers } = await network.openMany(5, { now: () => TEST_TIME });
  const made = await makeKey(callers.slice(0, 3), { policy: AT_ONCE });
  const { keyId } = made;
  const change = (from: readonly number[], to: readonly number[]): Promise<CarriedChange> =>
    carryChange({
      servers: from.map((at) => callers[at]!),
      keyId,
      expiresAt: TEST_TIME + 600,
      next: to.map((at) => nextMember(servers[at]!, callers[at]!)),
      needed: 2,
    });
  const freeze = (at: number, number = 1, hours = 1) =>
    callers[at]!.call('key.freeze', {
      keyId,
      id: new Uint8Array(32).fill(number),
      from: TEST_TIME,
      until: TEST_TIME + hours * HOUR,
    });
  const frozenAt = async (at: number) =>
    (await callers[at]!.call('key.show', { keyId })).key.frozen?.until ?? null;
  return { servers, callers, made, keyId, change, freeze, frozenAt };
}

test('A4, L8: a server that a decided change lets in is frozen before it comes, and comes frozen', async () => {
  const { callers, made, keyId, change, freeze, frozenAt } = await begin();
  const [alpha, delta, echo] = [0, 3, 4];
  const carried = await change([0, 1, 2], [alpha, delta, echo]);
  const certificate = await completeChange(carried);
  const { bound, order } = await freeze(alpha);
  expect(order).toEqual(carried.order);
  expect(parseChangeCertificate(bound!.signed).change.next.roster.map(({ serverId }) => serverId)).toEqual(
    carried.order.roster.map(({ serverId }) => serverId),
  );
  for (const at of [delta, echo]) {
    const { frozen, bound: none } = await freeze(at);
    expect([frozen?.until, none]).toEqual([TEST_TIME + HOUR, undefined]);
    // The same again.
    expect(await freeze(at)).toEqual({ frozen, leftSeconds: 7 * 86_400 });
  }
  await carried.commit(certificate);
  for (const at of [alpha, delta, echo]) expect(await frozenAt(at)).toBe(TEST_TIME + HOUR);
  for (const at of [delta, echo]) {
    const wanted = { craft: 'frost', commitments: 1 } as const;
    await expect(callers[at]!.call('craft.prepare', { keyId, epoch: 1, wanted })).rejects.toThrow(
      code('POLICY_KEY_FROZEN'),
    );
  }
  expect(made.keyId).toEqual(keyId);
});

test('a frozen server that is to join waits too, and another chain of the same key id does not thaw it', async () => {
  const { servers, callers, keyId, change, freeze, frozenAt } = await begin();
  const [delta, echo] = [3, 4];
  // Another key of the same id, by whoever has the owner's client.
  const strangers = await network.openMany(2, { now: () => TEST_TIME });
  await makeKey(strangers.callers, { policy: AT_ONCE, keyId });
  const evil = await carryChange({
    servers: strangers.callers,
    keyId,
    expiresAt: TEST_TIME + 600,
    next: [
      nextMember(strangers.servers[0]!, strangers.callers[0]!),
      nextMember(servers[delta]!, callers[delta]!),
    ],
    needed: 2,
  });
  const carried = await change([0, 1, 2], [0, delta, echo]);
  await carried.propose();
  await freeze(delta);
  const chain = await fetchChain(strangers.callers[0]!, keyId);
  const { policy } = await strangers.callers[0]!.call('key.show', { keyId });
  await callers[delta]!.call('change.propose', { order: evil.order, chain, policy });
  const views = await carried.propose();
  expect(views.map(({ state, readyAt }) => [state, readyAt])).toEqual([
    ['ready', null],
    ['ready', null],
    ['ready', null],
    ['waiting', TEST_TIME + HOUR],
    ['ready', null],
  ]);
  expect(await frozenAt(0)).toBeNull();
});

test('a server that left and is to join again is frozen like one that never was there; one that only left is not counted', async () => {
  const { callers, keyId, change, freeze, frozenAt } = await begin();
  const charlie = 2;
  const without = await change([0, 1, 2], [0, 1, 3]);
  await without.commit(await completeChange(without));
  await expect(freeze(charlie)).rejects.toThrow(code('KEY_LEFT'));
  const again = await change([0, 1, 3], [0, 1, charlie]);
  const certificate = await completeChange(again);
  expect((await freeze(charlie, 2)).frozen?.until).toBe(TEST_TIME + HOUR);
  await again.commit(certificate);
  expect(await frozenAt(charlie)).toBe(TEST_TIME + HOUR);
  const ask = { ...messageOf('frozen'), requestId: new Uint8Array(32).fill(3), keyId, epoch: 2 };
  const asked = { ...ask, expiresAt: TEST_TIME + 60, attempt: null, wanted: null };
  await expect(callers[charlie]!.call('request.ask', asked)).rejects.toThrow(code('POLICY_KEY_FROZEN'));
});

test('a freeze that a joining server kept behind two epochs does not come back when it was thawed and the server joins once more', async () => {
  const { servers, callers, keyId, change, freeze, frozenAt } = await begin();
  const [charlie, delta, echo] = [2, 3, 4];
  const go = async (from: readonly number[], to: readonly number[]) => {
    const carried = await change(from, to);
    await carried.commit(await completeChange(carried));
  };
  // A join that comes to nothing leaves its row.
  const { order } = await change([0, 1, charlie], [0, 1, delta]);
  const chain = await fetchChain(callers[0]!, keyId);
  const { policy } = await callers[0]!.call('key.show', { keyId });
  await callers[delta]!.call('change.propose', { order, chain, policy });
  await go([0, 1, charlie], [0, 1, echo]);
  const joins = await change([0, 1, echo], [0, 1, delta]);
  const certificate = await completeChange(joins);
  await freeze(delta);
  await joins.commit(certificate);
  expect(await frozenAt(delta)).toBe(TEST_TIME + HOUR);
  await freeze(delta, 2, 2);
  expect(await frozenAt(delta)).toBe(TEST_TIME + 2 * HOUR);
  await createKeyDesk(servers[delta]!).thaw(encodeHex(keyId), null);
  expect(await frozenAt(delta)).toBeNull();
  await go([0, 1, delta], [0, 1, charlie]);
  await go([0, 1, charlie], [0, 1, delta]);
  expect(await frozenAt(delta)).toBeNull();
});
