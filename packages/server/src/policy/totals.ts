import type { JudgedRequest, TotalAsked } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type Facts, REQUEST_FACTS } from '@ckm/requests';
import type { Reader, TotalRow, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { Vault } from '../vault/vault.js';
import type { Counting } from './counting.js';

/** As far as terms look back. Seconds. */
const LONGEST_WINDOW = 31 * 86_400;
/** What no window reaches is removed with every so many requests. */
const REMOVED_EVERY = 64;

/** A key whose requests are summed. */
export interface SummedKey {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** Since when this server has seen every request for it; null: from the first on. */
  readonly counting: Counting | null;
  /** Since when it sums them, because terms of before summed nothing; absent: from the first on. UnixSeconds. */
  readonly summing?: number;
}

/** A request among those of its key that are summed. */
export interface SummedRequest {
  readonly requestId: Uint8Array;
  /** Its number, as it is stored with it; null: it was given no share yet. */
  readonly number: number | null;
}

/** How much was let in of each fact from the first request on, up to and with one; decimal, since sums have no end. */
interface Sums {
  readonly requestId: Uint8Array;
  readonly sums: Readonly<Record<string, string>>;
}

/**
 * How much was let in before a request, by fact and window; null for a window that this server has not seen whole. One that was given a share already is
 * judged as it was then: what came behind it says nothing against it. Nothing is read where nothing is asked.
 */
export async function readTotals(
  vault: Vault,
  reader: Reader,
  key: SummedKey,
  {
    totals,
    request,
    now,
  }: {
    readonly totals: readonly TotalAsked[];
    readonly request: SummedRequest;
    readonly now: number;
  },
): Promise<JudgedRequest['before']> {
  if (totals.length === 0) return () => null;
  const { owner, keyId } = key;
  const own = await findOwn(vault, reader, key, request);
  const last =
    own === null
      ? await reader.totals.last(owner, keyId)
      : await reader.totals.find(owner, keyId, own.number - 1);
  // A clock that went back makes no window longer.
  const moment = own?.at ?? Math.max(now, last?.at ?? 0);
  const behind = sumsIn(vault, last);
  const starts = new Map<number, Sums['sums']>();
  for (const { within } of totals)
    if (!starts.has(within) && moment - within >= seenFrom(key))
      starts.set(within, sumsIn(vault, await reader.totals.lastBy(owner, keyId, moment - within)));
  return ({ fact, within }) => {
    const start = starts.get(within);
    return start === undefined ? null : Number(amountIn(behind, fact) - amountIn(start, fact));
  };
}

/** From when on this server has summed every request. */
function seenFrom({ counting, summing = 0 }: SummedKey): number {
  // Whom its operator has released goes by what it has.
  const counts = counting === null || counting.isReleased === true ? 0 : counting.at;
  return Math.max(counts, summing);
}

/**
 * Sums a request that a share is given for, in the transaction that gives it, with the row of its key held.
 * @param facts what it says
 * @returns its number, to be stored with it; null: it has one
 */
export async function addToTotals(
  vault: Vault,
  transaction: Transaction,
  key: SummedKey,
  {
    request,
    kind,
    facts,
    now,
  }: {
    readonly request: SummedRequest;
    readonly kind: string;
    readonly facts: Facts;
    readonly now: number;
  },
): Promise<number | null> {
  const { owner, keyId, counting } = key;
  if ((await findOwn(vault, transaction, key, request)) !== null) return null;
  const last = await transaction.totals.last(owner, keyId);
  const number = (last?.number ?? 0) + 1;
  const at = Math.max(now, last?.at ?? 0, counting?.at ?? 0);
  const sums = added(sumsIn(vault, last), kind, facts);
  const record: Sums = { requestId: request.requestId, sums };
  await transaction.totals.insert(sealRecord(vault, 'totals', { owner, keyId, number, at }, record));
  if (number % REMOVED_EVERY === 0) await removePassed(transaction, key, at);
  return number;
}

/** The row of a request that was summed: of that very one, since rows may be gone where a backup came back. */
async function findOwn(
  vault: Vault,
  reader: Reader,
  { owner, keyId }: SummedKey,
  { requestId, number }: SummedRequest,
): Promise<TotalRow | null> {
  const row = number === null ? null : await reader.totals.find(owner, keyId, number);
  const isIt = row !== null && equalBytes(openRecord<Sums>(vault, 'totals', row).requestId, requestId);
  return isIt ? row : null;
}

/** Where the longest window begins is kept, so that there is something to take from. */
async function removePassed(
  transaction: Transaction,
  { owner, keyId }: SummedKey,
  at: number,
): Promise<void> {
  const start = await transaction.totals.lastBy(owner, keyId, at - LONGEST_WINDOW);
  if (start !== null) await transaction.totals.removeBefore(owner, keyId, start.number);
}

function sumsIn(vault: Vault, row: TotalRow | null): Sums['sums'] {
  return row === null ? {} : openRecord<Sums>(vault, 'totals', row).sums;
}

/** Every amount of the request, whatever the terms sum now: later ones may sum another. */
function added(before: Sums['sums'], kind: string, facts: Facts): Sums['sums'] {
  const sums = new Map(Object.entries(before));
  const types = Object.hasOwn(REQUEST_FACTS, kind) ? REQUEST_FACTS[kind]! : {};
  for (const [name, value] of Object.entries(facts)) {
    const isAmount = typeof value === 'number' && Object.hasOwn(types, name) && types[name]!.is === 'sats';
    if (isAmount) sums.set(name, String(amountIn(before, name) + BigInt(value)));
  }
  return Object.fromEntries(sums);
}

function amountIn(sums: Sums['sums'], fact: string): bigint {
  return Object.hasOwn(sums, fact) ? BigInt(sums[fact]!) : 0n;
}
