import { JUST_HEARD, type Silence, silentFor } from '@ckm/api';
import type { ServerContext } from '../context.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { noteMarks } from '../sessions/keys/stored/note-marks.js';
import { marksOf } from '../sessions/keys/stored/key-head.js';
import { countedBy, type Counter, waitFrom, type WaitingTime } from '../sessions/waiting-time.js';
import type { KeyRow, LifeRow, Reader, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';

/** What is kept of the life of the owner of one key. */
export interface LifeRecord {
  /** How often the count began anew; the head of the key says it too. */
  readonly begun: number;
  /** The one count that everything in {@link silence} goes by. */
  readonly waited: WaitingTime;
  /** As of when it was stored. */
  readonly silence: Silence;
  /** When the last warning was written. UnixSeconds. */
  readonly warnedAt: number;
  /** Of each signer the highest number that was heard. */
  readonly numbers: readonly { readonly by: Uint8Array; readonly number: number }[];
}

/** A record and where it lies; null where there is none, or one that was put back, which counts as none. */
export interface StoredLife {
  readonly row: LifeRow | null;
  readonly record: LifeRecord | null;
}

/** As many seconds as any terms wait for, and as much again for a case: nothing is counted beyond. */
const MOST_COUNTED = 2 * 3_650 * 86_400;

export async function findLife(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  { life = 0 }: Pick<KeyHead, 'life'>,
): Promise<StoredLife> {
  const row = await reader.life.find(owner, keyId);
  if (row === null) return { row, record: null };
  const record = openRecord<LifeRecord>(vault, 'life', row);
  return { row, record: record.begun === life ? record : null };
}

/** What a record says by now. */
export function silenceNow(counter: Counter, { silence, waited }: LifeRecord): Silence {
  return silentFor(silence, countedBy(counter, waited));
}

/**
 * Begins to count anew, as when the owner was heard just now.
 * @param key held
 * @param numbers null: as they are
 */
export async function beginLife(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  key: KeyRow,
  counter: Counter,
  { row, record }: StoredLife,
  numbers: LifeRecord['numbers'] | null = null,
): Promise<void> {
  const marks = marksOf(openHead(context, key));
  const begun = (marks.life ?? 0) + 1;
  await noteMarks(context, transaction, key, { ...marks, life: begun });
  await storeLife(context, transaction, key, row, {
    begun,
    waited: waitFrom(counter, MOST_COUNTED),
    silence: JUST_HEARD,
    warnedAt: 0,
    numbers: numbers ?? record?.numbers ?? [],
  });
}

export async function storeLife(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  before: LifeRow | null,
  record: LifeRecord,
): Promise<void> {
  const columns = { owner, keyId, version: (before?.version ?? 0) + 1 };
  await transaction.life.put(sealRecord(vault, 'life', columns, record));
}
