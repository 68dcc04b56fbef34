import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { COUNT_SECONDS, type Counter, countOn } from '../sessions/waiting-time.js';
import { passIfTampered } from '../storage/tampered-row.js';
import type { YoungDeviceRow } from '../storage/storage.js';
import { readCounted, writeYoung } from './counted-devices.js';
import { forgetStopping } from './stopping.js';

const PAGE = 64;

/** Counts for every young device, and forgets those that are not young any more. Called every few seconds. */
export function createQuarantineSweep(context: ServerContext, counting: () => Counter): () => Promise<void> {
  const { storage, events } = context;
  // At once, so that what another process counted goes on soon after a start.
  let restsUntil = 0;
  return async () => {
    const counter = counting();
    if (counter.lived < restsUntil) return;
    restsUntil = counter.lived + COUNT_SECONDS;
    for (let after: YoungDeviceRow | null = null; ;) {
      const place: YoungDeviceRow | null = after;
      const rows: readonly YoungDeviceRow[] = await storage.read(({ youngDevices }) =>
        youngDevices.listAll(place, PAGE),
      );
      for (const row of rows)
        await passIfTampered(events.storageFailed, () => countAt(context, row, counter));
      if (rows.length < PAGE) return;
      after = rows.at(-1)!;
    }
  };
}

async function countAt(
  { storage, vault, accounts }: ServerContext,
  { owner, id }: YoungDeviceRow,
  counter: Counter,
): Promise<void> {
  await storage.transact(async (transaction) => {
    // Held, so that nobody takes it off the list, or sees it, meanwhile.
    await accounts.hold(transaction, owner);
    const name = encodeHex(id);
    const [young, removed] = [
      await readCounted(vault, transaction, owner, false),
      await readCounted(vault, transaction, owner, true),
    ];
    const known = young.get(name) ?? removed.get(name);
    if (known === undefined) return;
    const { row, record } = known;
    const waited = countOn(record.waited, counter);
    if (waited.counted >= waited.needed) {
      await transaction.youngDevices.remove(owner, id);
      if (record.isRemoved === true) await forgetStopping(accounts, transaction, owner, id);
    } else if (waited !== record.waited)
      await writeYoung(vault, transaction, owner, row, id, { ...record, waited });
  });
}
