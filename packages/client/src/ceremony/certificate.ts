import { type Result, verifyIdentityStatement } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  type DkgMessage,
  dkgProtocol,
  encodeCertificate,
  type KeyCertificate,
  parseKeyParams,
  type PartyIndex,
  recoveryAckStatement,
  verifyCertificate,
} from '@ckm/threshold';
import type { Participant } from '../servers/ask-all.js';
import { serverFault, withNames } from '../servers/faults.js';
import { type PacketBoard, packetsOf } from './packets.js';

export interface AssembledCertificate {
  readonly certificate: KeyCertificate;
  readonly encoded: Uint8Array;
  /** 32 bytes: names the key's epoch. */
  readonly transcriptHash: Uint8Array;
}

/**
 * Puts the certificate together from the packets of all three rounds and checks it from scratch.
 * @throws PeerFaultError naming the servers at fault
 */
export function assembleCertificate(
  parameters: Uint8Array,
  board: PacketBoard,
  participants: readonly Participant[],
): AssembledCertificate {
  const messages = (round: number) =>
    packetsOf(board, round).map((packet, i) => decode(packet.payload, participants[i]!));
  const params = parseKeyParams(parameters);
  const signatures = messages(2).map((message, i) => {
    if (message.round !== 2) throw notOfRound(participants[i]!);
    return message.signature;
  });
  const certificate: KeyCertificate = {
    kind: 'generation',
    params,
    round0: messages(0),
    round1: messages(1),
    signatures,
  };
  try {
    const { transcriptHash } = verifyCertificate(certificate);
    return { certificate, encoded: encodeCertificate(certificate), transcriptHash };
  } catch (error) {
    throw withNames(error, participants);
  }
}

function decode(payload: Uint8Array, participant: Participant): DkgMessage {
  try {
    return dkgProtocol.message.decode(payload);
  } catch {
    throw notOfRound(participant);
  }
}

function notOfRound(participant: Participant) {
  return serverFault(
    'FAULT_PACKET_INVALID',
    [participant],
    'sent a packet with no message of its round in it',
  );
}

/**
 * Checks a server's promise that it has stored a certificate of the same epoch, signed by its identity.
 * @throws PeerFaultError `FAULT_CERTIFICATE_DIFFERS`, `FAULT_ACKNOWLEDGEMENT_INVALID`
 */
export function checkAcknowledgement(
  { transcriptHash, certificate }: Pick<AssembledCertificate, 'transcriptHash' | 'certificate'>,
  participant: Participant,
  result: Result<'key.certify'>,
): void {
  const { keyId, epoch } = certificate.params;
  if (!equalBytes(result.keyId, keyId) || !equalBytes(result.transcriptHash, transcriptHash)) {
    throw serverFault('FAULT_CERTIFICATE_DIFFERS', [participant], 'holds another key than everybody else');
  }
  const slot = participant.slot as PartyIndex;
  const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
  const { identityKey } = certificate.params.roster[participant.slot - 1]!;
  if (!verifyIdentityStatement(identityKey, statement, result.acknowledgement)) {
    throw serverFault(
      'FAULT_ACKNOWLEDGEMENT_INVALID',
      [participant],
      'did not sign that it stored the certificate',
    );
  }
}
