import { encodeHex, EncodingError } from '@ckm/foundation';
import { type Description, REQUEST_ERRORS, type RequestErrorCode, type Spending } from '@ckm/requests';
import type { KeyRecord, SignedSpending } from './key-record.js';
import { type MarkedSpending, markOf, markSpending, marksIn } from '../store/marks.js';

/** Of so many signatures that spend coins, the latest are remembered; of so many one is told by name. */
const MOST_SIGNED = 128;
/** Marks of 2,048 coins. */
const MOST_BYTES = 32_768;
const NAMED = 2;
/** Letters of a name that are shown. */
const SHORT = 16;

/**
 * Refuses a transaction that passes off as somebody else's a coin that was signed for with the key before: what two such
 * transactions say about themselves is false of the one that both sets of signatures make.
 * @throws EncodingError `PSBT_INPUT_OWNER_HIDDEN`
 */
export function assertNoneHidden(spending: Spending | null, { spent = [] }: Pick<KeyRecord, 'spent'>): void {
  if (spending !== null) assertNoneOf(spending, spent, 'a coin that this key signed for before');
}

/**
 * Refuses what passes off as somebody else's a coin of the key that others spend.
 * @param what such a coin is, in words
 * @throws EncodingError `PSBT_INPUT_OWNER_HIDDEN`
 */
export function assertNoneOf(
  { coinsOfOthers }: Spending,
  others: readonly MarkedSpending[],
  what: string,
): void {
  if (coinsOfOthers.length === 0) return;
  const known = new Set(others.flatMap(({ coins }) => marksIn(coins).map(encodeHex)));
  const hidden = coinsOfOthers.find((coin) => known.has(encodeHex(markOf(coin))));
  if (hidden === undefined) return;
  const code: RequestErrorCode = 'PSBT_INPUT_OWNER_HIDDEN';
  throw new EncodingError(`${what} is passed off as somebody else’s: ${hidden}`, {
    code,
    hint: REQUEST_ERRORS[code],
  });
}

/** Those of others that spend one of the same coins and do something else: only one of them can happen. */
export function rivalsOf<T extends MarkedSpending>(spending: Spending, others: readonly T[]): readonly T[] {
  const marks = new Set(spending.coins.map((coin) => encodeHex(markOf(coin))));
  return others.filter(
    ({ by, coins }) => by !== spending.by && marksIn(coins).some((mark) => marks.has(encodeHex(mark))),
  );
}

/** The latest of several by name, and how many more there are. */
export function nameLatest(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `${names.slice(-NAMED).join(', ')}${more}`;
}

/** Warns of coins that something else spends that was signed with the key here before: only one of the two can happen. */
export function warnOfSpentCoins(
  description: Description,
  spending: Spending | null,
  { spent = [] }: Pick<KeyRecord, 'spent'>,
): Description {
  if (spending === null) return description;
  const rivals = rivalsOf(spending, spent);
  if (rivals.length === 0) return description;
  const names = nameLatest(rivals.map(({ by }) => shortName(by)));
  const text = `you signed another transaction that spends the same coin: ${names}; only one of them can be mined`;
  return { ...description, warnings: [...description.warnings, { code: 'COIN_SIGNED_BEFORE', text }] };
}

/** The record with what a signature spends. @param at UnixSeconds */
export function withSpentCoins(record: KeyRecord, spending: Spending, at: number): KeyRecord {
  const others = (record.spent ?? []).filter((one) => one.by !== spending.by);
  const one: SignedSpending = { ...markSpending(spending), at };
  return { ...record, spent: latest([...others, one]) };
}

/** As many of the last ones as are remembered, and the very last whatever it spends. */
function latest(signed: readonly SignedSpending[]): readonly SignedSpending[] {
  let bytes = 0;
  const first = signed.findLastIndex(({ coins }, at) => {
    bytes += coins.length;
    return at < signed.length - 1 && bytes > MOST_BYTES;
  });
  return signed.slice(first + 1).slice(-MOST_SIGNED);
}

/** Its beginning and end, which are compared with a wallet's list at a glance; short names as they are. */
function shortName(name: string): string {
  return name.length <= SHORT ? name : `${name.slice(0, SHORT / 2)}…${name.slice(-SHORT / 2)}`;
}
