import type { Parameters, RefusedVote, Result, SignedVote, VoteMatter } from '@ckm/api';
import { CkmError, equalBytes, StorageError } from '@ckm/foundation';
import type { AnybodyCall, ApprovalHandlers, ServerContext } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { MatterName, Transaction } from '../storage/storage.js';
import { matterUnknown } from './codes.js';
import { findAsked } from './find-asked.js';
import { findStored, listMatters, showMatter } from './inbox.js';
import { judgeVotes, readVote } from './judge-vote.js';
import { matterUnder, pollingOf } from './matter.js';
import { holdMatter, touchMatter } from './matters.js';
import { keepVotes } from './store-vote.js';

/** What is looked at again once somebody has said something of a matter of some kind: in transactions of its own, behind the one that keeps the vote. */
export type Listeners = Partial<Readonly<Record<VoteMatter, (name: MatterName) => Promise<void>>>>;

/** What approvers may ask and say. */
export function voteHandlers(context: ServerContext, listeners: Listeners): ApprovalHandlers {
  return {
    'approval.list': ({ sender }, parameters) => listMatters(context, sender, parameters),
    'approval.show': ({ sender }, parameters) => showMatter(context, sender, parameters),
    'approval.give': (call, parameters) => giveVotes({ context, listeners }, call, parameters),
  };
}

interface Means {
  readonly context: ServerContext;
  readonly listeners: Listeners;
}

/**
 * Answers `approval.give`: keeps votes of whomever where people are asked about what they say. Why one does not count is told to whoever gave it; others learn
 * nothing about what somebody is asked (P9).
 */
async function giveVotes(
  means: Means,
  call: AnybodyCall,
  { votes, known }: Parameters<'approval.give'>,
): Promise<Result<'approval.give'>> {
  const refused: RefusedVote[] = [];
  for (const [at, bytes] of votes.entries()) {
    const code = await giveVote(means, call, bytes, known ?? null);
    if (code !== null) refused.push({ at, code });
  }
  return { refused };
}

async function giveVote(
  means: Means,
  call: AnybodyCall,
  bytes: Uint8Array,
  known: Uint8Array | null,
): Promise<string | null> {
  const vote = readVote(bytes);
  if (typeof vote === 'string') return vote;
  const code = await keepSomewhere(means, call, { ...vote, bytes }, known);
  const isOwn = equalBytes(vote.statement.approver, call.sender);
  return code === null || isOwn ? code : matterUnknown().code;
}

/** What is asked under one id by different accounts: a vote is kept wherever it counts. Null: it is. */
async function keepSomewhere(
  { context, listeners }: Means,
  call: AnybodyCall,
  vote: SignedVote & { readonly bytes: Uint8Array },
  known: Uint8Array | null,
): Promise<string | null> {
  const { approver, matter } = vote.statement;
  const names = await context.storage.read((reader) =>
    findAsked(context, reader, approver, { ...vote.statement, known }, vote.statement.verdict !== 'yes'),
  );
  const codes: (string | null)[] = [];
  for (const name of names) {
    const code = await repeatWhenRaced(() =>
      call.transact((transaction) => keepHere(context, transaction, name, vote)),
    );
    codes.push(code);
    if (code === null) await tell(context, listeners[matter], name);
  }
  if (codes.includes(null)) return null;
  return codes[0] ?? matterUnknown().code;
}

/** What fails here is made up for when it is next looked at: the vote is kept. */
async function tell(
  { events }: ServerContext,
  listener: Listeners[VoteMatter],
  name: MatterName,
): Promise<void> {
  try {
    await listener?.(name);
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (error instanceof StorageError) events.storageFailed(error);
  }
}

async function keepHere(
  context: ServerContext,
  transaction: Transaction,
  name: MatterName,
  { statement: { verdict }, bytes }: SignedVote & { readonly bytes: Uint8Array },
): Promise<string | null> {
  const held = await holdMatter(context, transaction, name);
  // The same may be asked again: nobody says yes to it meanwhile, and what is withdrawn stays so.
  const found = await findStored(context, transaction, name, { isResting: verdict !== 'yes' });
  if (held === null || found === null) return matterUnknown().code;
  const matter = matterUnder(held, found.terms);
  const judged = judgeVotes([bytes], pollingOf(context, matter));
  const { kept, refused: overtaken } = await keepVotes(context, transaction, matter, judged);
  if (kept > 0) await touchMatter(context, transaction, held);
  return judged.refused[0]?.code ?? overtaken[0]?.code ?? null;
}
