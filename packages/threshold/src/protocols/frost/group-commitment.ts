import { UsageError } from '@ckm/foundation';
import type { Element, Scalar } from '../../group/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { commitmentInvalid, isValidCommitment, packageInvalid, type SigningRun } from './signing-package.js';
import { isOddY } from './suite.js';

/** The group commitment R = Σ Dᵢ + ρᵢEᵢ with the challenge c that follows from it. */
export interface GroupCommitment {
  /** R, encoded. */
  readonly encoded: Uint8Array;
  /** BIP-340: R has an odd y, so every nonce counts negative. */
  readonly negate: boolean;
  readonly challenge: Scalar;
  /** ρᵢEᵢ by place: what a share is checked with needs no second multiplication. Undefined at a place known before. */
  readonly products: readonly (Element | undefined)[];
}

/** A share of R that was computed already, with its place. */
interface KnownShare {
  readonly place: number;
  readonly share: Element;
}

/**
 * R and c. Every E is checked by itself, the D only as a sum: on ed25519 two parties together can hide torsion that
 * cancels out of R, which is of no use to them, because no secret is ever multiplied with a commitment. A wrong share
 * still points to its party.
 * @throws EncodingError `COMMITMENT_INVALID` naming the culprits, `PACKAGE_INVALID` when the commitments cancel out
 * Source: RFC 9591 §4.5 (compute_group_commitment), §4.6 (compute_challenge)
 */
export function computeGroupCommitment(run: SigningRun, known?: KnownShare): GroupCommitment {
  const { group } = run.suite;
  return commitWith(run, known, (hidings, others) => {
    const sum = group.decodeAndSum(hidings, others);
    return group.isIdentity(sum) ? undefined : group.encode(sum);
  });
}

/**
 * As {@link computeGroupCommitment}, but on ed25519 R may still hold torsion of some D: for whoever verifies a signature
 * under it next, which says whether R is an element, too.
 */
export function sketchGroupCommitment(run: SigningRun): GroupCommitment {
  const { group } = run.suite;
  return commitWith(run, undefined, (hidings, others) => {
    try {
      return group.encodeSum(hidings, others);
    } catch (error) {
      if (error instanceof UsageError && error.code === 'ELEMENT_IDENTITY') return undefined;
      throw error;
    }
  });
}

/** Encoding of a sum of encoded elements and elements; undefined for the identity. */
type AddUp = (hidings: readonly Uint8Array[], others: readonly Element[]) => Uint8Array | undefined;

function commitWith(run: SigningRun, known: KnownShare | undefined, addUp: AddUp): GroupCommitment {
  const { suite, commitments, bindingFactors, key, message } = run;
  try {
    const products = commitments.map(({ binding }, place) =>
      place === known?.place ? undefined : suite.group.decodeAndMul(binding, bindingFactors[place]!),
    );
    const hidings = commitments.filter((_, place) => place !== known?.place).map(({ hiding }) => hiding);
    const encoded = addUp(
      hidings,
      products.map((product) => product ?? known!.share),
    );
    if (encoded === undefined) throw packageInvalid();
    const challenge = suite.h2(encoded, key.groupKey, message);
    return { encoded, negate: suite.evenY && isOddY(encoded), challenge, products };
  } catch (cause) {
    const culprits = wrongCommitments(run);
    throw culprits.length === 0 ? cause : commitmentInvalid(culprits, cause);
  }
}

/** Whose commitments are not two elements, each by itself. */
export function wrongCommitments({ suite, commitments }: SigningRun): readonly PartyIndex[] {
  return commitments
    .filter((commitment) => !isValidCommitment(suite.group, commitment))
    .map(({ party }) => party);
}

/** λ of the party at that place. */
export function lagrangeWeight({ suite, parties }: SigningRun, place: number): Scalar {
  return lagrangeAtZero(suite.group, parties, parties[place]!);
}

/**
 * Whether z is what the party at that place must answer: z·G = ±(D + ρE) + λ·c·Y'. Solved for D, which is compared as bytes:
 * what is equal to D is an element, so that D needs no decoding of its own.
 * @throws EncodingError `COMMITMENT_INVALID` for an E that is no element
 * Source: RFC 9591 §5.4 (verify_signature_share)
 */
export function isShareOf(run: SigningRun, place: number, committed: GroupCommitment, z: Scalar): boolean {
  const { group } = run.suite;
  const { scalars } = group;
  const { hiding, binding, party } = run.commitments[place]!;
  const { challenge, negate, products } = committed;
  const factor = scalars.multiply(lagrangeWeight(run, place), challenge);
  const base = group.mulBasePublic(negate ? scalars.negate(z) : z);
  const share = group.mulPublic(run.key.verifyingShare(party), negate ? factor : scalars.negate(factor));
  const product = products[place] ?? group.decodeAndMul(binding, run.bindingFactors[place]!);
  return group.encodesTo(group.subtract(group.add(base, share), product), hiding);
}
