import type { JudgedRequest, KeyTerms, LimitedTotal, WindowAsked } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type Facts, REQUEST_FACTS } from '@ckm/requests';
import type { Reader, TotalRow, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { Vault } from '../vault/vault.js';
import { termsInForce } from './terms.js';
import { type Counting, reachesBack, toldOf } from './counting.js';

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
 * How much was let in before a request, by fact and window: of a window that this server has not seen whole, what others said instead of what it has of the time
 * before, unless that is more; null where they have said nothing. One that was given a share already is
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
    readonly totals: readonly LimitedTotal[];
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
  const sumsBy = async (at: number) => sumsIn(vault, await reader.totals.lastBy(owner, keyId, at));
  const spent = new Map<string, number>();
  for (const { fact, within, most } of totals) {
    const since = (start: Sums['sums']) => amountIn(behind, fact) - amountIn(start, fact);
    const seen = since(await sumsBy(moment - within));
    const window = { within, most, of: fact };
    if (isWhole(key, window, moment)) spent.set(`${fact} ${within}`, Number(seen));
    const told = toldSum(key, window, moment);
    if (told === null) continue;
    const anew = since(await sumsBy(Math.max(moment - within, key.counting!.at - 1)));
    spent.set(`${fact} ${within}`, Number(anew) + Math.max(told, Number(seen - anew)));
  }
  return ({ fact, within }) => spent.get(`${fact} ${within}`) ?? null;
}

/** What others said of a sum; null: nothing that counts, or the terms have summed for less long than that. */
function toldSum(key: SummedKey, window: WindowAsked, moment: number): number | null {
  const { counting, summing = 0 } = key;
  if (counting === null || counting.isReleased === true || summing > counting.at) return null;
  return toldOf(counting, window, moment)?.count ?? null;
}

/**
 * Windows of sums of which this server does not know how much was let in, and others may: it came back, had its share repaired, or joined. Where the terms
 * have summed for less long than a window nobody knows.
 */
export function unknownSums(
  key: Pick<SummedKey, 'counting' | 'summing'>,
  totals: readonly LimitedTotal[],
  now: number,
): readonly WindowAsked[] {
  const { counting, summing = 0 } = key;
  if (counting === null || counting.isReleased === true) return [];
  return totals
    .map(({ fact, within, most }) => ({ within, most, of: fact }))
    .filter(
      (one) =>
        summing <= now - one.within && reachesBack(counting, one, now) && toldOf(counting, one, now) === null,
    );
}

/**
 * What another server is told of sums, each at most its `most`; left out: what this one does not know, or does not sum. What its operator has released it for it
 * tells nobody.
 */
export async function sumsToSay(
  vault: Vault,
  reader: Reader,
  owned: KeyTerms,
  key: SummedKey,
  asked: readonly WindowAsked[],
  now: number,
): Promise<ReadonlyMap<WindowAsked, number>> {
  const sums = asked.flatMap((window) =>
    window.of === undefined ? [] : [{ ...window, fact: window.of, window }],
  );
  if (sums.length === 0 || !termsInForce(owned).sums) return new Map();
  const its = { ...key, counting: key.counting === null ? null : { ...key.counting, isReleased: false } };
  const before = await readTotals(vault, reader, its, { totals: sums, request: NO_REQUEST, now });
  return new Map(
    sums.flatMap(({ window, most, ...total }) => {
      const sum = before(total);
      return sum === null ? [] : [[window, Math.min(sum, most)] as const];
    }),
  );
}

const NO_REQUEST: SummedRequest = { requestId: new Uint8Array(32), number: null };

/** Whether this server has summed every request of a window. Whom its operator has released goes by what it has. */
function isWhole({ counting, summing = 0 }: SummedKey, window: WindowAsked, moment: number): boolean {
  if (summing > moment - window.within) return false;
  return counting === null || counting.isReleased === true || !reachesBack(counting, window, moment);
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
