import {
  encodeTerms,
  type KeyTerms,
  parseTermsChange,
  policyHash,
  termsChangeDigest,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { type KeyHead, marksOf } from '../sessions/keys/stored/key-head.js';
import { demand } from '../refusals.js';
import { noteMarks, noteTermsInForce } from '../sessions/keys/stored/note-marks.js';
import { putBack } from '../sessions/keys/stored/read-key.js';
import type { WaitingTime } from '../sessions/waiting-time.js';
import type { KeyRow, Reader, TermsRow, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { KeyWithTerms } from './held-key.js';
import { isTighter } from './judge-change.js';

/** How long a vote may count. Seconds. */
const VOTES_LAST = 14 * 86_400;
/** How often terms may come into force within a day by being tighter alone: who holds a stolen device makes no history without end. */
const MOST_ALONE = 10;
/** What others have in force is taken over beyond that, and needs no more to be remembered. */
const MOST_LATELY = 64;

/** Terms of one number, with what became of them. */
export interface StoredTerms {
  /** `encodeTerms` of them. */
  readonly terms: Uint8Array;
  /** `encodeTermsChange` of the change to them; null: they were certified before the first change. */
  readonly statement: Uint8Array | null;
  /** Of each approver the last, as he signed it. */
  readonly votes: readonly Uint8Array[];
  /** Null: it waits for nothing, being in force, of before, or over. */
  readonly waits: Waits | null;
  /** Why it is over and never came into force; null: it is not. */
  readonly over: string | null;
  /** Whether they are provably as tight as those that they followed, or tighter; absent: it is not so, or they never came into force. */
  readonly isTighter?: true;
  /** The number of the terms that they followed; absent: the one before theirs. */
  readonly follows?: number;
  /** When terms came into force here within the day before, with these, by being tighter alone; absent: none did. UnixSeconds. */
  readonly lately?: readonly number[];
  /** Other changes that are over, whether these terms wait or came into force instead: what was said to one of them is said to nothing else. */
  readonly dead: readonly DeadChange[];
}

/** What a change waits for besides those who are asked. */
export interface Waits {
  readonly byWords: boolean;
  /** Id of the device that proposed it; absent: the words did, or nobody has noted it. */
  readonly by?: Uint8Array;
  /** Whether somebody who has a say has stopped the words, for good; absent: nobody has. */
  readonly areStopped?: true;
  /** UnixSeconds. */
  readonly proposedAt: number;
  readonly waited: WaitingTime;
}

export interface DeadChange {
  /** `termsChangeDigest`. */
  readonly change: Uint8Array;
  /** When it was over. UnixSeconds. */
  readonly at: number;
  /** Whether it was the next number behind the terms in force then: whatever follows those ends it by that. */
  readonly isNext?: true;
}

/** The change behind the terms in force, with its row. */
export interface NextTerms {
  readonly row: TermsRow;
  readonly record: StoredTerms;
}

/** @throws StorageError `ROW_TAMPERED` */
export function openTerms({ vault }: Pick<ServerContext, 'vault'>, row: TermsRow): StoredTerms {
  return openRecord<StoredTerms>(vault, 'terms', row);
}

/**
 * The change behind the terms in force, whether it waits or is over; null: there is none, or it is of before a restore.
 * @throws StorageError `ROW_TAMPERED`, also when it is another version than the one that the head of the key names: one that was put back might
 * have been stopped since, or waited for longer than it has
 */
export async function readNext(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: KeyRow,
  head: KeyHead,
): Promise<NextTerms | null> {
  if (head.nextTerms === undefined) return null;
  const row = await reader.terms.find(owner, keyId, versionOf(head.policy) + 1, false);
  if (row?.version !== head.nextTerms) throw putBack('terms');
  return { row, record: openTerms(context, row) };
}

/** What is stored of the terms in force; null: nothing is, since they were certified and nothing has followed them yet. */
async function readInForce(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { row: { owner, keyId }, head }: KeyWithTerms,
): Promise<StoredTerms | null> {
  const row = await reader.terms.find(owner, keyId, versionOf(head.policy), false);
  return row === null ? null : openTerms(context, row);
}

/**
 * Changes that are over at a key, and remembered while votes on them may count: none of them comes alive, whatever has come into force since. What waits now is one of
 * them as soon as something takes its place.
 * @param by the change that takes it, which is none of them; null: one that others have in force
 */
export async function deadAt(
  context: Pick<ServerContext, 'vault' | 'clock'>,
  reader: Reader,
  key: KeyWithTerms,
  by: Uint8Array | null,
): Promise<readonly DeadChange[]> {
  const { row, head } = key;
  const next = (await readNext(context, reader, row, head))?.record ?? null;
  const now = context.clock();
  const before = (next ?? (await readInForce(context, reader, key)))?.dead ?? [];
  const still = before.filter(({ at }) => now - at < VOTES_LAST);
  if (next === null || next.statement === null) return still;
  const change = parseTermsChange(next.statement);
  const digest = termsChangeDigest(change);
  if (by !== null && equalBytes(digest, by)) return still;
  const isNext =
    change.version === versionOf(head.policy) + 1 && equalBytes(change.previous, policyHash(head.policy));
  return [...still, { change: digest, at: now, ...(isNext ? { isNext } : {}) }];
}

/** When terms came into force here within the last day by being tighter alone, on the word of a device or of others. UnixSeconds. */
export async function latelyAt(
  context: Pick<ServerContext, 'vault' | 'clock'>,
  reader: Reader,
  key: KeyWithTerms,
): Promise<readonly number[]> {
  const now = context.clock();
  const said = (await readInForce(context, reader, key))?.lately ?? [];
  return said.filter((at) => Math.abs(now - at) < 86_400).slice(-MOST_LATELY);
}

/**
 * Counts terms that come into force by being tighter alone.
 * @throws StateError `TERMS_TOO_OFTEN`
 */
export async function countAlone(
  context: Pick<ServerContext, 'vault' | 'clock'>,
  reader: Reader,
  key: KeyWithTerms,
): Promise<readonly number[]> {
  const lately = await latelyAt(context, reader, key);
  demand(
    lately.length < MOST_ALONE,
    'TERMS_TOO_OFTEN',
    `the terms of this key have become tighter ${lately.length} times within a day by nobody’s yes`,
  );
  return [...lately, context.clock()];
}

/** Stores the change behind the terms in force, and binds the head of the key to it. @returns the row of its head */
export async function writeNext(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  key: KeyRow,
  head: KeyHead,
  record: StoredTerms,
): Promise<KeyRow> {
  const row = await put(context, transaction, key, versionOf(head.policy) + 1, record);
  return noteMarks(context, transaction, key, { ...marksOf(head), nextTerms: row.version });
}

/** How terms come into force: with what speaks for them, and what {@link StoredTerms} says besides. */
export interface ComesInForce extends Pick<TermsLink, 'statement' | 'votes'> {
  /** Those that they follow: in force, or before what they take back. */
  readonly from: KeyTerms;
  readonly lately: readonly number[];
  /** What is over by then, as {@link deadAt} says. */
  readonly dead: readonly DeadChange[];
}

/** Puts terms in force: from then on the head says them, and what it said before is kept. @returns the row of its head */
export async function putInForce(
  context: Pick<ServerContext, 'vault' | 'clock'>,
  transaction: Transaction,
  key: KeyRow,
  { policy: before }: KeyHead,
  after: KeyTerms,
  { statement, votes, from, lately, dead }: ComesInForce,
): Promise<KeyRow> {
  const number = versionOf(before);
  const { owner, keyId } = key;
  const plain = { votes: [], waits: null, over: null, dead: [] };
  if ((await transaction.terms.find(owner, keyId, number, false)) === null)
    await put(context, transaction, key, number, {
      ...plain,
      terms: encodeTerms(before),
      statement: null,
    });
  const record: StoredTerms = {
    ...plain,
    terms: encodeTerms(after),
    statement,
    votes,
    ...(isTighter(from, after) ? { isTighter: true } : {}),
    ...(versionOf(from) === versionOf(after) - 1 ? {} : { follows: versionOf(from) }),
    ...(lately.length === 0 ? {} : { lately }),
    dead: dead.filter(({ isNext }) => isNext !== true),
  };
  await dropNext(context, transaction, key, number + 1, versionOf(after));
  await put(context, transaction, key, versionOf(after), record);
  return noteTermsInForce(context, transaction, key, after);
}

/** What waited behind the terms before waits no more where terms of a higher number came into force. */
async function dropNext(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: KeyRow,
  number: number,
  inForce: number,
): Promise<void> {
  if (number === inForce) return;
  const row = await transaction.terms.find(owner, keyId, number, false);
  if (row !== null && row.waiting) await letGo(context, transaction, row);
}

async function put(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  number: number,
  record: StoredTerms,
): Promise<TermsRow> {
  const before = await transaction.terms.find(owner, keyId, number, false);
  const version = (before?.version ?? 0) + 1;
  const columns = { owner, keyId, number, twice: false, waiting: record.waits !== null, version };
  const row = sealRecord(vault, 'terms', columns, { ...record });
  await transaction.terms.put(row);
  return row;
}

/** A row that nothing belongs to any more waits for nothing: it is of before a restore, or was put back. */
export async function letGo(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  row: TermsRow,
): Promise<void> {
  const record = openTerms({ vault }, row);
  const { sealed: _sealed, ...columns } = { ...row, waiting: false, version: row.version + 1 };
  await transaction.terms.put(sealRecord(vault, 'terms', columns, { ...record, waits: null }));
}

/** Two changes to one number, each of which could have come into force; the one that did first. */
interface Pair {
  readonly first: TermsLink;
  readonly second: TermsLink;
}

/** Keeps what somebody made twice, unless two of that number are kept. @returns whether it is kept now, and was not before */
export async function keepTwice(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId }: KeyRow,
  number: number,
  { first, second }: Pair,
): Promise<boolean> {
  if ((await transaction.terms.find(owner, keyId, number, true)) !== null) return false;
  const columns = { owner, keyId, number, twice: true, waiting: false, version: 1 };
  await transaction.terms.put(sealRecord(vault, 'terms', columns, { first, second }));
  return true;
}

/** What somebody made twice last, of the highest number. */
export async function readTwice(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: KeyRow,
): Promise<readonly { readonly version: number; readonly links: TermsLink[] }[]> {
  const row = await reader.terms.twice(owner, keyId);
  if (row === null) return [];
  const { first, second } = openRecord<Pair>(vault, 'terms', row);
  return [{ version: row.number, links: [first, second] }];
}
