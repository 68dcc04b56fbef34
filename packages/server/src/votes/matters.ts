import {
  encodeTerms,
  holdVotes,
  type KeyTerms,
  LONGEST_VOTE,
  MAX_ASKED_PAYLOAD_BYTES,
  silentIn,
  type VoteMatter,
} from '@ckm/api';
import type { AskedMatter, MatterOfPeople, PeopleSaid } from '../context.js';
import type { MatterName, Reader, Transaction } from '../storage/storage.js';
import { sealRecord } from '../vault/sealed-record.js';
import { payloadTooLong } from './codes.js';
import {
  nameOf,
  openMatter,
  pollingOf,
  sealMatter,
  sealPayload,
  type StoredMatter,
  type VotesContext,
} from './matter.js';
import { votesIn } from './store-vote.js';

type AskingContext = Pick<VotesContext, 'accounts' | 'clock' | 'vault'>;

/** Bytes that a matter takes in the database beside what is asked for. */
const FRAMING_BYTES = 1_024;

/**
 * What people have said of a matter by now, judged under the terms that it is handed with. Whoever releases something by it holds the matter
 * ({@link holdMatter}) first.
 */
export async function saidOf(
  context: Pick<VotesContext, 'clock' | 'config' | 'identity' | 'vault'>,
  reader: Reader,
  matter: MatterOfPeople,
): Promise<PeopleSaid> {
  const polling = pollingOf(context, matter);
  const stored = await votesIn(context, reader, nameOf(matter));
  return {
    votes: holdVotes(
      stored.map(({ vote }) => vote),
      polling,
    ),
    without: silentIn(polling),
  };
}

/** A matter, held against other replicas: nobody says anything of it meanwhile. Null: nobody was ever asked, or its time is over. */
export async function holdMatter(
  context: Pick<VotesContext, 'vault'>,
  transaction: Transaction,
  name: MatterName,
): Promise<StoredMatter | null> {
  const row = await transaction.matters.hold(name);
  return row === null ? null : openMatter(context, row);
}

/**
 * Asks people about a matter: from now on it is found by those who are asked, with what is asked for. What they are asked already stays as it is.
 * @param before the matter as it is here; null: it is new
 * @returns the matter as it is then
 * @throws PolicyError `QUOTA_WAITING`, `QUOTA_BYTES`, `PAYLOAD_TOO_LONG_TO_ASK`
 */
export async function askPeople(
  context: AskingContext,
  transaction: Transaction,
  asked: AskedMatter,
  before: StoredMatter | null,
): Promise<StoredMatter> {
  const { terms, payload, names } = asked;
  const name = nameOf(asked);
  if (payload.length > MAX_ASKED_PAYLOAD_BYTES) throw payloadTooLong(payload.length);
  const stored =
    before === null
      ? await insertMatter(context, transaction, asked)
      : await askAgain(context, transaction, before, asked);
  for (const approver of xidsOf(terms, names))
    await transaction.asked.insert(sealRecord(context.vault, 'asked_people', { ...name, approver }, {}));
  return stored;
}

/** What was released by what people said is final; what they said has ended since, and for more they are asked again. So they are about an order that was taken back. */
async function askAgain(
  context: AskingContext,
  transaction: Transaction,
  stored: StoredMatter,
  { payload, ballot }: AskedMatter,
): Promise<StoredMatter> {
  const { row } = stored;
  if (row.waiting) return stored;
  await assertRoom(context, transaction, row.owner, payload.length);
  await transaction.matterPayloads.insert(sealPayload(context, row, payload));
  const { isReleased: _released, payload: _before, ...record } = stored.record;
  const next = { ...row, waiting: true, expiresAt: ballot.expiresAt };
  return touchMatter(context, transaction, { row: next, record });
}

