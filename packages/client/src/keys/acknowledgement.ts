import { type Result, verifyIdentityStatement } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type CertifiedEpoch, type PartyIndex, recoveryAckStatement } from '@ckm/threshold';
import type { Participant } from '../servers/ask-all.js';
import { serverFault } from '../servers/faults.js';

/**
 * Checks a server's promise that it has stored a certificate of the same epoch, signed by its identity.
 * @throws PeerFaultError `FAULT_CERTIFICATE_DIFFERS`, `FAULT_ACKNOWLEDGEMENT_INVALID`
 */
export function checkAcknowledgement(
  { transcriptHash, params }: Pick<CertifiedEpoch, 'params' | 'transcriptHash'>,
  participant: Participant,
  result: Pick<Result<'key.certify'>, 'keyId' | 'transcriptHash' | 'acknowledgement'>,
): void {
  const { keyId, epoch } = params;
  if (!equalBytes(result.keyId, keyId) || !equalBytes(result.transcriptHash, transcriptHash)) {
    throw serverFault('FAULT_CERTIFICATE_DIFFERS', [participant], 'holds another key than everybody else');
  }
  const slot = participant.slot as PartyIndex;
  const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
  const { identityKey } = params.roster[participant.slot - 1]!;
  if (!verifyIdentityStatement(identityKey, statement, result.acknowledgement)) {
    throw serverFault(
      'FAULT_ACKNOWLEDGEMENT_INVALID',
      [participant],
      'did not sign that it stored the certificate',
    );
  }
}
