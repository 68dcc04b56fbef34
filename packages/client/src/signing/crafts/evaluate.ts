import type {
  Element,
  Evaluation,
  PartyIndex,
  PublicKeyPackage,
  RoastAction,
  RoastEvent,
  RoastState,
  RoastStep,
} from '@ckm/threshold';
import { combineAnswers, groupNamed, openPartial } from '@ckm/threshold';

/**
 * The coordinator of an evaluation, in the words of the one for signatures. Servers need not agree on who takes part: a good answer
 * counts whichever attempt it is of, and an attempt asks just as many as are still missing.
 */
export function beginEvaluation(
  parent: PublicKeyPackage,
  evaluation: Evaluation,
  ready: readonly PartyIndex[],
): RoastStep {
  const members = Array.from({ length: parent.quorum.of }, (_, i) => {
    const party = (i + 1) as PartyIndex;
    const since = ready.indexOf(party);
    const status = since === -1 ? ABSENT : ({ kind: 'ready', since, commitments: [] } as const);
    return { party, status, excuses: 0 };
  });
  const state: RoastState = {
    parent,
    tasks: [],
    members,
    attempts: [],
    arrivals: ready.length,
    hurry: false,
    outcome: null,
  };
  return settle(evaluation, { state, actions: [] });
}

const ABSENT = { kind: 'absent' } as const;

/** Takes one event. Whatever a server sent, this does not throw: what is wrong leaves its sender out. */
export function takeEvaluation(evaluation: Evaluation, state: RoastState, event: RoastEvent): RoastStep {
  if (state.outcome !== null) return { state, actions: [] };
  return settle(evaluation, take(evaluation, { state, actions: [] }, event));
}

/** Those that may still answer and have not said that they can. */
export function wantingParties({ members, attempts }: RoastState): readonly PartyIndex[] {
  const good = goodOf(attempts);
  return members
    .filter(({ party, status }) => status.kind === 'absent' && !good.includes(party))
    .map(({ party }) => party);
}

/** Whose answers were right. */
export function goodParties({ attempts }: RoastState): readonly PartyIndex[] {
  return goodOf(attempts);
}

function take(evaluation: Evaluation, step: RoastStep, event: RoastEvent): RoastStep {
  const { state } = step;
  if (event.kind === 'impatient') return { ...step, state: { ...state, hurry: true } };
  const { party } = event;
  const status = state.members.find((member) => member.party === party)?.status.kind;
  if (status === undefined || status === 'excluded') return step;
  switch (event.kind) {
    case 'commitments': {
      if (status !== 'absent' || goodOf(state.attempts).includes(party)) return step;
      const since = state.arrivals + 1;
      const ready = withStatus(state, party, { kind: 'ready', since, commitments: [] });
      return { ...step, state: { ...ready, arrivals: since } };
    }
    case 'shares':
      return takeAnswer(evaluation, step, event);
    case 'stale':
      return { ...step, state: withStatus(state, party, ABSENT) };
    default:
      return { ...step, state: withStatus(state, party, { kind: 'excluded', code: event.code }) };
  }
}

function takeAnswer(
  evaluation: Evaluation,
  step: RoastStep,
  { party, attempt, shares }: Extract<RoastEvent, { kind: 'shares' }>,
): RoastStep {
  const { state } = step;
  const isAsked = state.attempts[attempt - 1]?.parties.includes(party) === true;
  if (!isAsked || goodOf(state.attempts).includes(party)) return step;
  const [partial] = shares;
  if (partial === undefined || openPartial(state.parent, party, evaluation, partial) === undefined) {
    const out = withStatus(state, party, { kind: 'excluded', code: 'FAULT_SHARE_INVALID' });
    return { state: out, actions: [...step.actions, { kind: 'faulty', party, code: 'FAULT_SHARE_INVALID' }] };
  }
  const answer = { party, shares: [partial], checked: true };
  const attempts = state.attempts.map((one) =>
    one.number === attempt ? { ...one, answers: [...one.answers, answer] } : one,
  );
  return { ...step, state: { ...withStatus(state, party, ABSENT), attempts } };
}

/** Puts a quorum of good answers together, or asks as many more as are missing, or gives up. */
function settle(evaluation: Evaluation, step: RoastStep): RoastStep {
  const { state, actions } = step;
  const { needed } = state.parent.quorum;
  const good = goodOf(state.attempts);
  if (good.length >= needed) {
    const signatures = combined(evaluation, state);
    return {
      state: { ...state, outcome: { signatures } },
      actions: [...actions, { kind: 'finished', signatures }],
    };
  }
  const left = state.members.filter(({ status }) => status.kind !== 'excluded').length;
  if (left < needed)
    return {
      state: { ...state, outcome: { signatures: null } },
      actions: [...actions, { kind: 'exhausted' }],
    };
  return openNext(dropHopeless(step), needed - good.length);
}

/** An attempt of which somebody will not answer is over; what the others answer counts all the same. */
function dropHopeless(step: RoastStep): RoastStep {
  const { members } = step.state;
  const owes = (party: PartyIndex, number: number) =>
    members.some(
      (one) => one.party === party && one.status.kind === 'signing' && one.status.attempt === number,
    );
  const attempts = step.state.attempts.map((one) => {
    const has = (party: PartyIndex) => one.answers.some((answer) => answer.party === party);
    const isOpen = one.parties.every((party) => has(party) || owes(party, one.number));
    return isOpen ? one : { ...one, status: 'failed' as const };
  });
  return { ...step, state: { ...step.state, attempts } };
}

function openNext(step: RoastStep, missing: number): RoastStep {
  const { state } = step;
  const owing = state.hurry ? 0 : state.members.filter(({ status }) => status.kind === 'signing').length;
  const parties = earliestReady(state).slice(0, Math.max(0, missing - owing));
  if (parties.length === 0) return step;
  const number = state.attempts.length + 1;
  const signing = parties.reduce(
    (now, party) => withStatus(now, party, { kind: 'signing', attempt: number }),
    state,
  );
  const attempt = { number, parties, packages: [], answers: [], status: 'open' as const };
  const action: RoastAction = { kind: 'open-attempt', attempt: number, parties, packages: [] };
  return {
    state: { ...signing, attempts: [...state.attempts, attempt], hurry: false },
    actions: [...step.actions, action],
  };
}

function earliestReady({ members }: RoastState): PartyIndex[] {
  return members
    .flatMap(({ party, status }) => (status.kind === 'ready' ? [{ party, since: status.since }] : []))
    .sort((a, b) => a.since - b.since)
    .map(({ party }) => party);
}

function combined(evaluation: Evaluation, { parent, attempts }: RoastState): readonly Uint8Array[] {
  const answers = attempts.flatMap((one) =>
    one.answers.map(({ party, shares }) => ({ slot: party, partial: shares[0]! })),
  );
  const group = groupNamed(evaluation.mode === 'open' ? 'ed25519' : 'ristretto255');
  const results = combineAnswers(parent, evaluation, answers).results!;
  return results.map((result: Element) => group.encode(result));
}

function goodOf(attempts: RoastState['attempts']): PartyIndex[] {
  return attempts.flatMap(({ answers }) => answers.map(({ party }) => party));
}

function withStatus(
  state: RoastState,
  party: PartyIndex,
  status: RoastState['members'][number]['status'],
): RoastState {
  const members = state.members.map((member) => (member.party === party ? { ...member, status } : member));
  return { ...state, members };
}
