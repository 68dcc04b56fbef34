import type { Order } from '@ckm/api';

/**
 * Who takes part in a session and when they speak. The room says it once, when the session is joined; it is stored and
 * believed from then on. A server may only speak, only listen, or both: roles of one room are seats of one table.
 */
export interface Seats extends Order {
  /** Ed25519, 32 bytes each, in slot order; slot 1 first. */
  readonly identityKeys: readonly Uint8Array[];
  /** X25519, 32 bytes each, in slot order: what is for one slot alone is sealed to it. */
  readonly sealingKeys: readonly Uint8Array[];
  readonly ownSlot: number;
  readonly epoch: number;
}

/** Receivers (0: everyone) of what a slot says in a round that concerns this server. */
export function spokenToUs({ speeches, ownSlot }: Seats, round: number, from: number): readonly number[] {
  const said = speeches[round]?.filter((speech) => speech.from.includes(from)) ?? [];
  return said.flatMap(({ to }) => to.filter((slot) => slot === 0 || (slot === ownSlot && from !== ownSlot)));
}
