import { encodeTerms, MAX_ASKED_PAYLOAD_BYTES, holdVotes, type KeyTerms, silentIn } from '@ckm/api';
import type { AskedMatter, MatterOfPeople, PeopleSaid } from '../context.js';
import type { MatterName, Reader, Transaction } from '../storage/storage.js';
import { sealRecord } from '../vault/sealed-record.js';
import { payloadTooLong } from './codes.js';
import { nameOf, openMatter, pollingOf, sealMatter, type StoredMatter, type VotesContext } from './matter.js';
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
  { row, record }: StoredMatter,
  { payload, ballot }: AskedMatter,
): Promise<StoredMatter> {
  if (row.waiting) return { row, record };
  await assertRoom(context, transaction, row.owner, payload.length);
  return touchMatter(context, transaction, {
    row: { ...row, waiting: true, expiresAt: Math.max(row.expiresAt, ballot.expiresAt) },
    record: { ...record, payload },
  });
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
  const record = { kind, payloadHash, tasksHash, requester, payload, sentence, without, ...under };
  await transaction.matters.insert(sealMatter(context, { row, record }));
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
): Promise<void> {
  if (!row.waiting) return;
  const next = { row: { ...row, waiting: false }, record: { ...record, payload: null } };
  await touchMatter(context, transaction, next);
  await transaction.asked.removeAll(row);
}

/** Nobody is asked any more, and nothing of it stays but the log. */
export async function endMatter(transaction: Transaction, name: MatterName): Promise<void> {
  await transaction.matters.remove(name);
}
