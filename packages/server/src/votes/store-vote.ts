import {
  parseVote,
  type ProvenVote,
  type RefusedVote,
  type SignedVote,
  supersedes,
  voteSentence,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { quoteText } from '@ckm/requests';
import type { MatterOfPeople } from '../context.js';
import type { MatterName, Reader, Transaction, VoteRow } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { JudgedVotes } from './judge-vote.js';
import { nameOf, type VotesContext } from './matter.js';

/** As it was signed, proof and all: others are shown it, and judge it themselves. */
interface VoteRecord {
  readonly vote: Uint8Array;
}

const MOST_REASON_CHARACTERS = 280;

/** What was said of a matter, as it is stored; each was judged when it came. */
export async function votesIn(
  { vault }: Pick<VotesContext, 'vault'>,
  reader: Reader,
  name: MatterName,
): Promise<readonly { readonly row: VoteRow; readonly vote: SignedVote; readonly bytes: Uint8Array }[]> {
  const rows = await reader.votes.of(name);
  return rows.map((row) => {
    const { vote: bytes } = openRecord<VoteRecord>(vault, 'votes', row);
    return { row, vote: parseVote(bytes), bytes };
  });
}

/**
 * Keeps votes that were judged, of each approver the one with the highest serial; whoever counts by them holds the matter. Each that is new here leaves a
 * row in the log. Those that are here already change nothing.
 * @returns how many were kept, and those that a newer word of the same approver has overtaken
 */
export async function keepVotes(
  context: Pick<VotesContext, 'audit' | 'vault'>,
  transaction: Transaction,
  matter: MatterOfPeople,
  { votes }: Pick<JudgedVotes, 'votes'>,
): Promise<{ readonly kept: number; readonly refused: readonly RefusedVote[] }> {
  const name = nameOf(matter);
  const held = new Map<string, ProvenVote & { readonly version: number }>();
  for (const { row, vote } of await votesIn(context, transaction, name))
    held.set(encodeHex(row.approver), { ...vote, version: row.version });
  const refused: RefusedVote[] = [];
  let kept = 0;
  for (const { at, vote, bytes } of votes) {
    const { approver } = vote.statement;
    const before = held.get(encodeHex(approver));
    if (before !== undefined && equalBytes(before.digest, vote.digest)) continue;
    if (before !== undefined && !supersedes(vote, before)) {
      refused.push({ at, code: 'VOTE_SUPERSEDED' });
      continue;
    }
    const version = (before?.version ?? 0) + 1;
    const record: VoteRecord = { vote: bytes };
    await transaction.votes.put(sealRecord(context.vault, 'votes', { ...name, approver, version }, record));
    await auditVote(context, transaction, matter, vote);
    held.set(encodeHex(approver), { ...vote, version });
    kept++;
  }
  return { kept, refused };
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
