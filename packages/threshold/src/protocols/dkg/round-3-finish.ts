import { equalBytes, StorageError } from '@ckm/foundation';
import type { Incoming, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import type { DkgOutput } from './output.js';
import { wrongSignatures } from '../../key/roster.js';
import { hashTranscript } from '../../key/transcript-hash.js';
import { parseDealing } from './dealing.js';
import { type DkgMessage, dkgMessageCodec, isOfRound } from './messages.js';
import { inSlotOrder, others, sessionOf, transcriptOf } from './run.js';
import type { CertifiedState, DkgState } from './state.js';

/**
 * With all signatures there: the key exists. An abort here, a `RETRY_…` as well, does not mean that it does not: whoever
 * told us something else may have told the truth to others, who then hold all signatures and can show the certificate
 * later. So the state that came out of round 2 must be kept.
 */
export function finish(
  state: CertifiedState,
  inbox: readonly Incoming<DkgMessage>[],
): Step<DkgState, DkgMessage, DkgOutput> {
  const { params, me, round0, round1 } = state;
  const awaited = { round: 2, from: others(params, me) };
  const sorted = sortInbox(dkgMessageCodec, awaited, inbox, isOfRound(2));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
  const round2 = inSlotOrder(params, sorted.from, me, state.posted);
  if (!round2.every((message) => equalBytes(message.view, state.posted.view))) {
    return { kind: 'aborted', fault: { code: 'RETRY_VIEWS_DIFFER', round: 2, culprits: [] } };
  }
  const signatures = round2.map((message) => message.signature);
  const transcript = signedTranscript(state);
  const culprits = wrongSignatures(params, transcript, signatures);
  if (culprits.length > 0) {
    return { kind: 'aborted', fault: { code: 'FAULT_SIGNATURE_INVALID', round: 2, culprits } };
  }
  return {
    kind: 'finished',
    output: {
      share: { party: me, share: state.share, public: state.public },
      certificate: { kind: 'generation', params, round0, round1, signatures },
      transcriptHash: hashTranscript(transcript),
    },
    outbox: [],
  };
}

/** The transcript that this party signed; its dealings were checked before it did. */
function signedTranscript({ params, round0, round1 }: CertifiedState): Uint8Array {
  const session = sessionOf(params, round0);
  const dealings = round1.map((message) => {
    const dealing = parseDealing(session.suite, params.quorum, message.dealing);
    if (dealing === undefined) throw stateBroken();
    return dealing;
  });
  return transcriptOf(params, session, dealings);
}

function stateBroken(): StorageError {
  return new StorageError('the stored state of a key generation holds a dealing that was never checked', {
    code: 'DKG_STATE_BROKEN',
    hint: 'restore the share from the certificate',
  });
}
