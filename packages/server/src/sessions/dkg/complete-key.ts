import { signIdentityStatement } from '@ckm/api';
import { equalBytes, PeerFaultError, reveal, wipe } from '@ckm/foundation';
import {
  dkgProtocol,
  encodeCertificate,
  encodeKeyParams,
  type Fault,
  importProtocol,
  type KeyCertificate,
  type KeyOutput,
  parseCertificate,
  recoveryAckStatement,
  type PartyIndex,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { CertifiedEpoch, EpochRecord } from '../keys/stored/epoch-record.js';

/** What a finished run makes of a key: share, certificate, and the promise that it is stored (it leaves after that). */
export function certifyKey(
  { identity }: Pick<ServerContext, 'identity'>,
  { share, certificate, transcriptHash }: KeyOutput,
): CertifiedEpoch {
  const { keyId, epoch } = certificate.params;
  const statement = recoveryAckStatement({ keyId, epoch, slot: share.party, transcriptHash });
  const { groupKey, commitment, verifyingShares, chainCode } = share.public;
  return {
    share: reveal(share.share, 'seal a share into its row').slice(),
    certificate: encodeCertificate(certificate),
    transcriptHash,
    acknowledgement: signIdentityStatement(identity, statement),
    groupKey,
    commitment,
    verifyingShares,
    chainCode,
  };
}

/**
 * Completes a key whose session never brought all signatures here, whenever that is. Of the certificate shown, nothing
 * but the signatures is used: they must hold for the transcript that this server itself checked and signed.
 * @throws EncodingError when it cannot be read; StateError `CERTIFICATE_OF_ANOTHER_KEY`;
 * PeerFaultError `FAULT_SIGNATURE_INVALID` naming the slots
 */
export function completeKey(context: ServerContext, record: EpochRecord, shown: Uint8Array): EpochRecord {
  const certificate = parseCertificate(shown);
  const { params, kind } = certificate;
  const isSame =
    equalBytes(encodeKeyParams(params), record.parameters) && (kind === 'import') === params.flags.dealt;
  if (!isSame) throw refusal('CERTIFICATE_OF_ANOTHER_KEY', 'the certificate is of another key');
  if (record.pending === null) throw neverSigned();
  const ended =
    kind === 'import'
      ? finishImport(record.pending, certificate)
      : finishGeneration(record.pending, certificate);
  try {
    if (ended.output !== null)
      return { ...record, pending: null, certified: certifyKey(context, ended.output) };
  } finally {
    ended.wipe();
  }
  throw new PeerFaultError('the certificate does not hold for the transcript that this server signed', {
    code: 'FAULT_SIGNATURE_INVALID',
    hint: 'fetch the certificate from another server',
    retryable: false,
    facts: { culprits: ended.fault?.culprits ?? [] },
  });
}

/** What the signatures of a certificate made of a state that waited for them. */
interface Ended {
  readonly output: KeyOutput | null;
  readonly fault: Fault | null;
  /** Overwrites the share of the state. */
  wipe(): void;
}

function finishGeneration(pending: Uint8Array, { signatures }: KeyCertificate): Ended {
  const state = dkgProtocol.state.decode(pending);
  if (state.round !== 2) throw neverSigned();
  const { view } = state.posted;
  const inbox = othersOf(signatures, state.me).map(({ from, signature }) => ({
    from,
    round: 2,
    body: { round: 2 as const, view, signature },
  }));
  return endedBy(dkgProtocol.advance(state, inbox), () => {
    wipe(state.share);
  });
}

function finishImport(pending: Uint8Array, { signatures }: KeyCertificate): Ended {
  const state = importProtocol.state.decode(pending);
  const { view } = state.posted;
  const inbox = othersOf(signatures, state.me).map(({ from, signature }) => ({
    from,
    round: 0,
    body: { round: 0 as const, view, signature },
  }));
  return endedBy(importProtocol.advance(state, inbox), () => {
    wipe(state.share);
  });
}

type Finishing =
  | { readonly kind: 'finished'; readonly output: KeyOutput }
  | { readonly kind: 'aborted'; readonly fault: Fault }
  | { readonly kind: 'waiting' };

function endedBy(step: Finishing, wipeShare: () => void): Ended {
  return {
    output: step.kind === 'finished' ? step.output : null,
    fault: step.kind === 'aborted' ? step.fault : null,
    wipe: wipeShare,
  };
}

function othersOf(signatures: readonly Uint8Array[], me: PartyIndex) {
  return signatures
    .map((signature, i) => ({ from: (i + 1) as PartyIndex, signature }))
    .filter(({ from }) => from !== me);
}

function neverSigned() {
  return refusal('CERTIFICATE_OF_ANOTHER_KEY', 'this server never signed such a key');
}
