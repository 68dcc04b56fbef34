// A signature by slots 1 and 3.
import { aggregate, commitNonces, deriveKey, NO_TWEAK, signShare } from '@ckm/threshold';
import { createHash } from 'node:crypto';

const SIGNERS = [1, 3];

/** Commitments, shares and signature; the nonces follow from key and message here, as they must not anywhere else. */
export function signWith({ suite, outputs, public: publicKey }, message) {
  const prepared = SIGNERS.map((party) => {
    const random = createHash('sha512').update(`ckm vector: nonce of ${party}`).update(message).digest();
    const { share } = outputs[party - 1].share;
    return commitNonces({ suite, party, share, random: new Uint8Array(random) });
  });
  const key = deriveKey(publicKey, NO_TWEAK);
  const signing = { message, commitments: prepared.map(({ commitment }) => commitment) };
  const shares = SIGNERS.map((party, i) => ({
    party,
    share: signShare({ key, share: outputs[party - 1].share, nonces: prepared[i].nonces, package: signing }),
  }));
  const { signature } = aggregate({ key, package: signing, shares });
  return { signers: SIGNERS, commitments: signing.commitments, shares, signature };
}
