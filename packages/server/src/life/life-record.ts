import { caseTold, JUST_HEARD, noticeSent, type SignedStatement, type Silence, silentFor } from '@ckm/api';
import type { ServerContext } from '../context.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { noteMarks } from '../sessions/keys/stored/note-marks.js';
import { marksOf } from '../sessions/keys/stored/key-head.js';
import { countedBy, type Counter, waitFrom, type WaitingTime } from '../sessions/waiting-time.js';
import type { KeyRow, LifeRow, Reader, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { LifeMeans } from './means.js';

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
  /** Of each signer the highest number that was heard. `signed`: as it came, for other servers; absent: of before there were cases. */
  readonly numbers: readonly {
    readonly by: Uint8Array;
    readonly number: number;
    readonly signed?: SignedStatement;
  }[];
  /** When the case was opened. UnixSeconds; absent: there is none. */
  readonly caseAt?: number;
  /** What others are asked about the case, and what they have said; absent: nobody was asked. */
  readonly hearing?: Hearing;
  /** XIDs of servers without whose word its operator lets the case go on, each until it says something; absent: of none. */
  readonly without?: readonly Uint8Array[];
  /** Who has had the days of the case begin anew, by the names in the terms; absent: nobody. */
  readonly doubted?: readonly string[];
  /** Whether it is in the log that the case was granted; absent: it was not. */
  readonly isGranted?: true;
}

/** One question to all other servers of a key. What they said of before is of no use a day later: the owner may have come back to one of them. */
export interface Hearing {
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** Where the count stood when it was drawn, and when that was, in UnixSeconds: it is over by whichever passes first. */
  readonly from: number;
  readonly at: number;
  /** Slots of whoever has said that the time has come there, too. */
  readonly said: readonly number[];
}

const HEARING_SECONDS = 86_400;

/** The question that is open; null: none is. */
export function openHearing(
  { hearing }: Pick<LifeRecord, 'hearing'>,
  { counted }: Silence,
  now: number,
): Hearing | null {
  if (hearing === undefined) return null;
  const isOver = counted - hearing.from > HEARING_SECONDS || now - hearing.at > HEARING_SECONDS;
  // A clock that went back says nothing of how long ago it was.
  return isOver || now < hearing.at ? null : hearing;
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
 * Begins to count anew, as when the owner was heard just now: a case is over, and with it what was granted.
 * @param key held
 * @param numbers null: as they are
 */
export async function beginLife(
  { context, counting, endBegun }: LifeMeans,
  transaction: Transaction,
  key: KeyRow,
  { row, record }: StoredLife,
  numbers: LifeRecord['numbers'] | null = null,
): Promise<void> {
  const marks = marksOf(openHead(context, key));
  const begun = (marks.life ?? 0) + 1;
  const { heirAsked } = marks;
  await noteMarks(context, transaction, key, {
    ...marks,
    life: begun,
    ...(heirAsked === undefined ? {} : { heirAsked: { ...heirAsked, isOver: true } }),
  });
  await storeLife(context, transaction, key, row, {
    begun,
    waited: waitFrom(counting(), MOST_COUNTED),
    silence: JUST_HEARD,
    warnedAt: 0,
    numbers: numbers ?? record?.numbers ?? [],
  });
  const over = record?.silence.case ?? null;
  if (over === null) return;
  await endBegun(transaction, key);
  await context.audit.append(transaction, {
    deed: 'silence.end',
    who: key.owner,
    keyId: key.keyId,
    subject: null,
    sentence: `The owner of a key counts as heard: what ${over.heir} has asked for is over.`,
    verdict: 'done',
    policy: '',
    detail: '',
  });
}

/** What a record says by now, with whatever of it has gone out to people. */
export async function toldByNow(
  transaction: Transaction,
  silence: Silence,
  { warnedAt, caseAt }: Pick<LifeRecord, 'warnedAt' | 'caseAt'>,
): Promise<Silence> {
  const isWarned = silence.warned !== 'nothing' && (await hasGoneOut(transaction, warnedAt));
  const warned = isWarned ? noticeSent(silence) : silence;
  return caseAt !== undefined && (await hasGoneOut(transaction, caseAt)) ? caseTold(warned) : warned;
}

/** Whether nothing waits to go out any more that was written by then. */
async function hasGoneOut({ outbox }: Transaction, at: number): Promise<boolean> {
  const oldest = await outbox.oldestWaiting();
  return oldest === null || oldest > at;
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
