import type { Element, Group, Scalar } from '../../group/index.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { commitmentInvalid, isValidCommitment, packageInvalid, type SigningRun } from './signing-package.js';
import { isOddY } from './suite.js';

/** The group commitment R = Σ Dᵢ + ρᵢEᵢ with the challenge c that follows from it. */
export interface GroupCommitment {
  readonly element: Element;
  /** R, encoded. */
  readonly encoded: Uint8Array;
  /** BIP-340: R has an odd y, so every nonce counts negative. */
  readonly negate: boolean;
  readonly challenge: Scalar;
  /** ρᵢEᵢ by place: what a share is checked with needs no second multiplication. Undefined at a place known before. */
  readonly products: readonly (Element | undefined)[];
}

/** D + ρE of the party at that place, both elements checked. @throws EncodingError `COMMITMENT_INVALID` */
function commitmentShare(run: SigningRun, place: number, { products }: GroupCommitment): Element {
  const { group } = run.suite;
  const { hiding, binding, party } = run.commitments[place]!;
  try {
    const product = products[place] ?? group.decodeAndMul(binding, run.bindingFactors[place]!);
    return group.add(group.decode(hiding), product);
  } catch (cause) {
    throw commitmentInvalid([party], cause);
  }
}

/**
 * R and c. Every E is checked by itself, the D only as a sum: on ed25519 two parties together can hide torsion that
 * cancels out of R, which is of no use to them, because no secret is ever multiplied with a commitment. A wrong share
 * still points to its party.
 * @param known a share of R that was computed already, with its place
 * @throws EncodingError `COMMITMENT_INVALID` naming the culprits, `PACKAGE_INVALID` when the commitments cancel out
 * Source: RFC 9591 §4.5 (compute_group_commitment), §4.6 (compute_challenge)
 */
export function computeGroupCommitment(
  run: SigningRun,
  known?: { readonly place: number; readonly share: Element },
): GroupCommitment {
  const { group, evenY } = run.suite;
  const { element, products } = sumCommitments(run, known);
  if (group.isIdentity(element)) throw packageInvalid();
  const encoded = group.encode(element);
  const challenge = run.suite.h2(encoded, run.key.groupKey, run.message);
  return { element, encoded, negate: evenY && isOddY(encoded), challenge, products };
}

function sumCommitments(
  run: SigningRun,
  known: { readonly place: number; readonly share: Element } | undefined,
): Pick<GroupCommitment, 'element' | 'products'> {
  const { group } = run.suite;
  try {
    const products = run.commitments.map(({ binding }, place) =>
      place === known?.place ? undefined : group.decodeAndMul(binding, run.bindingFactors[place]!),
    );
    const hidings = run.commitments.filter((_, place) => place !== known?.place).map(({ hiding }) => hiding);
    const terms = products.map((product) => product ?? known!.share);
    return { element: group.sum([...terms, group.decodeAndSum(hidings)]), products };
  } catch (cause) {
    const culprits = run.commitments.filter((commitment) => !isValidCommitment(group, commitment));
    if (culprits.length === 0) throw cause;
    throw commitmentInvalid(
      culprits.map(({ party }) => party),
      cause,
    );
  }
}

/** λ of the party at that place. */
export function lagrangeWeight({ suite, parties }: SigningRun, place: number): Scalar {
  return lagrangeAtZero(suite.group, parties, parties[place]!);
}

/**
 * What z·G of the party at that place must be: ±(D + ρE) + λ·c·Y'.
 * @throws EncodingError `COMMITMENT_INVALID`
 * Source: RFC 9591 §5.4 (verify_signature_share)
 */
export function expectedShare(run: SigningRun, place: number, committed: GroupCommitment): Element {
  const { group } = run.suite;
  const factor = group.scalars.multiply(lagrangeWeight(run, place), committed.challenge);
  const verifying = run.key.verifyingShare(run.parties[place]!);
  const nonce = withSign(group, commitmentShare(run, place, committed), committed.negate);
  return group.add(nonce, group.mulPublic(verifying, factor));
}

/** The element, or its negative. */
export function withSign(group: Group, element: Element, negate: boolean): Element {
  return negate ? group.negate(element) : element;
}
