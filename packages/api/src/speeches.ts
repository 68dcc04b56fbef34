import type { PacketPosition } from './packet.js';

/** Who speaks to whom: each of `from` says one packet to each of `to`, and nobody to itself. */
export interface Speech {
  readonly from: readonly number[];
  /** Slots; {@link EVERYONE} alone: one packet for all. */
  readonly to: readonly number[];
}

export const EVERYONE: readonly number[] = [0];

/** Who speaks when in a ceremony: by round, from 0 to the last. Servers and whoever carries between them read it alike. */
export interface Order {
  readonly speeches: readonly (readonly Speech[])[];
}

/** Everybody speaks to everyone in each of that many rounds. */
export function allSpeak(slots: readonly number[], rounds: number): Order['speeches'] {
  return Array.from({ length: rounds }, () => [{ from: slots, to: EVERYONE }]);
}

/** Whether anybody has been given that place to speak. */
export function isPlanned({ speeches }: Order, { round, from, to }: PacketPosition): boolean {
  if (from === to) return false;
  return speeches[round]?.some((speech) => speech.from.includes(from) && speech.to.includes(to)) ?? false;
}

/** Slots that tell everyone something in a round. */
export function tellers({ speeches }: Order, round: number): readonly number[] {
  return speeches[round]?.flatMap(({ from, to }) => (to.includes(0) ? from : [])) ?? [];
}

/**
 * The last round before this one in which anybody told everyone something, or null: what a packet echoes. Rounds in which
 * servers only speak to one another alone are passed over, so that an echo never goes missing in them.
 */
export function toldBefore(order: Order, round: number): number | null {
  for (let before = Math.min(round, order.speeches.length) - 1; before >= 0; before--) {
    if (tellers(order, before).length > 0) return before;
  }
  return null;
}
