import type { ClientContext } from '../context/context.js';
import type { HandedOut, KeyRecord } from './key-record.js';
import { loadKeyRecord, saveKeyRecord } from './keys.js';

/** Which receive address is handed out, and to whom. */
export interface AddressWish {
  /** Absent: the next that was never handed out here. */
  readonly index?: number;
  /** For its owner: who was given it, or for what. */
  readonly note?: string;
}

export interface AddressOffer {
  readonly index: number;
  /** Never handed out here before. */
  readonly isNew: boolean;
  /** What is on record of it from before. */
  readonly before: HandedOut | null;
  /** Where the next one comes from: no index from here on was handed out here, but one that is far ahead. */
  readonly count: number;
}

/**
 * An address this far ahead of those that were handed out does not move the count: no wallet looks so far, and a slip of
 * the finger would leave all addresses before it unused.
 */
const FAR_AHEAD = 1_000;
/** The latest of those that were handed out are kept with time and note. */
const MOST_KEPT = 512;

/** What {@link handOutAddress} would give. */
export function offerAddress(record: KeyRecord, { index: wanted }: AddressWish): AddressOffer {
  const { addressesShown = 0, handedOut = [] } = record;
  const kept = new Map(handedOut.map((one) => [one.index, one]));
  let next = addressesShown;
  while (kept.has(next)) next++;
  const index = wanted ?? next;
  const before = kept.get(index) ?? null;
  const isNew = before === null && index >= addressesShown;
  return { index, isNew, before, count: countWith(record, index) };
}

/** How many count as handed out once this one is. */
function countWith({ addressesShown = 0 }: KeyRecord, index: number): number {
  return index < addressesShown + FAR_AHEAD ? Math.max(addressesShown, index + 1) : addressesShown;
}

/**
 * The receive address of a key that is handed out now: two payers never get the same one unless its owner names it. Another
 * machine of the same owner counts for itself.
 * @throws UsageError `KEY_UNKNOWN`
 */
export async function handOutAddress(
  { store, clock }: ClientContext,
  name: string,
  wish: AddressWish,
): Promise<AddressOffer> {
  return store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, name);
    const offer = offerAddress(record, wish);
    if (!offer.isNew && wish.note === undefined) return offer;
    const entry = { index: offer.index, at: clock(), note: wish.note ?? null };
    const others = (record.handedOut ?? []).filter(({ index }) => index !== offer.index);
    const handedOut = [...others, entry].slice(-MOST_KEPT);
    await saveKeyRecord(store, { ...record, addressesShown: offer.count, handedOut });
    return offer;
  });
}

/**
 * What a transaction says of addresses is chosen by whoever made it: it moves a count by this much at most, and only the
 * first one, when nothing is known yet, by more.
 */
const MOST_MOVED = 100;

function mostAfter(count: number): number {
  return count === 0 ? FAR_AHEAD : count + MOST_MOVED;
}

/** The record with addresses that a signed transaction shows to be in use: the next one comes after them. */
export function withAddressesUsed(record: KeyRecord, indices: readonly number[]): KeyRecord {
  const { addressesShown: before = 0 } = record;
  const near = indices.filter((index) => index < mostAfter(before));
  const addressesShown = Math.max(before, ...near.map((index) => index + 1));
  return addressesShown === before ? record : { ...record, addressesShown };
}

/** The record with change addresses that a signed transaction shows to be in use: change far beyond them is warned of. */
export function withChangesUsed(record: KeyRecord, indices: readonly number[]): KeyRecord {
  const { changesUsed: before = 0 } = record;
  const shown = Math.max(before, ...indices.map((index) => index + 1));
  const changesUsed = Math.min(shown, mostAfter(before));
  return changesUsed === before ? record : { ...record, changesUsed };
}
