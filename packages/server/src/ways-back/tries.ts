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
  const isOld = before === null || now - before.since >= DAY_SECONDS;
  const tries: Tries = isOld ? { count: 1, since: now } : { count: before.count + 1, since: before.since };
  const columns = { handle, until: tries.since + 2 * DAY_SECONDS, version: (row?.version ?? 0) + 1 };
  const next = sealRecord(vault, 'recovery_tries', columns, tries);
  await (row === null ? transaction.recoveryTries.insert(next) : transaction.recoveryTries.update(next));
  return tries.count <= most;
}
