import { deviceTooYoung, type DevicesDocument, numberInBand } from '@ckm/api';
import { decodeHex, encodeHex, equalBytes } from '@ckm/foundation';
import type { Account } from '../accounts/accounts.js';
import type { Call, ServerContext } from '../context.js';
import { type Counter, countedBy, waitFrom } from '../sessions/waiting-time.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { type CountedDevices, readCounted, writeYoung, type YoungDevice } from './counted-devices.js';
import { isOfServer, isOfWords, lostBy } from './lists.js';

/** So long a device is young, from when another one has seen it. Seconds that a server runs. */
export const QUARANTINE_SECONDS = 259_200;
/** So long where nobody else has: whoever has one device has nobody who could. */
const UNSEEN_SECONDS = 2_592_000;
/** Lists of one band, of which a young device signs no later one: whoever was there before it can still take it out. */
export const LAST_OF_YOUNG = 511;

/** The young devices of an account, by their ids in hex. */
export type YoungDevices = CountedDevices;

export async function readYoung(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  owner: Uint8Array,
): Promise<YoungDevices> {
  return readCounted(vault, reader, owner, false);
}

/** When a device is not young any more if this server runs on; null: it is not. UnixSeconds. */
export function youngUntil(counter: Counter, young: YoungDevices, id: Uint8Array): number | null {
  const known = young.get(encodeHex(id));
  if (known === undefined) return null;
  const { waited } = known.record;
  const left = waited.needed - countedBy(counter, waited);
  return left > 0 ? counter.now + left : null;
}

/** Whether the key that a message is signed with is of a young device. */
export async function isYoungKey(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  counter: Counter,
  { account, by }: Pick<Call, 'account' | 'by'>,
): Promise<boolean> {
  if (by.may === null) return false;
  return youngUntil(counter, await readYoung(context, reader, account.xid), by.id) !== null;
}

/** How old devices are. */
export interface Ages {
  isYoung(id: Uint8Array): boolean;
  /** When it came. UnixSeconds; of one that this server does not know yet: now. */
  cameAt(id: Uint8Array): number;
}

export function agesOf(counter: Counter, { devices }: Account, young: YoungDevices): Ages {
  const known = new Map((devices?.since ?? []).map(({ id, at }) => [encodeHex(id), at]));
  return {
    isYoung: (id) => !known.has(encodeHex(id)) || youngUntil(counter, young, id) !== null,
    cameAt: (id) => known.get(encodeHex(id)) ?? counter.now,
  };
}

/**
 * A young device takes nothing from an older one (P2), nor the numbers with which that takes it out: a thief's fresh device does not lock its owner out.
 * @throws StateError `DEVICE_TOO_YOUNG`
 */
export function assertOldEnough(ages: Ages, before: DevicesDocument, next: DevicesDocument): void {
  const { by } = next;
  if (isOfWords(next) || isOfServer(next) || !ages.isYoung(by)) return;
  if (numberInBand(next) > LAST_OF_YOUNG) throw deviceTooYoung();
  const isOlder = (id: Uint8Array) => !ages.isYoung(id) || ages.cameAt(id) < ages.cameAt(by);
  if (lostBy(before, next).some((id) => !equalBytes(id, by) && isOlder(id))) throw deviceTooYoung();
}

/** Keeps who is young, list by list: whoever comes is, and the words see everybody who is on the list that they sign. */
export async function noteYoung(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  owner: Uint8Array,
  counter: Counter,
  young: YoungDevices,
  steps: readonly DevicesDocument[],
): Promise<void> {
  const now = new Map<string, YoungDevice>([...young].map(([name, { record }]) => [name, record]));
  const came = new Set<string>();
  for (const [i, list] of steps.entries()) {
    const before = steps[i - 1];
    if (before === undefined) continue;
    const old = new Set(before.keys.map(({ id }) => encodeHex(id)));
    const names = new Set(list.keys.map(({ id }) => encodeHex(id)));
    for (const name of now.keys()) if (!names.has(name)) now.delete(name);
    for (const name of names) {
      if (old.has(name)) continue;
      came.add(name);
      now.set(name, { addedBy: list.by, isSeen: false, waited: waitFrom(counter, UNSEEN_SECONDS) });
    }
    if (isOfWords(list)) for (const [name, one] of now) now.set(name, seen(counter, one));
  }
  await storeYoung(vault, transaction, owner, young, now, came);
}

async function storeYoung(
  vault: ServerContext['vault'],
  transaction: Transaction,
  owner: Uint8Array,
  before: YoungDevices,
  now: ReadonlyMap<string, YoungDevice>,
  came: ReadonlySet<string>,
): Promise<void> {
  for (const [name, { row }] of before) {
    if (!now.has(name) || came.has(name)) await transaction.youngDevices.remove(owner, row.id);
  }
  for (const [name, record] of now) {
    const known = came.has(name) ? undefined : before.get(name);
    if (known?.record === record) continue;
    await writeYoung(vault, transaction, owner, known?.row ?? null, decodeHex(name), record);
  }
}

/** Somebody else has seen it: from now on it is counted, if so long is not counted anyway. */
function seen(counter: Counter, young: YoungDevice): YoungDevice {
  if (young.isSeen) return young;
  const { waited } = young;
  const left = waited.needed - countedBy(counter, waited);
  const isShorter = left > QUARANTINE_SECONDS;
  return { ...young, isSeen: true, waited: isShorter ? waitFrom(counter, QUARANTINE_SECONDS) : waited };
}

/**
 * Has a key of an account see the young devices on its list.
 * @param by null: the words
 * @returns how many it is the first to see
 */
export async function seeYoung(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  owner: Uint8Array,
  counter: Counter,
  by: Uint8Array | null,
): Promise<number> {
  const young = await readYoung(context, transaction, owner);
  if (by !== null && youngUntil(counter, young, by) !== null) return 0;
  let count = 0;
  for (const { row, record } of young.values()) {
    if (record.isSeen || (by !== null && equalBytes(record.addedBy, by))) continue;
    await writeYoung(context.vault, transaction, owner, row, row.id, seen(counter, record));
    count++;
  }
  return count;
}
