import type { Reader, RecoveryRow, Transaction } from '../storage/storage.js';
import type { Counter } from '../sessions/waiting-time.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import { type Case, isResting, KEPT_SECONDS } from './case.js';
import type { WaysBackMeans } from './means.js';

export interface StoredCase {
  readonly row: RecoveryRow;
  readonly one: Case;
}

type Sealer = Pick<WaysBackMeans['context'], 'vault' | 'clock'>;

/** Of one account in one state: how many are looked at. More than an account has. */
const MOST_CASES = 64;
/** Those that something follows from come first: whoever looks at a part of them sees these. */
const STATES = ['waiting', 'vetoed', 'done', 'over'] as const;

export function openCaseRow({ vault }: Pick<Sealer, 'vault'>, row: RecoveryRow): StoredCase {
  return { row, one: { ...openRecord<Case>(vault, 'recoveries', row), state: row.state } };
}

export async function findCase(
  context: Pick<Sealer, 'vault'>,
  reader: Reader,
  id: Uint8Array,
): Promise<StoredCase | null> {
  const row = await reader.recoveries.find(id);
  return row === null ? null : openCaseRow(context, row);
}

/** Those of an account: who waits first, then who was told no. */
export async function casesOf(
  context: Pick<Sealer, 'vault'>,
  reader: Reader,
  owner: Uint8Array,
): Promise<readonly StoredCase[]> {
  const found: StoredCase[] = [];
  for (const state of STATES) {
    const rows = await reader.recoveries.of(owner, state, MOST_CASES);
    found.push(...rows.map((row) => openCaseRow(context, row)));
  }
  return found;
}

/** Writes a case over what was stored of it, or for the first time. @param before null: nothing was */
export async function storeCase(
  { vault, clock }: Sealer,
  transaction: Transaction,
  { id, owner }: Pick<RecoveryRow, 'id' | 'owner'>,
  before: RecoveryRow | null,
  one: Case,
): Promise<void> {
  const { state, delaySeconds } = one;
  const isUnchanged = before?.state === state;
  const until = isUnchanged ? before.until : clock() + delaySeconds + KEPT_SECONDS;
  const columns = { id, owner, state, until, version: (before?.version ?? 0) + 1 };
  const row = sealRecord(vault, 'recoveries', columns, one);
  await (before === null ? transaction.recoveries.insert(row) : transaction.recoveries.update(row));
}

/** Whether it is there for somebody still: what was not finished in time is over, whatever its row says. */
export function isOutOfTime({ row }: StoredCase, counter: Counter): boolean {
  return row.state === 'waiting' && row.until < counter.now;
}

/** Whether nothing follows from it any more. */
export function isForgotten(stored: StoredCase, counter: Counter): boolean {
  return stored.row.until < counter.now && !isResting(stored.one, counter);
}
