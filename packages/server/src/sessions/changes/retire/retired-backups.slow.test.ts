import { parseReceipt } from '@ckm/api';
import { carryChange, completeChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { noteBegun, noteDestroyed, noteOver } from '../../../server/database/backup-marks.js';
import { acceptClock, noteRestored } from '../../../server/database/storage-marks.js';
import type { Transaction } from '../../../storage/storage.js';
import { type BareCaller, type BareServer, TEST_TIME } from '../../test/bare-server.js';
import { createBareServers, makeKey } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const HOUR = 3_600;
const YEAR = 365 * 24 * HOUR;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const MADE = {
  deed: 'operator.backup',
  who: null,
  keyId: null,
  subject: null,
  sentence: 'Make a backup',
  verdict: 'done',
  policy: '',
  detail: '',
} as const;

/** A backup, as a server notes it. @param meanwhile what happens while it is made */
async function backUp({ context }: BareServer, meanwhile = () => Promise.resolve()): Promise<void> {
  const { storage, vault, audit, clock } = context;
  const begun = await storage.transact(async (transaction) => {
    await audit.append(transaction, MADE);
    return noteBegun(transaction, vault, clock());
  });
  await meanwhile();
  await storage.transact((transaction) => noteOver(transaction, vault, begun));
}

/** A refresh. @returns what alpha says of backups of its old share, whenever it is asked */
async function refresh(callers: readonly BareCaller[], keyId: Uint8Array, now: () => number) {
  const change = await carryChange({ servers: callers, keyId, expiresAt: () => now() + 600 });
  const committed = await change.commit(await completeChange(change));
  return async () => {
    const [alpha] = await change.retire(committed);
    return parseReceipt(alpha!.receipt).backups;
  };
}

test('a receipt counts the backups that may hold the old share, and what its operator says of them since', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { context } = servers[0]!;
  const destroyed = (before: number) =>
    context.storage.transact((transaction) => noteDestroyed(transaction, context.vault, before));
  await backUp(servers[0]!);
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  clock.now += 10 * HOUR;
  await backUp(servers[0]!);
  clock.now += 20 * HOUR;
  await backUp(servers[0]!);
  clock.now += 10 * HOUR;
  const change = await carryChange({ servers: callers, keyId, expiresAt: () => clock.now + 600 });
  const committed = await change.commit(await completeChange(change));
  const receipts = async () =>
    (await change.retire(committed)).map(({ receipt }) => parseReceipt(receipt).backups);
  expect(await receipts()).toEqual([
    { taken: 2, destroyed: 0 },
    { taken: 0, destroyed: 0 },
    { taken: 0, destroyed: 0 },
  ]);
  clock.now += HOUR;
  await backUp(servers[0]!);
  expect((await receipts())[0]).toEqual({ taken: 2, destroyed: 0 });
  await destroyed(TEST_TIME + 11 * HOUR);
  expect((await receipts())[0]).toEqual({ taken: 2, destroyed: 1 });
  await destroyed(TEST_TIME);
  expect((await receipts())[0]).toEqual({ taken: 2, destroyed: 1 });
  await destroyed(clock.now);
  expect((await receipts())[0]).toEqual({ taken: 2, destroyed: 2 });

  clock.now += HOUR;
  const bravo = servers[1]!.context;
  await bravo.storage.transact((transaction) =>
    noteRestored(transaction, bravo.vault, clock.now, { id: new Uint8Array(16), takenAt: TEST_TIME }),
  );
  expect((await receipts())[1]).toBeUndefined();
  await bravo.storage.transact((transaction) => noteDestroyed(transaction, bravo.vault, clock.now));
  expect((await receipts())[1]).toEqual({ taken: 0, destroyed: 0 });
});

