import { signIdentityStatement } from '@ckm/api';
import { equalBytes, PeerFaultError, reveal, wipe } from '@ckm/foundation';
import {
  dkgProtocol,
  encodeCertificate,
  encodeKeyParams,
  parseCertificate,
  recoveryAckStatement,
  type DkgOutput,
  type PartyIndex,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { CertifiedEpoch, EpochRecord } from '../keys/epoch-record.js';

/** What a finished run makes of a key: share, certificate, and the promise that it is stored (it leaves after that). */
export function certifyKey(
  { identity }: Pick<ServerContext, 'identity'>,
  { share, certificate, transcriptHash }: DkgOutput,
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
  const { params, signatures } = parseCertificate(shown);
  if (!equalBytes(encodeKeyParams(params), record.parameters)) {
    throw refusal('CERTIFICATE_OF_ANOTHER_KEY', 'the certificate is of another key');
  }
  const state = record.pending === null ? null : dkgProtocol.state.decode(record.pending);
  if (state?.round !== 2) throw refusal('CERTIFICATE_OF_ANOTHER_KEY', 'this server never signed such a key');
  const { view } = state.posted;
  const inbox = signatures.map((signature, i) => ({
    from: (i + 1) as PartyIndex,
    round: 2,
    body: { round: 2 as const, view, signature },
  }));
  const step = dkgProtocol.advance(
    state,
    inbox.filter(({ from }) => from !== state.me),
  );
  try {
    if (step.kind === 'finished')
      return { ...record, pending: null, certified: certifyKey(context, step.output) };
  } finally {
    wipe(state.share);
  }
  const culprits = step.kind === 'aborted' ? step.fault.culprits : [];
  throw new PeerFaultError('the certificate does not hold for the transcript that this server signed', {
    code: 'FAULT_SIGNATURE_INVALID',
    hint: 'fetch the certificate from another server',
    retryable: false,
    facts: { culprits },
  });
}
