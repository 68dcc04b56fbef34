import type { Packet } from '@ckm/api';
import {
  type DkgMessage,
  dkgProtocol,
  encodeCertificate,
  type KeyCertificate,
  parseKeyParams,
  verifyCertificate,
} from '@ckm/threshold';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import { withNames } from './with-names.js';

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
  packets: (round: number) => readonly Packet[],
  participants: readonly Participant[],
): AssembledCertificate {
  const messages = (round: number) =>
    packets(round).map((packet, i) => decode(packet.payload, participants[i]!));
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
