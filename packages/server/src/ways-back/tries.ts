import type { Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { WaysBackMeans } from './means.js';

/** So often a day something may be tried under one name. */
export const MOST_TRIES = 8;
const DAY_SECONDS = 86_400;

interface Tries {
  readonly count: number;
  /** UnixSeconds. */
  readonly since: number;
  /** Of the last right code that came beyond what is allowed, and when; absent: none did. */
  readonly right?: { readonly step: number; readonly at: number };
}

/**
 * Counts one more try under a name, for whatever name, and before it is looked at whether it holds: neither a restart nor another replica
 * forgets it.
 * @param handle 32 bytes, keyed
 * @returns whether it is one of those that are allowed
 */
export async function takeTry(
  { vault, clock }: Pick<WaysBackMeans['context'], 'vault' | 'clock'>,
  transaction: Transaction,
  handle: Uint8Array,
  most: number = MOST_TRIES,
): Promise<boolean> {
  const now = clock();
  const row = await transaction.recoveryTries.find(handle);
  const before = row === null ? null : openRecord<Tries>(vault, 'recovery_tries', row);
  // What is of the future is of a clock that was ahead.
  const isOld = before === null || now - before.since >= DAY_SECONDS || before.since > now;
  const tries: Tries = isOld ? { count: 1, since: now } : { ...before, count: before.count + 1 };
  const columns = { handle, until: tries.since + 2 * DAY_SECONDS, version: (row?.version ?? 0) + 1 };
  const next = sealRecord(vault, 'recovery_tries', columns, tries);
  await (row === null ? transaction.recoveryTries.insert(next) : transaction.recoveryTries.update(next));
  return tries.count <= most;
}

/** A second code comes within so long. Seconds. */
const SECOND_SECONDS = 3_600;

/**
 * Takes a right code that came when a name had used up its tries: it counts as the second of two, so that whoever knows the name keeps nobody out whose
 * app it is, and guesses twice as many digits.
 * @param handle 32 bytes, keyed: of the name and of whoever asks, counted by {@link takeTry} in this transaction
 * @returns whether a right one of an earlier step came before it
 */
export async function isSecondCode(
  { vault, clock }: Pick<WaysBackMeans['context'], 'vault' | 'clock'>,
  transaction: Transaction,
  handle: Uint8Array,
  step: number,
): Promise<boolean> {
  const row = await transaction.recoveryTries.find(handle);
  if (row === null) return false;
  const { sealed: _sealed, ...columns } = row;
  const before = openRecord<Tries>(vault, 'recovery_tries', row);
  const { right } = before;
  const now = clock();
  if (right !== undefined && right.at <= now && now - right.at <= SECOND_SECONDS) return right.step < step;
  const tries: Tries = { ...before, right: { step, at: now } };
  const next = { ...columns, version: row.version + 1 };
  await transaction.recoveryTries.update(sealRecord(vault, 'recovery_tries', next, tries));
  return false;
}
