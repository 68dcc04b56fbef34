import { MAX_ATTEMPTS } from '@ckm/api';
import type { PartyIndex, RoastEvent, RoastStep } from '@ckm/threshold';
import { isOtherEpoch } from '../keys/changes/catch-up.js';
import type { Participant } from '../servers/ask-all.js';
import { askAttempt, askCommitments } from './ask-server.js';
import { craftOf } from './crafts/craft-of.js';
import { createInbox } from './inbox.js';
import { blame } from './blame.js';
import { asksPeople } from './people.js';
import { isRejection, leftByRejection, refusalsByRule } from './rejections.js';
import { reportSigning } from './report.js';
import { requestWaiting, tooFewServers } from './sign-errors.js';
import {
  bySlot,
  lastAttempt,
  participantAt,
  type ServerAnswer,
  type SignJob,
  type SignOutcome,
  type SignRun,
  thoseThatAre,
} from './sign-job.js';
import { eventsFrom, outOfTurn } from './take-answer.js';

/** What is left over is tidied up behind the answer. */
const SHORT_TIDY_MS = 250;
const LONG_TIDY_MS = 2_000;
const POLL_MS = 1_000;
/** How often one server is asked for commitments while a quorum is put together. */
const MOST_QUESTIONS = 8;

/**
 * Gets a signature from any quorum of the servers, whatever the rest does. One round trip when the pool is warm.
 * @throws AvailabilityError `TOO_FEW_SERVERS`; PolicyError `REQUEST_WAITING`, or a server's own refusal when too few are
 * left without it; PeerFaultError `FAULT_…`
 */
export async function driveSignRun(job: SignJob): Promise<SignOutcome> {
  const craft = craftOf(job);
  const run: SignRun = {
    ...job,
    craft,
    inbox: createInbox(),
    serverStates: new Map(),
    agreed: new Set(),
    people: new Map(),
    named: new Map(),
    votesBrought: new Set(),
    faults: [],
    refusals: [],
    silences: [],
    polled: new Set(),
    overdue: new Set(),
    questions: new Map(),
    roast: craft.begin([]).state,
    base: job.attemptsBefore,
    unanswered: 0,
    isKeptForPeople: false,
  };
  try {
    for (;;) {
      const signatures = await runRoast(run);
      if (signatures !== null) return outcomeOf(run, signatures);
      await waitForPeople(run);
    }
  } catch (error) {
    if (isRejection(error)) run.whenRejected(leftByRejection(run));
    else if (!run.isKeptForPeople) run.whenGivenUp(waitingInTheEnd(run, LONG_TIDY_MS));
    throw error;
  } finally {
    craft.end();
  }
}

/**
 * One run of the coordinator among all who may sign now. Null when too few of them are left, or when one keeps the others
 * waiting while an operator decides that another server may sign: then it is begun again with that one.
 */
async function runRoast(run: SignRun): Promise<readonly Uint8Array[] | null> {
  let isSlow = false;
  const started = beginRoast(run);
  await perform(run, started);
  while (run.roast.outcome === null && !(isSlow && hasNewcomer(run))) {
    await topUp(run);
    if (run.roast.outcome !== null) break;
    const answer = await run.inbox.next(run.context.patienceMs);
    if (answer === null) {
      isSlow = true;
      noteOverdue(run);
      for (const participant of thoseThatAre(run, 'waiting')) pollOnce(run, participant);
    }
    const events: readonly RoastEvent[] = answer === null ? [{ kind: 'impatient' }] : eventsFrom(run, answer);
    for (const event of events) await advance(run, event);
  }
  run.craft.giveBack(run.roast);
  return run.roast.outcome?.signatures ?? null;
}

function noteOverdue({ roast, overdue }: SignRun): void {
  for (const { party, status } of roast.members) if (status.kind === 'signing') overdue.add(party);
}

/** Whether somebody may sign now who could not when the coordinator began. */
function hasNewcomer(run: SignRun): boolean {
  const left = run.roast.members.filter(({ status }) => status.kind === 'excluded');
  return thoseThatAre(run, 'open').some(({ slot }) => left.some(({ party }) => party === slot));
}

