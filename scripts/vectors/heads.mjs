// What servers say of how far a key is, without and with how often it was used, frozen, and with how much was let in.
import { encodeHead, headStatement, signIdentityStatement } from '@ckm/api';
import { bytesOf, identities } from './servers.mjs';

const [alpha] = identities;

const head = {
  keyId: bytesOf('id of a key'),
  epoch: 3,
  transcriptHash: bytesOf('transcript of an epoch'),
  nonce: bytesOf('nonce of a server that asks'),
  isSure: true,
};
const counts = [
  { within: 3_600, most: 10, count: 4, from: 3 },
  { within: 86_400, most: 100, count: null, from: 1 },
];

const sums = [
  { within: 86_400, most: 1_000_001, count: 250_000, from: 3, of: 'amountSats' },
  { within: 604_800, most: 5_000_001, count: null, from: 1, of: 'feeSats' },
];

const frozen = { id: bytesOf('id of a freeze'), until: 1_800_000_000 };

export function headVectors() {
  return [head, { ...head, counts }, { ...head, frozen }, { ...head, counts: sums }].map((fields) => {
    const bytes = encodeHead(fields);
    return {
      fields,
      head: bytes,
      identityKey: alpha.publicKeys.signing.bytes,
      signature: signIdentityStatement(alpha, headStatement(bytes)),
    };
  });
}
