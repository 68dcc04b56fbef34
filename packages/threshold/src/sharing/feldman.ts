import type { Element, Group, SecretScalar } from '../group/group.js';
import { parsePartyIndex } from './party-index.js';
import { assertNotEmpty } from './polynomial.js';

/**
 * Commitment to a polynomial: Cₖ = coefficientₖ·G. Public; lets every party check its share.
 * Source: Feldman 1987; RFC 9591 appendix C.2
 */
export function feldmanCommit(group: Group, coefficients: readonly SecretScalar[]): Element[] {
  return coefficients.map((coefficient) => group.mulBase(coefficient));
}

/**
 * f(x)·G from the commitment to f: the verifying share of party x. Variable-time, public data.
 * @throws EncodingError `PARTY_INDEX_INVALID` · UsageError `POLYNOMIAL_EMPTY`
 */
export function feldmanEvaluate(group: Group, commitment: readonly Element[], x: number): Element {
  const at = parsePartyIndex(x);
  assertNotEmpty(commitment);
  let value = commitment[commitment.length - 1]!;
  for (let k = commitment.length - 2; k >= 0; k--) {
    value = group.add(group.mulSmall(value, at), commitment[k]!);
  }
  return value;
}

/**
 * Whether `share` is the value at x of the polynomial committed to. The caller has checked the commitment's length
 * against the quorum: a longer one would raise it.
 */
export function feldmanVerify(
  group: Group,
  commitment: readonly Element[],
  x: number,
  share: SecretScalar,
): boolean {
  return group.equal(group.mulBase(share), feldmanEvaluate(group, commitment, x));
}