/** Starts with the preferred quorum of those whose commitments are at hand. */
function beginRoast(run: SignRun): RoastStep {
  const { key, craft } = run;
  run.base = lastAttempt(run);
  const warm = thoseThatAre(run, 'open').filter(({ slot }) => craft.isWarm(slot));
  const supply = warm.slice(0, key.public.quorum.needed).flatMap((participant) => {
    const commitments = craft.draw(participant.slot);
    return commitments === null ? [] : [{ party: participant.slot as PartyIndex, commitments }];
  });
  let step = craft.begin(supply);
  const able = thoseThatAre(run, 'open', 'asked').map(({ slot }) => slot);
  for (const { party } of step.state.members) {
    if (able.includes(party)) continue;
    const next = craft.take(step.state, { kind: 'declined', party, code: 'ABSENT' });
    step = { state: next.state, actions: [...step.actions, ...next.actions] };
  }
  return step;
}

async function advance(run: SignRun, event: RoastEvent): Promise<void> {
  await perform(run, run.craft.take(run.roast, event));
}

async function perform(run: SignRun, { state, actions }: RoastStep): Promise<void> {
  run.roast = state;
  for (const action of actions) {
    if (action.kind === 'faulty') await blame(run, action.party, action.code);
    if (action.kind !== 'open-attempt') continue;
    await run.beforeAttempt(run.base + action.attempt);
    for (const party of action.parties) {
      const participant = participantAt(run, party);
      if (participant !== undefined) askAttempt(run, participant, action);
    }
    reportSigning(run, 'sign', 'asking for shares');
  }
}

/** When the open attempts will not do, everybody who still can gets commitments in: from the pool, else by asking. */
async function topUp(run: SignRun): Promise<void> {
  const { hurry, attempts } = run.roast;
  if (!hurry && attempts.some(({ status }) => status === 'open')) return;
  if (lastAttempt(run) >= MAX_ATTEMPTS) throw tooFewServers(run);
  for (const participant of thoseThatAre(run, 'open')) await provide(run, participant);
}

/** Commitments that were used before are passed over, and whoever gives nothing else is not asked for ever. */
async function provide(run: SignRun, participant: Participant): Promise<void> {
  const party = participant.slot as PartyIndex;
  const isWanting = () => run.roast.outcome === null && run.craft.wanting(run.roast).includes(party);
  while (isWanting()) {
    const commitments = run.craft.draw(participant.slot);
    if (commitments !== null) await advance(run, { kind: 'commitments', party, commitments });
    else if (countQuestion(run, participant) <= MOST_QUESTIONS) return askCommitments(run, participant);
    else
      for (const event of outOfTurn(run, participant, 'gives no commitments that can be used'))
        await advance(run, event);
  }
}

function countQuestion({ questions }: SignRun, participant: Participant): number {
  const count = (questions.get(participant) ?? 0) + 1;
  questions.set(participant, count);
  return count;
}

/** Returns when enough operators have said yes for another try. */
async function waitForPeople(run: SignRun): Promise<void> {
  const { needed } = run.key.public.quorum;
  for (;;) {
    const ready = thoseThatAre(run, 'open', 'asked').length;
    const waiting = thoseThatAre(run, 'waiting');
    if (ready >= needed) return;
    if (ready + waiting.length < needed) {
      if (await hearOneMore(run)) continue;
      throw tooFewServers(run);
    }
    // Whoever has no part in the attempt would otherwise be asked when it is too late, and pass for somebody who agrees.
    for (const one of thoseThatAre(run, 'open')) if (!run.agreed.has(one)) askCommitments(run, one);
    await keepForPeople(run);
    // Everybody has heard of it before it is left.
    const isHeard = thoseThatAre(run, 'asked').length === 0;
    if (isHeard && run.context.clock() >= run.waitUntil) throw requestWaiting(run);
    const answer = await run.inbox.next(POLL_MS);
    if (answer !== null) {
      const before = standing(run, answer.participant);
      eventsFrom(run, answer);
      const now = standing(run, answer.participant);
      await leaveEpoch(run, answer);
      if (now.state === 'refused') await noteWaiting(run);
      if (now.state !== before.state) reportSigning(run, 'wait', 'an operator has decided');
      else if (now.people !== before.people) reportSigning(run, 'wait', 'somebody has answered');
    } else for (const participant of waiting) pollOnce(run, participant);
  }
}

