import type { LockedChange } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  type Decision,
  encodeLockCertificate,
  encodeStatement,
  highestNamed,
  isSameLock,
  type LockName,
  type PromiseStatement,
  type Signed,
} from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Ballot, Entered, Outcome, Said, Voter } from './ballot.js';
import { distinctLocks, isLock, standingLocks } from './locks.js';
import { ownStatement, strange } from './statements.js';

/** Most statements that are shown in one question. */
const MOST_SHOWN = 64;

/**
 * Gathers what members say in one try: promises, then locks of what those bind the try to, or of what is chosen, then yields. Each of them
 * says the same again when it is asked again, so that a try is gone on with after anything.
 * @returns what they decided, for whoever asked to check
 * @throws what `choose` and `tooFew` of the ballot give
 */
export async function gatherVotes<M extends Voter>(
  ballot: Ballot<M>,
): Promise<{ readonly signed: Uint8Array; readonly decision: Decision }> {
  const { keyId, epoch, attempt } = ballot;
  const { locked, ...entered } = await enter(ballot);
  const { signed, next } = await ballot.choose(entered);
  const name = { attempt, next };
  const promises = [...entered.promises.values()];
  const toLock = {
    keyId,
    epoch,
    attempt,
    signed,
    promises: promises.map(encodeStatement),
    locked: distinctLocks(locked),
  };
  const locks = await sayFor(ballot, 'lock', [...entered.promises.keys()], name, (link) =>
    link.call('change.lock', toLock),
  );
  const toYield = { keyId, epoch, locks: encodeLockCertificate({ ...name, locks }), signed };
  const yields = await sayFor(ballot, 'yield', ballot.asked, name, (link) =>
    link.call('change.yield', toYield),
  );
  return { signed, decision: { ...name, promises, locks, yields } };
}

/** Asks every member to enter the try: those that are behind again, once others have spoken. */
async function enter<M extends Voter>(
  ballot: Ballot<M>,
): Promise<Entered<M> & { readonly locked: readonly LockedChange[] }> {
  const { keyId, epoch, orderHash, attempt, members } = ballot;
  const promises = new Map<M, Signed<PromiseStatement>>();
  /** Those that promises name. */
  const locked: LockedChange[] = [];
  const spoken = [...ballot.spoken];
  // A member that knows a lock certificate names it; one that was not there when it came about is shown it.
  const known = standingLocks(ballot);
  const ask = (asked: readonly M[]) =>
    ballot.gather('promise', asked, async (member, link) => {
      const { statement: bytes, highest } = await link.call('change.promise', {
        keyId,
        epoch,
        orderHash,
        attempt,
        recall: ballot.recallFor(member),
        shown: spoken
          .filter((one) => one.attempt >= attempt - 1)
          .slice(-MOST_SHOWN)
          .map(encodeStatement),
        locked: known,
      });
      const promise = ownStatement(members, member, bytes, 'promise');
      if (!isAnswer(ballot, promise)) throw strange(member);
      locked.push(...namedBy(ballot, member, promise, highest === null ? known : [highest, ...known]));
      promises.set(member, promise);
      spoken.push(promise);
    });
  let { failures } = await ask(ballot.asked);
  const behind = [...failures].flatMap(([member, { facts }]) =>
    facts['reason'] === 'attempt-ahead' ? [member] : [],
  );
  if (behind.length > 0 && promises.size > 0) ({ failures } = await ask(behind));
  if (promises.size < members.needed) throw await ballot.tooFew('promised', { answers: promises, failures });
  return { promises, locked, bound: boundTo(ballot, [...promises.values()], locked) };
}

/**
 * Whether it is what an honest member answers, which promises in the try and for the order that it was asked about, or not at all. Any other one counts for
 * nobody, and would stand among those that do.
 */
function isAnswer<M extends Voter>(
  { attempt, orderHash }: Pick<Ballot<M>, 'attempt' | 'orderHash'>,
  promise: PromiseStatement,
): boolean {
  return promise.attempt === attempt && equalBytes(promise.orderHash, orderHash);
}

/** The lock certificate that a promise names. @throws PeerFaultError where nobody can show it: such a promise is none */
function namedBy<M extends Voter>(
  ballot: Ballot<M>,
  member: M,
  { highest }: PromiseStatement,
  known: readonly LockedChange[],
): readonly LockedChange[] {
  if (highest === null) return [];
  const named = known.find((one) => isLock(ballot, one, highest));
  if (named === undefined) throw strange(member);
  return [named];
}

/** @param locked what each promise names */
function boundTo<M extends Voter>(
  ballot: Ballot<M>,
  promises: readonly PromiseStatement[],
  locked: readonly LockedChange[],
): Outcome | null {
  const top = highestNamed(promises);
  if (top === null) return null;
  return { signed: locked.find((one) => isLock(ballot, one, top))!.signed, next: top.next };
}

const DONE = { lock: 'locked', yield: 'gave way' } as const;

/** Has members say the same of one outcome. */
async function sayFor<M extends Voter, K extends keyof typeof DONE>(
  ballot: Ballot<M>,
  step: K,
  asked: readonly M[],
  name: LockName,
  ask: (link: ServerLink) => Promise<{ readonly statement: Uint8Array }>,
): Promise<readonly Signed<Said[K]>[]> {
  const gathered = await ballot.gather(step, asked, async (member, link) => {
    const said = ownStatement(ballot.members, member, (await ask(link)).statement, step);
    if (!isSameLock(said, name)) throw strange(member);
    return said;
  });
  if (gathered.answers.size < ballot.members.needed) throw await ballot.tooFew(DONE[step], gathered);
  return [...gathered.answers.values()];
}
