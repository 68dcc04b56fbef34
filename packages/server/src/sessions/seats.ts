import type { PacketPlace } from '@ckm/api';

/** Who speaks to whom: each of `from` says one packet to each of `to`, and nobody to itself. */
export interface Speech {
  readonly from: readonly number[];
  /** Slots; {@link EVERYONE} alone: one packet for all. */
  readonly to: readonly number[];
}

export const EVERYONE: readonly number[] = [0];

/**
 * Who takes part in a session and when they speak. The room says it once, when the session is joined; it is stored and
 * believed from then on. A server may only speak, only listen, or both: roles of one room are seats of one table.
 */
export interface Seats {
  /** Ed25519, 32 bytes each, in slot order; slot 1 first. */
  readonly identityKeys: readonly Uint8Array[];
  /** X25519, 32 bytes each, in slot order: what is for one slot alone is sealed to it. */
  readonly sealingKeys: readonly Uint8Array[];
  readonly ownSlot: number;
  readonly epoch: number;
  /** By round, from 0 to the last. */
  readonly speeches: readonly (readonly Speech[])[];
}

/** Everybody speaks to everyone in each of that many rounds. */
export function allSpeak(slots: readonly number[], rounds: number): Seats['speeches'] {
  return Array.from({ length: rounds }, () => [{ from: slots, to: EVERYONE }]);
}

/** Whether the room has given anybody that place to speak. */
export function isPlanned({ speeches }: Seats, { round, from, to }: PacketPlace): boolean {
  if (from === to) return false;
  return speeches[round]?.some((speech) => speech.from.includes(from) && speech.to.includes(to)) ?? false;
}

/** Receivers (0: everyone) of what a slot says in a round that concerns this server. */
export function spokenToUs({ speeches, ownSlot }: Seats, round: number, from: number): readonly number[] {
  const said = speeches[round]?.filter((speech) => speech.from.includes(from)) ?? [];
  return said.flatMap(({ to }) => to.filter((slot) => slot === 0 || (slot === ownSlot && from !== ownSlot)));
}

/** Slots that tell everyone something in a round. */
export function tellers({ speeches }: Pick<Seats, 'speeches'>, round: number): readonly number[] {
  return speeches[round]?.flatMap(({ from, to }) => (to.includes(0) ? from : [])) ?? [];
}

/**
 * The last round before this one in which anybody told everyone something, or null: what a packet echoes. Rounds in which
 * servers only speak to one another alone are passed over, so that an echo never goes missing in them.
 */
export function toldBefore(seats: Pick<Seats, 'speeches'>, round: number): number | null {
  for (let before = Math.min(round, seats.speeches.length) - 1; before >= 0; before--) {
    if (tellers(seats, before).length > 0) return before;
  }
  return null;
}