/** How a server stands, and what people have said there, to be compared. */
function standing({ serverStates, people }: SignRun, participant: Participant) {
  const { awaits, yes, no } = people.get(participant) ?? {};
  return { state: serverStates.get(participant), people: JSON.stringify([awaits, yes, no]) };
}

/**
 * Operators that have not said anything yet would be waited for in an epoch in which nobody answers any more.
 * @throws what the server said, where the key has gone on
 */
async function leaveEpoch(run: SignRun, { error }: ServerAnswer): Promise<void> {
  if (error !== null && isOtherEpoch(error.code) && (await run.whenElsewhere())) throw error;
}

/** Whoever answers in a moment has a part in why there are too few. False when nobody does. */
async function hearOneMore(run: SignRun): Promise<boolean> {
  // Whose clock is wrong only the clocks of all can tell.
  if (run.silences.some(({ error }) => error.code === 'CLOCK_DIFFERS'))
    for (const one of thoseThatAre(run, 'open')) if (!run.agreed.has(one)) askCommitments(run, one);
  const answer = run.unanswered === 0 ? null : await run.inbox.next(SHORT_TIDY_MS);
  if (answer === null) return false;
  eventsFrom(run, answer);
  return true;
}

function pollOnce(run: SignRun, participant: Participant): void {
  if (run.polled.has(participant.slot)) return;
  run.polled.add(participant.slot);
  askCommitments(run, participant);
}

async function noteWaiting(run: SignRun): Promise<void> {
  await run.whenWaiting(lastAttempt(run), refusalsByRule(run));
}

async function keepForPeople(run: SignRun): Promise<void> {
  if (run.isKeptForPeople) return;
  run.isKeptForPeople = true;
  await noteWaiting(run);
  reportSigning(run, 'wait', 'waiting for people');
}

/** Those that wait for people once everybody who was asked has answered, or has had time enough to. */
async function waitingInTheEnd(run: SignRun, patienceMs: number): Promise<readonly Participant[]> {
  while (run.unanswered > 0) {
    const answer = await run.inbox.next(patienceMs);
    if (answer === null) break;
    run.unanswered--;
    const { participant, reply } = answer;
    if (reply !== null) run.serverStates.set(participant, reply.state === 'waiting' ? 'waiting' : 'open');
  }
  return thoseThatAre(run, 'waiting');
}

/**
 * The same when the signature is complete. Where operators are asked, the request may also be on the desk of a server whose
 * answer was lost; where they are not, few servers ask theirs, and nobody waits long for it. Where the terms ask people, they are asked at every server that
 * has not signed.
 */
async function leftOnDesks(run: SignRun, signers: readonly number[]): Promise<readonly Participant[]> {
  const areAsked = asksPeople(run.key) || run.named.size > 0;
  if (run.key.record.policy.approval !== 'operator' && !areAsked) return waitingInTheEnd(run, SHORT_TIDY_MS);
  const waiting = await waitingInTheEnd(run, LONG_TIDY_MS);
  if (areAsked)
    return thoseThatAre(run, 'waiting', 'silent', 'asked', 'open').filter(
      ({ slot }) => !signers.includes(slot),
    );
  return [...waiting, ...thoseThatAre(run, 'silent', 'asked')];
}

function isSilent({ serverStates, overdue }: SignRun, participant: Participant): boolean {
  return serverStates.get(participant) === 'silent' || overdue.has(participant.slot);
}

function outcomeOf(run: SignRun, signatures: readonly Uint8Array[]): SignOutcome {
  const signers: readonly number[] = run.craft.signers(run.roast);
  return {
    signatures,
    artefact: run.craft.finish(signatures),
    signers: bySlot(run.participants.filter(({ slot }) => signers.includes(slot))),
    faults: run.faults,
    silent: bySlot(run.participants.filter((one) => !signers.includes(one.slot) && isSilent(run, one))),
    silences: run.silences,
    refused: refusalsByRule(run),
    undecided: leftOnDesks(run, signers),
    attempts: lastAttempt(run),
  };
}
