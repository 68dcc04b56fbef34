import { equalBytes } from '@ckm/foundation';
import type { RosterEntry } from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import type { PublicEpoch, ChangeParams } from './change.js';

/**
 * A party in one run of a change: a number to address messages by, and nothing more. Who receives a share sits at the slot
 * that the next epoch gives to it; dealers that receive none sit behind them. Everything certified names dealers by (old
 * epoch, old slot) and receivers by their new slot, never by a seat.
 */
export interface Seat {
  readonly seat: PartyIndex;
  /** Its place among the dealers, from 0; null where it does not deal. */
  readonly dealer: number | null;
  /** Its slot in the next epoch; null where it receives no share. */
  readonly receiver: PartyIndex | null;
  /** Its entry in the roster of the next epoch, or for whoever leaves in that of the old one. */
  readonly entry: RosterEntry;
}

/** All parties of a change, in order of seats. @param change checked with `verifyChangeParams` */
export function seatsOf(before: PublicEpoch, change: ChangeParams): readonly Seat[] {
  const { roster } = change.next;
  const dealers = change.dealers.map(({ slot }) => before.params.roster[slot - 1]!);
  const isSame = (a: RosterEntry) => (b: RosterEntry) => equalBytes(a.serverId, b.serverId);
  const receiving = roster.map((entry): Seat => {
    const dealer = dealers.findIndex(isSame(entry));
    return { seat: entry.slot, dealer: dealer < 0 ? null : dealer, receiver: entry.slot, entry };
  });
  const leaving = dealers.flatMap((entry, dealer) =>
    roster.some(isSame(entry)) ? [] : [{ dealer, receiver: null, entry }],
  );
  return [
    ...receiving,
    ...leaving.map((seat, i): Seat => ({ seat: (roster.length + i + 1) as PartyIndex, ...seat })),
  ];
}

/** The seats of all dealers, in the order of `change.dealers`. */
export function dealerSeats(before: PublicEpoch, change: ChangeParams): readonly PartyIndex[] {
  const seats = seatsOf(before, change);
  return change.dealers.map((_, i) => seats.find(({ dealer }) => dealer === i)!.seat);
}

/** The seats of all receivers: their slots. */
export function receiverSeats({ next }: ChangeParams): readonly PartyIndex[] {
  return next.roster.map(({ slot }) => slot);
}
