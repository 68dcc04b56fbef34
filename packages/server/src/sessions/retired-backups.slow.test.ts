import { parseReceipt } from '@ckm/api';
import { carryChange, completeChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { noteBegun, noteDestroyed, noteRestored } from '../server/storage-marks.js';
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
