import { equalBytes } from '@ckm/foundation';
import { wrongSignatures } from '../../key/roster.js';
import { hashTranscript } from '../../key/transcript-hash.js';
import type { Incoming, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import { isOfRound, type ReshareMessage, reshareMessageCodec } from './messages.js';
import type { ReshareOutput } from './output.js';
import { receiverSeats } from './seats.js';
import type { PreparedState, ReshareState } from './state.js';

/**
 * With the signatures of the whole next roster there: the change is signed, and old members may vote on it. Nothing is
 * switched, and no old share deleted, by this. An abort here does not mean that nobody holds all signatures: the state
 * that came out of round 1 must be kept until a certificate of that epoch stands.
 */
export function finish(
  state: PreparedState,
  inbox: readonly Incoming<ReshareMessage>[],
): Step<ReshareState, ReshareMessage, ReshareOutput> {
  const { change, me, transcript, deals } = state;
  const seats = receiverSeats(change);
  const awaited = { round: 1, from: seats.filter((seat) => seat !== me) };
  const sorted = sortInbox(reshareMessageCodec, awaited, inbox, isOfRound(1));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
  const prepared = seats.map((seat) => (seat === me ? state.posted! : sorted.from.get(seat)!));
  if (!prepared.every((message) => equalBytes(message.view, state.view))) {
    return { kind: 'aborted', fault: { code: 'RETRY_VIEWS_DIFFER', round: 1, culprits: [] } };
  }
  const signatures = prepared.map((message) => message.signature);
  const culprits = wrongSignatures(change.next, transcript, signatures);
  if (culprits.length > 0) {
    return { kind: 'aborted', fault: { code: 'FAULT_SIGNATURE_INVALID', round: 1, culprits } };
  }
  return {
    kind: 'finished',
    output: {
      share: ownShare(state),
      public: state.public,
      signed: { change, deals, signatures },
      transcriptHash: hashTranscript(transcript),
    },
    outbox: [],
  };
}

function ownShare({ share, me, public: key }: PreparedState): ReshareOutput['share'] {
  return share === null ? null : { party: me, share, public: key };
}