test('a clock that was ahead when its operator spoke of his backups makes no later one count as destroyed', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  const write = async (work: (index: number, transaction: Transaction) => Promise<void>) => {
    for (const index of [0, 1]) {
      const { storage } = servers[index]!.context;
      await storage.transact((transaction) => work(index, transaction));
    }
  };
  const vaultOf = (index: number) => servers[index]!.context.vault;
  // Said while the clocks are a year ahead; then they are right again, and backups are made.
  await write((index, transaction) => noteDestroyed(transaction, vaultOf(index), TEST_TIME + YEAR));
  clock.now += HOUR;
  for (const server of servers.slice(0, 2)) await backUp(server);
  clock.now += HOUR;
  const change = await carryChange({ servers: callers, keyId, expiresAt: () => clock.now + 600 });
  const committed = await change.commit(await completeChange(change));
  const receipts = async () =>
    (await change.retire(committed)).map(({ receipt }) => parseReceipt(receipt).backups);
  const held = { taken: 1, destroyed: 0 };
  expect((await receipts()).slice(0, 2)).toEqual([held, held]);
  clock.now += 2 * YEAR;
  expect((await receipts()).slice(0, 2)).toEqual([held, held]);
});

test('nor does it say of a server that was restored that those it does not know of are destroyed', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  const { storage, vault } = servers[0]!.context;
  await storage.transact((transaction) => noteDestroyed(transaction, vault, TEST_TIME + 10_000 * HOUR));
  clock.now += HOUR;
  await storage.transact((transaction) =>
    noteRestored(transaction, vault, clock.now, { id: new Uint8Array(16), takenAt: TEST_TIME }),
  );
  clock.now += HOUR;
  const change = await carryChange({ servers: callers, keyId, expiresAt: () => clock.now + 600 });
  const committed = await change.commit(await completeChange(change));
  clock.now += HOUR;
  const [first] = await change.retire(committed);
  expect(parseReceipt(first!.receipt).backups).toBeUndefined();
});

test('a backup that is begun while the clock is behind is in the receipt of the share that it holds', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  clock.now -= 2 * HOUR;
  await backUp(servers[0]!);
  clock.now += 3 * HOUR;
  const said = await refresh(callers, keyId, () => clock.now);
  expect(await said()).toEqual({ taken: 1, destroyed: 0 });
});

test('one that was begun while the clock was ahead counts for the share that it holds, also when that date is past, and for no later one', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  clock.now += YEAR;
  await backUp(servers[0]!);
  clock.now -= YEAR - HOUR;
  const first = await refresh(callers, keyId, () => clock.now);
  expect(await first()).toEqual({ taken: 1, destroyed: 0 });
  clock.now += 25 * HOUR;
  const second = await refresh(callers, keyId, () => clock.now);
  expect(await second()).toEqual({ taken: 0, destroyed: 0 });
  // The clock is right, says the operator: then it was begun before now.
  const { context } = servers[0]!;
  await acceptClock(context.storage, context.vault, clock.now);
  clock.now += HOUR;
  await context.storage.transact((transaction) => noteDestroyed(transaction, context.vault, clock.now));
  expect(await first()).toEqual({ taken: 1, destroyed: 1 });
  clock.now += 2 * YEAR;
  expect(await first()).toEqual({ taken: 1, destroyed: 1 });
  expect(await second()).toEqual({ taken: 0, destroyed: 0 });
});

test('what the operator says of earlier backups is not said of one that was begun while the clock was behind', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  await backUp(servers[0]!);
  clock.now -= YEAR;
  await backUp(servers[0]!);
  clock.now += YEAR + HOUR;
  const { context } = servers[0]!;
  const before = TEST_TIME - YEAR / 2;
  await context.storage.transact((transaction) => noteDestroyed(transaction, context.vault, before));
  const said = await refresh(callers, keyId, () => clock.now);
  expect(await said()).toEqual({ taken: 2, destroyed: 0 });
});

test('one that is under way when a share comes may hold it, however long it takes', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  let keyId: Uint8Array | undefined;
  await backUp(servers[0]!, async () => {
    clock.now += 24 * HOUR;
    ({ keyId } = await makeKey(callers, { policy: AT_ONCE, expiresAt: clock.now + 600 }));
  });
  const first = await refresh(callers, keyId!, () => clock.now);
  expect(await first()).toEqual({ taken: 1, destroyed: 0 });
  clock.now += 25 * HOUR;
  const second = await refresh(callers, keyId!, () => clock.now);
  expect(await second()).toEqual({ taken: 0, destroyed: 0 });
});
