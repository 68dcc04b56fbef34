// What servers tell each other: packets for everyone, and one for a server alone.
import { parsePacket, previousHash, runIdOf, sealPayload, signPacket } from '@ckm/api';
import { reveal } from '@ckm/foundation';
import { dkgProtocol, encodeKeyParams } from '@ckm/threshold';
import { bytesOf, identities } from './servers.mjs';

export function packetVectors({ params, certificate, round2 }) {
  const sessionId = bytesOf('session');
  const parameters = encodeKeyParams(params);
  const run = runIdOf(sessionId, parameters);
  const inRun = { protocol: dkgProtocol.id, keyId: params.keyId, epoch: params.epoch, sessionId: run };
  const packets = saidToEveryone(inRun, [certificate.round0, certificate.round1, round2]);
  const header = { ...inRun, round: 0, from: 1, to: 2 };
  const payload = bytesOf('for bravo alone');
  const sealed = sealPayload(identities[0], identities[1].publicKeys.agreement, header, payload);
  return {
    sessionId,
    parameters,
    run,
    packets: [...packets, { ...header, previous: new Uint8Array(32), payload: sealed }].map(vectorOf),
    sealed: {
      header,
      receiverSecret: reveal(identities[1].agreementKey, 'a vector'),
      receiverKey: identities[1].publicKeys.agreement,
      payload,
      sealed,
    },
  };
}

/** The packets of all rounds, each with the echo of the round before. */
function saidToEveryone(inRun, rounds) {
  const said = [];
  let previous = new Uint8Array(32);
  for (const [round, messages] of rounds.entries()) {
    const packets = messages.map((message, i) => {
      const payload = dkgProtocol.message.encode(message);
      return { ...inRun, round, from: i + 1, to: 0, previous, payload };
    });
    said.push(...packets);
    previous = previousHash(packets.map((packet, i) => parsePacket(signPacket(identities[i], packet))));
  }
  return said;
}

function vectorOf(packet) {
  const identity = identities[packet.from - 1];
  const bytes = signPacket(identity, packet);
  const { signed, signature, digest } = parsePacket(bytes);
  return {
    fields: packet,
    identityKey: identity.publicKeys.signing.bytes,
    signed,
    signature,
    digest,
    packet: bytes,
  };
}
