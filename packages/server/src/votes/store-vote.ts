import {
  hearVote,
  isEnded,
  type KeptVotes,
  NOTHING_KEPT,
  parseVote,
  type RefusedVote,
  type SignedVote,
  voteSentence,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { quoteText } from '@ckm/requests';
import type { MatterOfPeople } from '../context.js';
import type { MatterName, Reader, Transaction, VoteRow } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { JudgedVotes } from './judge-vote.js';
import { nameOf, pollingOf, type VotesContext } from './matter.js';

/** As they were signed, proof and all: others are shown them, and judge them themselves. */
interface VoteRecord {
  readonly vote: Uint8Array;
  /** A no that did not count when it came, and ends each yes before it; absent: there is none. The vote itself where nothing else was said. */
  readonly besides?: Uint8Array;
}

const MOST_REASON_CHARACTERS = 280;

/** One that is stored. */
interface StoredVote {
  readonly row: VoteRow;
  readonly vote: SignedVote;
  readonly bytes: Uint8Array;
}

/** What was said of a matter, as it is stored: of each approver the last, and what ends it where that does not count itself. Each was judged when it came. */
export async function votesIn(
  { vault }: Pick<VotesContext, 'vault'>,
  reader: Reader,
  name: MatterName,
): Promise<readonly StoredVote[]> {
  const rows = await reader.votes.of(name);
  const besides: StoredVote[] = [];
  const votes = rows.map((row): StoredVote => {
    const record = openRecord<VoteRecord>(vault, 'votes', row);
    const { besides: no } = record;
    if (no !== undefined && !equalBytes(no, record.vote)) besides.push(storedVote(row, no));
    return storedVote(row, record.vote);
  });
  return [...votes, ...besides];
}

function storedVote(row: VoteRow, bytes: Uint8Array): StoredVote {
  return { row, vote: parseVote(bytes), bytes };
}

type Kept = KeptVotes<SignedVote & { readonly bytes: Uint8Array }>;

/**
 * Keeps votes that were judged, of each approver the one with the highest serial; whoever counts by them holds the matter. Each that is new here leaves a
 * row in the log. Those that are here already change nothing.
 * @returns how many were kept, and those that a newer word of the same approver has overtaken
 */
export async function keepVotes(
  context: Pick<VotesContext, 'audit' | 'clock' | 'config' | 'identity' | 'vault'>,
  transaction: Transaction,
  matter: MatterOfPeople,
  { votes, besides }: Pick<JudgedVotes, 'votes' | 'besides'>,
): Promise<{ readonly kept: number; readonly refused: readonly RefusedVote[] }> {
  const name = nameOf(matter);
  const polling = pollingOf(context, matter);
  const held = await heldVotes(context, transaction, name);
  const refused: RefusedVote[] = [];
  let kept = 0;
  for (const { at, vote, bytes } of [...votes, ...besides]) {
    const { approver } = vote.statement;
    const { version, ...before } = held.get(encodeHex(approver)) ?? { version: 0, ...NOTHING_KEPT };
    const isHere = isKept(before, vote);
    const after = isHere ? before : hearVote(before, { ...vote, bytes }, polling);
    const isLate = after === null || (vote.statement.verdict === 'yes' && isEnded(after));
    if (isLate) refused.push({ at, code: 'VOTE_SUPERSEDED' });
    if (after === null || isHere) continue;
    const row = { ...name, approver, version: version + 1 };
    await transaction.votes.put(sealRecord(context.vault, 'votes', row, { ...recordOf(after) }));
    if (!isLate) await auditVote(context, transaction, matter, vote);
    held.set(encodeHex(approver), { ...after, version: row.version });
    kept++;
  }
  return { kept, refused: refused.filter(({ at }) => votes.some((one) => one.at === at)) };
}

function isKept({ counted, besides }: Kept, { digest }: SignedVote): boolean {
  return [counted, besides].some((one) => one !== null && equalBytes(one.digest, digest));
}

function recordOf({ counted, besides }: Kept): VoteRecord {
  const vote = (counted ?? besides!).bytes;
  return besides === null ? { vote } : { vote, besides: besides.bytes };
}

/** By their approvers. */
async function heldVotes(
  { vault }: Pick<VotesContext, 'vault'>,
  transaction: Transaction,
  name: MatterName,
): Promise<Map<string, Kept & { readonly version: number }>> {
  const held = new Map<string, Kept & { readonly version: number }>();
  for (const row of await transaction.votes.of(name)) {
    const { vote, besides } = openRecord<VoteRecord>(vault, 'votes', row);
    const read = (bytes: Uint8Array) => ({ ...parseVote(bytes), bytes });
    const isAlone = besides !== undefined && equalBytes(besides, vote);
    held.set(encodeHex(row.approver), {
      counted: isAlone ? null : read(vote),
      besides: besides === undefined ? null : read(besides),
      version: row.version,
    });
  }
  return held;
}

async function auditVote(
  { audit }: Pick<VotesContext, 'audit'>,
  transaction: Transaction,
  { owner, terms, ballot }: MatterOfPeople,
  { statement, digest }: SignedVote,
): Promise<void> {
  const { name } = terms.approvers!.find(({ xid }) => equalBytes(xid, statement.approver))!;
  const { verdict, reason } = statement;
  await audit.append(transaction, {
    deed: `approval.${VERDICTS[verdict].deed}`,
    who: owner,
    keyId: ballot.keyId,
    subject: ballot.matterId,
    sentence: voteSentence(name, statement),
    verdict: VERDICTS[verdict].logged,
    policy: `terms ${encodeHex(ballot.termsHash.subarray(0, 4))}`,
    detail: [
      `vote ${encodeHex(digest.subarray(0, 8))}`,
      ...(reason === null ? [] : [quoteText(reason, MOST_REASON_CHARACTERS)]),
    ].join(' · '),
  });
}

const VERDICTS = {
  yes: { deed: 'yes', logged: 'approved' },
  no: { deed: 'no', logged: 'rejected' },
  takeBack: { deed: 'take-back', logged: 'done' },
} as const;
