import type { SettlementView } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { encodeVotes, judgeSettlement, type PartyIndex, type Signed, type Statement } from '@ckm/threshold';
import type { Gathered } from '../../servers/gathered.js';
import type { Done, Entered, Outcome } from '../votes/ballot.js';
import { gatherVotes } from '../votes/gather-votes.js';
import { spokenIn } from '../votes/statements.js';
import { enterable, isSpent, reachedBy } from '../votes/which-attempt.js';
import { provedBy, whoSignedTwice } from './read-fork.js';
import { boundOtherwise, settlingVotesTooFew } from './settle-errors.js';
import type { SettlingVotes } from './settlement-record.js';
import {
  askEach,
  countingIn,
  orderOfCounting,
  saveSettleRun,
  type SettleMember,
  type SettleRun,
  settling,
} from './settle-run.js';

/**
 * Gets the decision of those who settle: promises, locks, yields. Where they are bound to another of the certificates already, it is that one.
 * @param views what each of them says of the order
 * @returns the votes; the record has the certificate that they settle on in front
 * @throws StateError `CHANGE_VOTES_TOO_FEW`
 */
export async function voteOnFork(
  run: SettleRun,
  views: ReadonlyMap<SettleMember, SettlementView>,
): Promise<SettlingVotes> {
  const { keyId, epoch } = run.record;
  const { settlers, orderHash } = run;
  const spoken = spokenIn(settlers, views.values());
  const { decision } = await gatherVotes<SettleMember>({
    keyId,
    epoch,
    orderHash,
    attempt: await enterableAttempt(run, spoken),
    members: settlers,
    asked: settling(run),
    spoken,
    shown: [...views.values()].flatMap(({ locked }) => (locked === null ? [] : [locked])),
    // Whoever forgot what it said about a fork is reminded by nobody, and says nothing.
    recallFor: () => null,
    isOutcome: ({ next }) => run.epochs.some(({ transcriptHash }) => equalBytes(transcriptHash, next)),
    gather: (step, asked, ask) => askEach(run, step, asked, ask),
    choose: (entered) => choose(run, entered),
    tooFew: (what, gathered) => tooFew(run, what, gathered),
  });
  const votes = encodeVotes(decision);
  assertSettled(run, votes, run.record.certificates, decision.next);
  await saveSettleRun(run, { votes });
  return votes;
}

/** @throws PeerFaultError `CHANGE_NOT_SETTLED` */
function assertSettled(
  { before, twice }: Pick<SettleRun, 'before' | 'twice'>,
  votes: SettlingVotes,
  certificates: readonly Uint8Array[],
  transcriptHash: Uint8Array,
): void {
  const slots = twice.map((slot) => slot as PartyIndex);
  const { promises, yields } = votes;
  const order = orderOfCounting(certificates);
  judgeSettlement(slots)({ promises, yields }, { before, order, transcriptHash });
}

/** Whether these votes settle on the first of these certificates, each of which holds. */
export function isSettledBy(
  { before }: Pick<SettleRun, 'before'>,
  certificates: readonly Uint8Array[],
  votes: SettlingVotes,
): boolean {
  const proved = certificates.flatMap((bytes) => provedBy(before, bytes));
  if (proved.length < certificates.length) return false;
  try {
    const twice = whoSignedTwice(before, certificates);
    assertSettled({ before, twice }, votes, certificates, proved[0]!.name);
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return false;
    throw error;
  }
}

/**
 * The certificate that was ordered, or another one that was locked before, which is put in front then.
 * @throws StateError `CHANGE_VOTES_TOO_FEW` where the owner has said which counts against votes for another one
 */
async function choose(run: SettleRun, { bound }: Entered<SettleMember>): Promise<Outcome> {
  const ordered = run.epochs[0]!.transcriptHash;
  if (bound === null || equalBytes(bound.next, ordered)) return { signed: countingIn(run), next: ordered };
  if (run.record.insists) throw boundOtherwise(run);
  const { next } = bound;
  const at = run.epochs.findIndex(({ transcriptHash }) => equalBytes(transcriptHash, next));
  const { certificates } = run.record;
  const signed = certificates[at] ?? bound.signed;
  const others = certificates.filter((_, i) => i !== at);
  await saveSettleRun(run, { certificates: [signed, ...others] });
  return { signed, next };
}

async function enterableAttempt(run: SettleRun, spoken: readonly Signed<Statement>[]): Promise<number> {
  const attempt = enterable(run.record.attempt, reachedBy(spoken, run.settlers.quorum.needed));
  if (attempt !== run.record.attempt) await saveSettleRun(run, { attempt });
  return attempt;
}

/** Where somebody’s word stands against this try, the next time is the next one. */
async function tooFew(
  run: SettleRun,
  what: Done,
  gathered: Gathered<SettleMember, unknown>,
): Promise<CkmError> {
  if (isSpent(gathered.failures)) await saveSettleRun(run, { attempt: run.record.attempt + 1 });
  return settlingVotesTooFew(run, what, gathered);
}
