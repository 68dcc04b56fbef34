import type { ChangeView } from '@ckm/api';
import { type CkmError, equalBytes } from '@ckm/foundation';
import {
  type ChangeCertificate,
  encodeChangeCertificate,
  encodeVotes,
  judgeVotes,
  parseChangeCertificate,
  type Signed,
  type Statement,
  verifyChange,
  verifySignedChange,
} from '@ckm/threshold';
import { isSilence } from '../../servers/ask-all.js';
import type { Gathered } from '../../servers/gathered.js';
import type { Done, Entered, Outcome } from '../votes/ballot.js';
import { gatherVotes } from '../votes/gather-votes.js';
import { spokenIn } from '../votes/statements.js';
import { enterableAttempt, isTryOver, nextTry } from './attempts.js';
import { changeVotesTooFew } from './change-errors.js';
import {
  type ChangeMember,
  type ChangeRun,
  faultsIn,
  gatherFrom,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { endSessionAt, moveShares } from './move-shares.js';

type Views = ReadonlyMap<ChangeMember, ChangeView>;

/**
 * Gets the old members' decision: promises, then shares for the next epoch where nothing else is locked, then locks, then yields.
 * @param views what each member says of the order
 * @returns the certificate of the next epoch, checked; by another order where members were bound to that
 * @throws StateError `CHANGE_VOTES_TOO_FEW`; whatever keeps the session from its end
 */
export async function decideChange(run: ChangeRun, views: Views): Promise<Uint8Array> {
  const { before, deciders, orderHash } = run;
  const { keyId, epoch } = run.record.order;
  const spoken = spokenIn(deciders, views.values());
  const attempt = await enterableAttempt(run, views, spoken);
  const { signed, decision } = await gatherVotes<ChangeMember>({
    keyId,
    epoch,
    orderHash,
    attempt,
    members: deciders,
    asked: oldMembers(run),
    spoken,
    shown: [...views].flatMap(([{ oldSlot }, { locked }]) =>
      oldSlot === null || locked === null ? [] : [locked],
    ),
    recallFor: recalls(views, attempt, spoken),
    isOutcome: (outcome) => equalBytes(outcomeOf(run, outcome.signed).next, outcome.next),
    gather: async (step, asked, ask) => {
      const gathered = await gatherFrom(run, step, asked, deciders.needed, ask);
      run.faults.push(...faultsIn(gathered));
      if (step === 'lock') await endSessionAt(run, refusing(gathered));
      return gathered;
    },
    choose: (entered) => choose(run, attempt, entered),
    tooFew: (what, gathered) => tooFew(run, what, gathered),
  });
  const decided: ChangeCertificate = { ...parseChangeCertificate(signed), ...encodeVotes(decision) };
  verifyChange(before, decided, judgeVotes, run.context.checkedChanges);
  return encodeChangeCertificate(decided);
}

/** With what each is asked to remind one that forgot. Who has promised in this try says the same again to the same question only. */
function recalls(views: Views, attempt: number, spoken: readonly Signed<Statement>[]) {
  const forgetting = [...views].find(([{ oldSlot }, { forgot }]) => oldSlot !== null && forgot !== null);
  const forgot = forgetting?.[1].forgot ?? null;
  return ({ oldSlot }: ChangeMember): Uint8Array | null => {
    const said = spoken.find(
      (one) => one.kind === 'promise' && one.slot === oldSlot && one.attempt === attempt,
    );
    return said?.kind === 'promise' ? said.recall : forgot;
  };
}

/** What the try is bound to, or what this client has had signed in it, or shares that are moved now. */
async function choose(
  run: ChangeRun,
  attempt: number,
  { promises, bound }: Entered<ChangeMember>,
): Promise<Outcome> {
  const signed = bound?.signed ?? run.record.signed ?? (await moveShares(run, { attempt, promises }));
  await saveChangeRun(run, { signed });
  return outcomeOf(run, signed);
}

/** @throws as `verifySignedChange` */
function outcomeOf({ before, context }: ChangeRun, signed: Uint8Array): Outcome {
  const change = parseChangeCertificate(signed);
  return { signed, next: verifySignedChange(before, change, context.checkedChanges).transcriptHash };
}

/** Whoever answers, and locks nothing, would keep the session open in which the shares moved. */
function refusing({ failures }: Gathered<ChangeMember, unknown>): readonly ChangeMember[] {
  return [...failures].flatMap(([member, error]) => (isSilence(error) ? [] : [member]));
}

/** Why a vote came to nothing. Where somebody's word stands against it, the next time is the next try. */
async function tooFew(
  run: ChangeRun,
  what: Done,
  gathered: Gathered<ChangeMember, unknown>,
): Promise<CkmError> {
  if (isTryOver(run, gathered)) await nextTry(run);
  return changeVotesTooFew(run, what, gathered);
}
