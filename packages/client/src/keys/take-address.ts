import type { ClientContext } from '../context/context.js';
import { loadKeyRecord, saveKeyRecord } from './keys.js';

/**
 * The index of the next receive address of a key that was never handed out here, which counts as handed out from now on:
 * two payers never get the same one. Another machine of the same owner counts for itself.
 * @throws UsageError `KEY_UNKNOWN`
 */
export async function takeAddressIndex({ store }: ClientContext, name: string): Promise<number> {
  return store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, name);
    const index = record.addressesShown ?? 0;
    await saveKeyRecord(store, { ...record, addressesShown: index + 1 });
    return index;
  });
}
