import { parseReceipt } from '@ckm/api';
import { carryChange, completeChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { noteBegun, noteDestroyed, noteRestored } from '../server/storage-marks.js';
import type { Transaction } from '../storage/storage.js';
import { TEST_TIME } from './test/bare-server.js';
import { createBareServers, makeKey } from './test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const HOUR = 3_600;
const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;

test('a receipt counts the backups that may hold the old share, and what its operator says of them since', async () => {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(3, { now: () => clock.now });
  const { context } = servers[0]!;
  const begun = (at: number) =>
    context.storage.transact((transaction) => noteBegun(transaction, context.vault, at));
  const destroyed = (before: number) =>
    context.storage.transact((transaction) => noteDestroyed(transaction, context.vault, before));
  await begun(TEST_TIME - 2 * HOUR);
  const { keyId } = await makeKey(callers, { policy: AT_ONCE });
  clock.now += 10 * HOUR;
  await begun(clock.now);
  clock.now += 20 * HOUR;
  await begun(clock.now);
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
  await begun(clock.now);
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
  const year = 365 * 24 * HOUR;
  // Said while the clocks are a year ahead; then they are right again, and backups are made.
  await write((index, transaction) => noteDestroyed(transaction, vaultOf(index), TEST_TIME + year));
  clock.now += HOUR;
  await write((index, transaction) => noteBegun(transaction, vaultOf(index), clock.now));
  clock.now += HOUR;
  const change = await carryChange({ servers: callers, keyId, expiresAt: () => clock.now + 600 });
  const committed = await change.commit(await completeChange(change));
  const receipts = async () =>
    (await change.retire(committed)).map(({ receipt }) => parseReceipt(receipt).backups);
  const held = { taken: 1, destroyed: 0 };
  expect((await receipts()).slice(0, 2)).toEqual([held, held]);
  clock.now += 2 * year;
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
