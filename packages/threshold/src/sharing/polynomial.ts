import { UsageError } from '@ckm/foundation';
import type { Group, SecretScalar } from '../group/group.js';
import { parsePartyIndex } from './party-index.js';

/**
 * f(x) = Σ coefficientₖ·xᵏ: the share of party x; the secret itself is f(0).
 * Secrecy: constant-time in the coefficients.
 * @param x party index, 1..65535
 * @throws EncodingError `PARTY_INDEX_INVALID` · UsageError `POLYNOMIAL_EMPTY`
 * Source: Shamir 1979; RFC 9591 appendix C.1
 */
export function evaluatePolynomial(
  group: Group,
  coefficients: readonly SecretScalar[],
  x: number,
): SecretScalar {
  const { scalars } = group;
  const at = scalars.fromInteger(parsePartyIndex(x));
  assertNotEmpty(coefficients);
  let value = coefficients[coefficients.length - 1]!.slice() as Uint8Array as SecretScalar;
  for (let k = coefficients.length - 2; k >= 0; k--) {
    const product = scalars.multiply(value, at);
    value.fill(0);
    value = scalars.add(product, coefficients[k]!);
    product.fill(0);
  }
  return value;
}

/** @throws UsageError `POLYNOMIAL_EMPTY` */
export function assertNotEmpty(coefficients: readonly unknown[]): void {
  if (coefficients.length > 0) return;
  throw new UsageError('a polynomial needs at least one coefficient', {
    code: 'POLYNOMIAL_EMPTY',
    hint: 'pass as many coefficients as the quorum needs',
  });
}
