import type { ReshareOffer, ReshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  hashOrder,
  parseChange,
  seatsOf,
  verifyChangeParams,
  type ChangeMemory,
  type ChangeParams,
  type Seat,
} from '@ckm/threshold';
import { demand, refusal } from '../../refusals.js';
import type { Deciding } from '../changes/deciding.js';
import { isUnderTerms } from '../changes/guards.js';
import { isExported } from '../keys/stored/key-head.js';

/** The parameters a session was joined with, and who sits where. */
export interface AgreedChange {
  readonly change: ChangeParams;
  readonly seats: readonly Seat[];
  /** Of this server. */
  readonly own: Seat;
}

/** What they are held against, and which parameters were checked before. */
interface AgreedAgainst extends Pick<Deciding, 'before' | 'key' | 'record' | 'stricter'> {
  readonly memory: ChangeMemory;
}

/**
 * Reads the parameters that a courier hands over, and holds them against the epoch before, what was ordered, and what this
 * server offered.
 * @throws EncodingError, PeerFaultError as `parseChange`, `verifyChangeParams`; StateError `PARAMETERS_DIFFER`
 */
export function agreeOnChange(
  against: AgreedAgainst,
  serverId: Uint8Array,
  { order, dealers }: ReshareProposal,
  { receiver, dealer }: ReshareOffer,
  bytes: Uint8Array,
): AgreedChange {
  const { before, key, memory } = against;
  const change = parseChange(bytes);
  verifyChangeParams(before, change, memory);
  const areDealers =
    change.dealers.length === dealers.length && change.dealers.every(({ slot }, i) => slot === dealers[i]);
  const isOrdered = equalBytes(change.order, hashOrder(order));
  demand(
    isOrdered && areDealers,
    'PARAMETERS_DIFFER',
    'the parameters are of another change than the one proposed',
  );
  const isUnder = isUnderTerms(against, change);
  demand(isUnder, 'PARAMETERS_DIFFER', 'the parameters name other terms than those in force here');
  const isHidden = key !== null && isExported(key.head) && !change.next.flags.exported;
  demand(!isHidden, 'PARAMETERS_DIFFER', 'the parameters do not say that the key was exported');
  const seats = seatsOf(before, change);
  const own = seats.find(({ entry }) => equalBytes(entry.serverId, serverId));
  if (own === undefined) throw refusal('PARAMETERS_DIFFER', 'this server has no seat in them');
  const isDealer =
    own.dealer === null ? dealer === null : isSame(dealer?.nonce, change.dealers[own.dealer]!.nonce);
  demand(
    isDealer && isReceiver(own, change, receiver),
    'PARAMETERS_DIFFER',
    'this server offered something else',
  );
  return { change, seats, own };
}

function isReceiver(
  { receiver: slot, entry }: Seat,
  { nonces }: ChangeParams,
  offer: ReshareOffer['receiver'],
): boolean {
  if (slot === null || offer === null) return slot === null && offer === null;
  return (
    isSame(offer.nonce, nonces[slot - 1]!) &&
    isSame(offer.identityKey, entry.identityKey) &&
    isSame(offer.sealingKey, entry.sealingKey) &&
    isSame(offer.staticKey, entry.staticKey) &&
    isSame(offer.staticProof, entry.staticProof) &&
    isSame(offer.identitySignature, entry.identitySignature) &&
    offer.url === entry.url
  );
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && equalBytes(one, other);
}
