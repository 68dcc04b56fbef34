import { BugError } from '@ckm/foundation';
import { deriveKey, type DerivedKey } from '../../../hd/index.js';
import type { PartyIndex } from '../../../protocol/contract.js';
import { aggregate, verifySignatureShare } from '../aggregate.js';
import type { Commitment } from '../round-1-commit.js';
import {
  exclude,
  type RoastAnswer,
  type RoastAttempt,
  type RoastState,
  type RoastStep,
  memberOf,
  withAttempt,
  withStatus,
} from './state.js';

/** Does everything that the state allows: adds up complete attempts, opens the next, gives up. */
export function settle(step: RoastStep): RoastStep {
  let now = step;
  for (const { number } of step.state.attempts) now = finishAttempt(now, number);
  if (now.state.outcome !== null) return now;
  now = openNext(dropHopeless(now));
  const left = now.state.members.filter(({ status }) => status.kind !== 'excluded').length;
  if (left >= now.state.parent.quorum.needed) return now;
  return {
    state: { ...now.state, outcome: { signatures: null } },
    actions: [...now.actions, { kind: 'exhausted' }],
  };
}

function finishAttempt(step: RoastStep, number: number): RoastStep {
  const attempt = step.state.attempts[number - 1]!;
  const isComplete = attempt.answers.length === attempt.parties.length;
  if (step.state.outcome !== null || attempt.status === 'failed' || !isComplete) return step;
  const { signatures, culprits } = addUp(step.state, attempt);
  if (culprits.length === 0) {
    return {
      state: { ...step.state, outcome: { signatures } },
      actions: [...step.actions, { kind: 'finished', signatures }],
    };
  }
  return culprits.reduce((now, party) => exclude(now, party, 'FAULT_SHARE_INVALID'), step);
}

/** All tasks, so that all culprits are named. */
function addUp(
  state: RoastState,
  { packages, answers }: RoastAttempt,
): { signatures: Uint8Array[]; culprits: PartyIndex[] } {
  const signatures: Uint8Array[] = [];
  const culprits = new Set<PartyIndex>();
  packages.forEach((signing, task) => {
    const shares = answers.map(({ party, shares: all }) => ({ party, share: all[task]! }));
    const sum = aggregate({ key: keyOf(state, task), package: signing, shares });
    if (sum.kind === 'signature') signatures.push(sum.signature);
    else for (const party of sum.culprits) culprits.add(party);
  });
  return { signatures, culprits: [...culprits] };
}

/** An attempt with a member who was excluded will never be complete. */
function dropHopeless(step: RoastStep): RoastStep {
  const isOut = (party: PartyIndex) => memberOf(step.state, party)?.status.kind === 'excluded';
  const attempts = step.state.attempts.map((attempt) =>
    attempt.parties.some(isOut) ? { ...attempt, status: 'failed' as const } : attempt,
  );
  return { ...step, state: { ...step.state, attempts } };
}

function openNext(step: RoastStep): RoastStep {
  const { state } = step;
  const { needed } = state.parent.quorum;
  const mayOpen = state.hurry || state.attempts.every(({ status }) => status === 'failed');
  const chosen = earliestReady(state).slice(0, needed);
  if (!mayOpen || chosen.length < needed) return step;
  // Nobody enters an attempt with an unchecked share behind: else a liar who is also slow could spoil two.
  const checked = chosen.reduce(checkAnswers, step);
  if (chosen.some((party) => memberOf(checked.state, party)?.status.kind !== 'ready')) {
    return openNext(dropHopeless(checked));
  }
  return open(checked, chosen);
}

function earliestReady({ members }: RoastState): PartyIndex[] {
  return members
    .flatMap(({ party, status }) => (status.kind === 'ready' ? [{ party, since: status.since }] : []))
    .sort((a, b) => a.since - b.since)
    .map(({ party }) => party);
}

function checkAnswers(step: RoastStep, party: PartyIndex): RoastStep {
  let now = step;
  for (const attempt of step.state.attempts) {
    const answer = attempt.answers.find((given) => given.party === party && !given.checked);
    if (answer === undefined) continue;
    if (!isAnswerRight(now.state, attempt, answer)) return exclude(now, party, 'FAULT_SHARE_INVALID');
    const mark = (given: RoastAnswer) => (given === answer ? { ...given, checked: true } : given);
    const marked = withAttempt(now.state, attempt.number, (one) => ({
      ...one,
      answers: one.answers.map(mark),
    }));
    now = { ...now, state: marked };
  }
  return now;
}

function isAnswerRight(
  state: RoastState,
  { packages }: RoastAttempt,
  { party, shares }: RoastAnswer,
): boolean {
  return packages.every((signing, task) =>
    verifySignatureShare({ key: keyOf(state, task), package: signing, party, share: shares[task]! }),
  );
}

function open(step: RoastStep, chosen: readonly PartyIndex[]): RoastStep {
  const number = step.state.attempts.length + 1;
  const parties = [...chosen].sort((a, b) => a - b);
  const packages = step.state.tasks.map(({ message }, task) => ({
    message,
    commitments: parties.map((party) => commitmentOf(step.state, party, task)),
  }));
  const attempt: RoastAttempt = { number, parties, packages, answers: [], status: 'open' };
  const opened = { ...step.state, attempts: [...step.state.attempts, attempt], hurry: false };
  const state = parties.reduce<RoastState>(
    (now, party) => withStatus(now, party, { kind: 'signing', attempt: number }),
    opened,
  );
  return { state, actions: [...step.actions, { kind: 'open-attempt', attempt: number, parties, packages }] };
}

function commitmentOf(state: RoastState, party: PartyIndex, task: number): Commitment {
  const status = memberOf(state, party)?.status;
  if (status?.kind === 'ready') return status.commitments[task]!;
  throw new BugError('a party without commitments was chosen to sign', {
    code: 'ROAST_CHOICE_WRONG',
    hint: 'report this with the state of the coordinator',
  });
}

function keyOf({ parent, tasks }: RoastState, task: number): DerivedKey {
  return deriveKey(parent, tasks[task]!.tweak);
}
