import { equalBytes } from '@ckm/foundation';
import type { Description, Spending } from '@ckm/requests';
import type { ClientContext } from '../context/context.js';
import { withAddressesUsed, withChangesUsed } from './addresses.js';
import type { KeyRecord } from './key-record.js';
import { loadKeyRecord, saveKeyRecord } from './keys.js';
import { withPayees } from './payees.js';
import { withSpentCoins } from './spent-coins.js';

/**
 * Remembers what was signed: who was paid, which coins are spent, which addresses are in use. A key that was renamed or
 * forgotten meanwhile is left alone.
 * @param key the record of the key that signed
 */
export async function noteSignature(
  { store, clock }: ClientContext,
  { name, certificate }: KeyRecord,
  { description, spending }: { readonly description: Description; readonly spending: Spending | null },
): Promise<void> {
  if (spending === null && description.rows.every(({ payee }) => payee === undefined)) return;
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, name).catch(() => null);
    if (record === null || !equalBytes(record.certificate, certificate)) return;
    const paid = withPayees(record, description);
    await saveKeyRecord(store, spending === null ? paid : withSpending(paid, spending, clock()));
  });
}

function withSpending(record: KeyRecord, spending: Spending, now: number): KeyRecord {
  const spent = withSpentCoins(record, spending, now);
  return withChangesUsed(withAddressesUsed(spent, spending.addresses), spending.changes);
}
