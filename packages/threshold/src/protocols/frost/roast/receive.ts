import { equalBytes, UsageError } from '@ckm/foundation';
import { deriveKey } from '../../../hd/index.js';
import type { PartyIndex } from '../../../protocol/contract.js';
import type { PublicKeyPackage } from '../../../key/public-package.js';
import type { Commitment } from '../round-1-commit.js';
import { parseCommitment } from '../signing-package.js';
import { settle } from './settle.js';
import {
  exclude,
  memberOf,
  type NoncePair,
  type RoastEvent,
  type RoastMember,
  type RoastState,
  type RoastStep,
  type RoastTask,
  withAttempt,
  withStatus,
} from './state.js';

/**
 * Begins to coordinate one request of one or more signatures.
 *
 * Liveness: with `needed` honest parties that answer, signatures come out after at most `of − needed + 1` attempts (one
 * more for each party that was restarted meanwhile), whatever the others do, provided the driver says `impatient` when
 * it has waited long enough.
 * @param args.supply commitments already at hand, the preferred parties first: with enough of them the first attempt
 *   opens at once
 * @throws UsageError `TASKS_MISSING`, and what {@link deriveKey} throws for a task's tweak
 * Source: Ruffing, Ronge, Jin, Schneider-Bensch, Schröder: ROAST, eprint 2022/550, figure 4; differs in that a further
 *   attempt waits for `impatient` while an open one may still succeed, so that nonces are not used up for nothing
 */
export function startRoast(args: {
  readonly parent: PublicKeyPackage;
  readonly tasks: readonly RoastTask[];
  readonly supply?: readonly { readonly party: PartyIndex; readonly commitments: readonly NoncePair[] }[];
}): RoastStep {
  const { parent, tasks, supply = [] } = args;
  if (tasks.length === 0) {
    throw new UsageError('a request without anything to sign', {
      code: 'TASKS_MISSING',
      hint: 'pass at least one message',
    });
  }
  for (const { tweak } of tasks) deriveKey(parent, tweak);
  const members = Array.from({ length: parent.quorum.of }, (_, i) => ({
    party: (i + 1) as PartyIndex,
    status: { kind: 'absent' },
    excuses: 1,
  })) satisfies RoastMember[];
  const state: RoastState = {
    parent,
    tasks: [...tasks],
    members,
    attempts: [],
    arrivals: 0,
    hurry: false,
    outcome: null,
  };
  let step: RoastStep = { state, actions: [] };
  for (const { party, commitments } of supply) step = takeCommitments(step, party, commitments);
  return settle(step);
}

/**
 * Takes one event. Whatever a party sends, this does not throw: what is wrong excludes its sender, what is late, double
 * or for nobody changes nothing.
 */
export function roastReceive(state: RoastState, event: RoastEvent): RoastStep {
  if (state.outcome !== null) return { state, actions: [] };
  return settle(take({ state, actions: [] }, event));
}

/** Parties that gave no good commitments yet: whom to ask when no attempt is open. */
export function roastWanting({ members }: RoastState): readonly PartyIndex[] {
  return members.filter(({ status }) => status.kind === 'absent').map(({ party }) => party);
}

function take(step: RoastStep, event: RoastEvent): RoastStep {
  switch (event.kind) {
    case 'commitments':
      return takeCommitments(step, event.party, event.commitments);
    case 'shares':
      return takeShares(step, event);
    case 'stale':
      return takeStale(step, event);
    case 'declined':
      return takeDeclined(step, event);
    case 'impatient':
      return { ...step, state: { ...step.state, hurry: true } };
    default:
      return step;
  }
}

/**
 * At most one set of commitments of a party counts at a time; others are ignored until it is used up. So are any that
 * were used before: a network that delivers twice must not bring an honest party into an attempt it cannot answer.
 */
function takeCommitments(step: RoastStep, party: PartyIndex, given: readonly NoncePair[]): RoastStep {
  const { state } = step;
  if (memberOf(state, party)?.status.kind !== 'absent') return step;
  const commitments = parseCommitments(state, party, given);
  if (commitments === null) return exclude(step, party, 'FAULT_COMMITMENT_INVALID');
  if (commitments.some((one) => wasUsed(state, one))) return step;
  const since = state.arrivals + 1;
  const ready = withStatus(state, party, { kind: 'ready', since, commitments });
  return { ...step, state: { ...ready, arrivals: since } };
}

function takeShares(step: RoastStep, event: Extract<RoastEvent, { kind: 'shares' }>): RoastStep {
  const { party, attempt } = event;
  if (!owes(step.state, party, attempt)) return step;
  const shares = parseShares(step.state, event.shares);
  if (shares === null) return exclude(step, party, 'FAULT_MALFORMED');
  const answered = withAttempt(step.state, attempt, (open) => ({
    ...open,
    answers: [...open.answers, { party, shares, checked: false }],
  }));
  return takeNext({ ...step, state: withStatus(answered, party, { kind: 'absent' }) }, party, event.next);
}

function takeStale(step: RoastStep, event: Extract<RoastEvent, { kind: 'stale' }>): RoastStep {
  const { party, attempt, next } = event;
  const excuses = memberOf(step.state, party)?.excuses ?? 0;
  if (!owes(step.state, party, attempt)) return step;
  if (excuses === 0) return exclude(step, party, 'SUSPECT_NONCES_LOST');
  const failed = withAttempt(step.state, attempt, (open) => ({ ...open, status: 'failed' }));
  const absent = withStatus(failed, party, { kind: 'absent' }, { excuses: excuses - 1 });
  return takeNext({ ...step, state: absent }, party, next);
}

function takeDeclined(
  step: RoastStep,
  { party, code }: Extract<RoastEvent, { kind: 'declined' }>,
): RoastStep {
  const status = memberOf(step.state, party)?.status.kind;
  if (status === undefined || status === 'excluded') return step;
  return { ...step, state: withStatus(step.state, party, { kind: 'excluded', code }) };
}

function takeNext(step: RoastStep, party: PartyIndex, next: readonly NoncePair[] | null): RoastStep {
  return next === null || next === undefined ? step : takeCommitments(step, party, next);
}

function owes(state: RoastState, party: PartyIndex, attempt: number): boolean {
  const status = memberOf(state, party)?.status;
  return status?.kind === 'signing' && status.attempt === attempt;
}

function wasUsed({ attempts }: RoastState, { party, hiding }: Commitment): boolean {
  const isSame = (one: Commitment) => one.party === party && equalBytes(one.hiding, hiding);
  return attempts.some(({ packages }) => packages.some(({ commitments }) => commitments.some(isSame)));
}

/** null unless there is a good commitment for each task. */
function parseCommitments(
  { parent, tasks }: RoastState,
  party: PartyIndex,
  given: readonly NoncePair[],
): Commitment[] | null {
  if (!Array.isArray(given) || given.length !== tasks.length) return null;
  try {
    return given.map((pair: Partial<NoncePair> | null | undefined) =>
      parseCommitment(parent.suite, { party, hiding: pair?.hiding, binding: pair?.binding }),
    );
  } catch {
    return null;
  }
}

/** null unless there are 32 bytes for each task; copies. Whether they are right is seen when they are added up. */
function parseShares({ tasks }: RoastState, given: readonly Uint8Array[]): Uint8Array[] | null {
  if (!Array.isArray(given) || given.length !== tasks.length) return null;
  const isShare = (share: unknown): share is Uint8Array => share instanceof Uint8Array && share.length === 32;
  return given.every(isShare) ? given.map((share) => Uint8Array.from(share)) : null;
}
