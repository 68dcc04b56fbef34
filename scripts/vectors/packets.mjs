// What servers tell each other: packets for everyone, and one for a server alone.
import { parsePacket, previousHash, runIdOf, sealPayload, signPacket } from '@ckm/api';
import { reveal } from '@ckm/foundation';
import { dkgProtocol, encodeKeyParams } from '@ckm/threshold';
import { bytesOf, identities } from './servers.mjs';

export function packetVectors({ params, certificate }) {
  const sessionId = bytesOf('session');
  const parameters = encodeKeyParams(params);
  const run = runIdOf(sessionId, parameters);
  const inRun = { protocol: dkgProtocol.id, keyId: params.keyId, epoch: params.epoch, sessionId: run };
  const everyone = (round, from, previous, message) => ({
    ...inRun,
    round,
    from,
    to: 0,
    previous,
    payload: dkgProtocol.message.encode(message),
  });
  const round0 = certificate.round0.map((message, i) => everyone(0, i + 1, new Uint8Array(32), message));
  const told = round0.map((packet, i) => parsePacket(signPacket(identities[i], packet)));
  const second = everyone(1, 1, previousHash(told), certificate.round1[0]);
  const header = { ...inRun, round: 0, from: 1, to: 2 };
  const payload = bytesOf('for bravo alone');
  const sealed = sealPayload(identities[0], identities[1].publicKeys.agreement, header, payload);
  return {
    sessionId,
    parameters,
    run,
    packets: [...round0, second, { ...header, previous: new Uint8Array(32), payload: sealed }].map(vectorOf),
    sealed: {
      header,
      receiverSecret: reveal(identities[1].agreementKey, 'a vector'),
      receiverKey: identities[1].publicKeys.agreement,
      payload,
      sealed,
    },
  };
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