async function insertMatter(
  context: AskingContext,
  transaction: Transaction,
  asked: AskedMatter,
): Promise<StoredMatter> {
  const { owner, ballot, payload, sentence, without = [] } = asked;
  const under = asked.isUnderEarlier === true ? { under: encodeTerms(asked.terms) } : {};
  await assertRoom(context, transaction, owner, payload.length);
  const { keyId, kind, payloadHash, tasksHash, requester, expiresAt } = ballot;
  const row = {
    ...nameOf(asked),
    keyId,
    waiting: true,
    version: 1,
    createdAt: context.clock(),
    expiresAt,
  };
  const record = { kind, payloadHash, tasksHash, requester, sentence, without, ...under };
  await transaction.matters.insert(sealMatter(context, { row, record }));
  await transaction.matterPayloads.insert(sealPayload(context, row, payload));
  return { row, record };
}

function xidsOf(
  { approvers = [] }: Pick<KeyTerms, 'approvers'>,
  names: readonly string[],
): readonly Uint8Array[] {
  return approvers.filter(({ name }) => names.includes(name)).map(({ xid }) => xid);
}

async function assertRoom(
  { accounts }: Pick<VotesContext, 'accounts'>,
  transaction: Transaction,
  owner: Uint8Array,
  bytes: number,
): Promise<void> {
  const account = await accounts.find(transaction, owner);
  if (account === null) return;
  await accounts.quota.waitingMatter(transaction, account);
  await accounts.quota.bytes(transaction, account, bytes + FRAMING_BYTES);
}

/** Says that something was said of a matter since it was looked at last. */
export async function touchMatter(
  context: Pick<VotesContext, 'vault'>,
  transaction: Transaction,
  { row, record }: StoredMatter,
): Promise<StoredMatter> {
  const next = { row: { ...row, version: row.version + 1 }, record };
  await transaction.matters.update(sealMatter(context, next));
  return next;
}

/** Nobody is asked any more and what was asked for goes; what was said stays: something was released by it, or the same may be asked again. */
export async function settleMatter(
  context: Pick<VotesContext, 'vault'>,
  transaction: Transaction,
  { row, record }: StoredMatter,
  released?: 'released',
): Promise<void> {
  if (row.waiting)
    await restMatter(context, transaction, {
      row,
      record: released === undefined ? record : { ...record, isReleased: true },
    });
}

async function restMatter(
  context: Pick<VotesContext, 'vault'>,
  transaction: Transaction,
  { row, record }: StoredMatter,
): Promise<void> {
  const { payload: _payload, ...rest } = record;
  const next = { row: { ...row, waiting: false }, record: rest };
  await transaction.matterPayloads.remove(row);
  await touchMatter(context, transaction, next);
  await transaction.asked.removeAll(row);
}

/**
 * The time of a matter is over: nobody is asked any more. What names itself may be asked again as it was, and a yes to it may last longer where another server
 * heard of it later: as long as one can, nobody forgets that it was taken back. Of anything else nothing stays but the log.
 */
export async function overMatter(
  context: Pick<VotesContext, 'clock' | 'config' | 'vault'>,
  transaction: Transaction,
  name: MatterName,
): Promise<void> {
  const held = await holdMatter(context, transaction, name);
  if (held === null) return;
  const until = withdrawnUntil(context, held, await votesIn(context, transaction, name));
  if (held.row.matter === 'request' || until <= context.clock()) return endMatter(transaction, name);
  await restMatter(context, transaction, { ...held, row: { ...held.row, expiresAt: until } });
}

/** When no yes from before somebody said no, or took it back, can count any more; 0: nobody did. UnixSeconds. */
function withdrawnUntil(
  { config }: Pick<VotesContext, 'config'>,
  { row: { matter, createdAt } }: StoredMatter,
  votes: Awaited<ReturnType<typeof votesIn>>,
): number {
  const lasts = LONGEST_VOTE[matter as VoteMatter];
  const moments = votes.flatMap(({ vote: { statement } }) =>
    statement.verdict === 'yes' ? [] : [Math.min(statement.issuedAt, createdAt + lasts)],
  );
  if (moments.length === 0) return 0;
  return Math.max(...moments) + lasts + config.limits.clockSkewSeconds;
}

/** Nobody is asked any more, and nothing of it stays but the log. */
export async function endMatter(transaction: Transaction, name: MatterName): Promise<void> {
  await transaction.matters.remove(name);
}
