import { encodeHex, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { readProven } from '../sessions/keys/proven-devices.js';
import type { KeyRow, Transaction } from '../storage/storage.js';
import { sealRecord } from '../vault/sealed-record.js';
import type { NotedWish } from './key-wishes.js';

/**
 * Keeps whose the entries on the list of a key are, and its owner where he is a device, as their devices have shown; of what is on it no more it is forgotten. Whose an entry is stays so: whoever is out
 * of the account does not come back under another device. Each device has one entry.
 * @param ids of the entries of the list in force, and of the owner @param wishes of devices that the account has; held by this transaction
 */
export async function proveEntries(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  ids: readonly Uint8Array[],
  wishes: readonly NotedWish[],
): Promise<void> {
  const proven = new Map(await readProven(context, transaction, { owner, keyId }));
  for (const { id } of await transaction.provenDevices.of(owner, keyId)) {
    if (ids.some((one) => equalBytes(one, id))) continue;
    await transaction.provenDevices.remove(owner, keyId, id);
    proven.delete(encodeHex(id));
  }
  for (const { id, wish } of wishes) {
    const isListed = ids.some((one) => equalBytes(one, id));
    const isTaken = proven.has(encodeHex(id)) || [...proven.values()].some((one) => equalBytes(one, wish.by));
    if (!isListed || isTaken) continue;
    proven.set(encodeHex(id), wish.by);
    const columns = { owner, keyId, id };
    await transaction.provenDevices.insert(
      sealRecord(context.vault, 'proven_devices', columns, { device: wish.by }),
    );
  }
}
