import { compareBytes } from '@ckm/foundation';
import type { Codec, Fault, Incoming, PartyIndex } from './contract.js';

/** What a party has of a round. */
export type RoundInbox<M> =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly from: ReadonlyMap<PartyIndex, M> }
  | { readonly kind: 'faulty'; readonly fault: Fault };

/**
 * Sorts an inbox by sender, so that order, repetition and strays change nothing:
 * other rounds (replays) and senders who are not awaited are ignored, the same message twice counts once, two
 * different messages of one sender are that sender's fault (`FAULT_EQUIVOCATION`), and so is a body that no honest
 * party can have written (`FAULT_MALFORMED`). The sender is the one the transport authenticated, never one named
 * inside a body.
 * @param isWellFormed types, lengths and round of a body; true only for what the codec can encode
 */
export function sortInbox<A, M extends A>(
  codec: Codec<A>,
  awaited: { readonly round: number; readonly from: readonly PartyIndex[] },
  inbox: readonly Incoming<A>[],
  isWellFormed: (body: A) => body is M,
): RoundInbox<M> {
  const { round } = awaited;
  const messages = new Map<PartyIndex, M>();
  const malformed = new Set<PartyIndex>();
  const equivocating = new Set<PartyIndex>();
  for (const { from, round: sentIn, body } of inbox) {
    if (sentIn !== round || !awaited.from.includes(from)) continue;
    if (!isWellFormed(body)) {
      malformed.add(from);
      continue;
    }
    const earlier = messages.get(from);
    if (earlier === undefined) messages.set(from, body);
    else if (compareBytes(codec.encode(earlier), codec.encode(body)) !== 0) equivocating.add(from);
  }
  if (equivocating.size > 0) return faulty('FAULT_EQUIVOCATION', round, equivocating);
  if (!awaited.from.every((party) => messages.has(party) || malformed.has(party)))
    return { kind: 'incomplete' };
  if (malformed.size > 0) return faulty('FAULT_MALFORMED', round, malformed);
  return { kind: 'complete', from: messages };
}

function faulty(code: Fault['code'], round: number, culprits: ReadonlySet<PartyIndex>): RoundInbox<never> {
  return { kind: 'faulty', fault: { code, round, culprits: [...culprits].sort((a, b) => a - b) } };
}
