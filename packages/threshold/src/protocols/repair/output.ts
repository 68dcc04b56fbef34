import type { Fault, Incoming, PartyIndex, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import type { KeyShare } from '../../key/public-package.js';
import { isOfRound, type RepairMessage, repairMessageCodec } from './messages.js';
import type { RepairState } from './state.js';

/** How a repair ended well. */
export type RepairOutput =
  /** A helper has said all it had to say. Whether the target has its share, the target's key check tells. */
  | { readonly role: 'helper' }
  /** The lost share, compared with its certificate. */
  | { readonly role: 'target'; readonly share: KeyShare };

export type RepairStep = Step<RepairState, RepairMessage, RepairOutput>;

/** Whose messages a party waits for; never its own. */
export function awaited({ round, repair, me }: RepairState): {
  readonly round: number;
  readonly from: readonly PartyIndex[];
} {
  return { round, from: repair.helpers.filter((helper) => helper !== me) };
}

/**
 * The messages of one round by all helpers in ascending order, this party's own among them where it helps; or the step to
 * take without them.
 */
export function collect<R extends RepairMessage['round']>(
  state: RepairState & { readonly round: R },
  inbox: readonly Incoming<RepairMessage>[],
  own: Extract<RepairMessage, { readonly round: R }> | null,
): readonly Extract<RepairMessage, { readonly round: R }>[] | RepairStep {
  const sorted = sortInbox(repairMessageCodec, awaited(state), inbox, isOfRound(state.round));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return aborted(sorted.fault);
  return state.repair.helpers.map((helper) => sorted.from.get(helper) ?? own!);
}

export function aborted(fault: Fault): RepairStep {
  return { kind: 'aborted', fault };
}

/** The parties heard different things of each other, and nobody is blamed: the courier may have split them. */
export function viewsDiffer(round: number): RepairStep {
  return aborted({ code: 'RETRY_VIEWS_DIFFER', round, culprits: [] });
}
