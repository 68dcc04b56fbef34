import { devicesKeyName } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { decodePublicKeys } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import type { Account, RemovedDevice } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';
import { type Counter, countedBy, waitFrom } from '../sessions/waiting-time.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { readCounted, type StoredYoung, writeYoung } from './counted-devices.js';

/** For so long a device that another one has removed may stop what goes on, and nothing else (L9). Seconds that the server runs. */
const STOPPING_SECONDS = 604_800;

type Vault = Pick<ServerContext, 'vault'>;
/** A device that was taken out, and until when it may stop what goes on. */
type Stopping = Pick<RemovedDevice, 'id'> & { readonly until: number };

/**
 * The row in which it is counted how long a device may still stop what goes on. It is of its key, both halves of it, and not the one in which it is counted how
 * long it is young: whoever lists it again, or half of it, ends neither.
 */
function rowIdOf({ publicKeys }: RemovedDevice): Uint8Array {
  return taggedHash('CKM/devices/stopping/v1', publicKeys);
}

/** Whether a row is of this device; rows of before were named after it alone. */
function isRowOf(id: Uint8Array, one: RemovedDevice): boolean {
  return equalBytes(id, rowIdOf(one)) || equalBytes(id, one.id);
}

/** Who was taken out of an account, is not in it again, and may still stop what goes on; and until when, if this server runs on. UnixSeconds. */
export async function readStopping(
  { vault }: Vault,
  reader: Reader,
  { xid, keys, devices }: Account,
  counter: Counter,
): Promise<readonly Stopping[]> {
  const gone = (devices?.removed ?? []).filter(
    ({ publicKeys }) => !keys.devices.has(devicesKeyName(decodePublicKeys(publicKeys))),
  );
  if (gone.length === 0) return [];
  const rows = [...(await readCounted(vault, reader, xid, true)).values()];
  return gone.map((one) => ({ id: one.id, until: untilOf(rows, one, counter) }));
}

function untilOf(rows: readonly StoredYoung[], one: RemovedDevice, counter: Counter): number {
  const waited = rows.find(({ row }) => isRowOf(row.id, one))?.record.waited;
  return waited === undefined ? counter.now : counter.now + waited.needed - countedBy(counter, waited);
}

/**
 * Keeps for whom it is counted how long he may still stop what goes on. Called before what is young is kept.
 * @param removed all of them @param fresh those of them for whom it begins now
 */
export async function noteStopping(
  { vault }: Vault,
  transaction: Transaction,
  owner: Uint8Array,
  counter: Counter,
  {
    removed,
    fresh,
  }: { readonly removed: readonly RemovedDevice[]; readonly fresh: readonly RemovedDevice[] },
): Promise<void> {
  const rows = [...(await readCounted(vault, transaction, owner, true)).values()];
  const counting = new Set<string>();
  for (const { row, record } of rows) {
    const one = removed.find((each) => isRowOf(row.id, each));
    const goesOn = one !== undefined && !fresh.includes(one);
    if (goesOn) counting.add(encodeHex(rowIdOf(one)));
    if (goesOn && equalBytes(row.id, rowIdOf(one))) continue;
    await transaction.youngDevices.remove(owner, row.id);
    if (goesOn) await writeYoung(vault, transaction, owner, null, rowIdOf(one), record);
  }
  for (const one of removed) {
    const id = rowIdOf(one);
    if (counting.has(encodeHex(id))) continue;
    const waited = waitFrom(counter, STOPPING_SECONDS);
    const record = { addedBy: owner, isSeen: true, isRemoved: true, waited } as const;
    await writeYoung(vault, transaction, owner, null, id, record);
  }
}

/** Its time is over: from then on it is to this server as if it had never been there. @param id of its row */
export async function forgetStopping(
  accounts: ServerContext['accounts'],
  transaction: Transaction,
  owner: Uint8Array,
  id: Uint8Array,
): Promise<void> {
  const devices = (await accounts.find(transaction, owner))?.devices ?? null;
  if (devices === null) return;
  const removed = (devices.removed ?? []).filter((one) => !isRowOf(id, one));
  await accounts.setDevices(transaction, owner, { ...devices, removed });
}
