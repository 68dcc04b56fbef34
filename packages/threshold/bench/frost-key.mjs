/** A dealt key and what our signers and coordinator do with it, for the scripts beside. */
import { randomBytes } from 'node:crypto';
import { ed25519_FROST, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr_FROST, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { secret } from '@ckm/foundation';
import { commitNonces, deriveKey, NO_TWEAK, signShare } from '@ckm/threshold';

/** Noble's FROST for each suite. */
export const PEERS = {
  'secp256k1-tr': schnorr_FROST,
  ed25519: ed25519_FROST,
  secp256k1: secp256k1_FROST,
  'P-256': p256_FROST,
  ristretto255: ristretto255_FROST,
};

/** One dealt key in noble's form and in ours, with a signing package of `needed` signers in both. */
export function deal(suite, needed, of) {
  const peer = PEERS[suite];
  const dealt = peer.trustedDealer({ min: needed, max: of });
  const ids = Array.from({ length: of }, (_, i) => peer.Identifier.fromNumber(i + 1));
  const key = {
    suite,
    quorum: { needed, of },
    groupKey: dealt.public.commitments[0],
    commitment: dealt.public.commitments,
    verifyingShares: ids.map((id) => dealt.public.verifyingShares[id]),
    chainCode: new Uint8Array(32),
  };
  const shares = ids.map((id, i) => ({
    party: i + 1,
    share: secret(dealt.secretShares[id].signingShare),
    public: key,
  }));
  return { peer, dealt, ids, key, shares };
}

export function ourSide({ key, shares }, message) {
  const derived = deriveKey(key, NO_TWEAK);
  const signers = shares.slice(0, key.quorum.needed);
  const commit = ({ party, share }) =>
    commitNonces({ suite: key.suite, party, share, random: randomBytes(64) });
  const others = signers.slice(1).map(commit);
  const begin = () => {
    const own = commit(signers[0]);
    return { own, package: { message, commitments: [own, ...others].map(({ commitment }) => commitment) } };
  };
  const sign = ({ own, package: signing }) =>
    signShare({ key: derived, share: signers[0], nonces: own.nonces, package: signing });
  const finishable = () => {
    const all = signers.map(commit);
    const signing = { message, commitments: all.map(({ commitment }) => commitment) };
    const answers = all.map(({ nonces }, i) => ({
      party: signers[i].party,
      share: signShare({ key: derived, share: signers[i], nonces, package: signing }),
    }));
    return { key: derived, package: signing, shares: answers };
  };
  return { commit: () => commit(signers[0]), begin, sign, finishable };
}
