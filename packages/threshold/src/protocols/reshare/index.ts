import type { Protocol } from '../../protocol/contract.js';
import { type ReshareMessage, reshareMessageCodec } from './messages.js';
import type { ReshareOutput } from './output.js';
import { deal, type ReshareParams } from './round-0-deal.js';
import { prepare } from './round-1-prepare.js';
import { finish } from './round-2-finish.js';
import { dealerSeats, receiverSeats } from './seats.js';
import { type ReshareState, reshareStateCodec } from './state.js';

export { type ChangeParams, type Dealer, encodeChange, MAX_CHANGE_BYTES, parseChange } from './change.js';
export { type KnownMembers, knownMembers, orderOf, verifyChangeParams } from './check-change.js';
export type { DealMessage, PrepareMessage, ReshareMessage } from './messages.js';
export type { ReshareOutput, SignedChange } from './output.js';
export type { DealingSecrets, ReceivingSecrets, ReshareParams } from './round-0-deal.js';
export { findReshareFault } from './run.js';
export { type Seat, seatsOf } from './seats.js';
export type { ReshareState } from './state.js';

/**
 * Resharing: members of one epoch of a key, as many as its quorum needs, share out their shares among the roster of the
 * next. One protocol for refreshing, adding, removing, another quorum and enrolling again. Three steps, one message of
 * each dealer (its dealing) and one of each receiver (its signature of what it saw).
 *
 * What stays: the group key and the chain code. What is new: every share, the public shares, the roster, the quorum.
 * Secrecy: fewer dealers than the old quorum, together with fewer receivers than the new one, learn nothing of the key.
 * No commitments go before the dealings: the sum of the constant terms is fixed by the old certificate, so that there is
 * nothing that the last dealer could steer.
 * Agreement: the output says that the whole next roster holds its shares. Whether that change counts is decided by votes
 * of the old members, which this protocol neither makes nor reads.
 * Durability: a state is stored before its outbox is sent, and never restored from a backup. A stored dealing is sent
 * again, never dealt again.
 * Source: Desmedt and Jajodia 1997, "Redistributing secret shares to new access structures"; Wong, Wang and Wing 2002,
 * "Verifiable secret redistribution for archive systems"; messages of C2SP cocktail-dkg 0.2.1
 */
export const reshareProtocol: Protocol<ReshareParams, ReshareState, ReshareMessage, ReshareOutput> = {
  id: 'ckm/reshare/v1',
  state: reshareStateCodec,
  message: reshareMessageCodec,
  start: deal,
  awaiting({ round, before, change, me }) {
    const speakers = round === 0 ? dealerSeats(before, change) : receiverSeats(change);
    return { round, from: speakers.filter((seat) => seat !== me) };
  },
  advance(state, inbox) {
    return state.round === 0 ? prepare(state, inbox) : finish(state, inbox);
  },
};
