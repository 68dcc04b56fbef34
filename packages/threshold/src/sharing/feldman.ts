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
 * f(x)·G for many parties: all verifying shares of a key at once. When the parties are close together, as they are at
 * a key's birth, by finite differences, which needs additions only and about half as many. Variable-time, public data.
 * @throws EncodingError `PARTY_INDEX_INVALID` · UsageError `POLYNOMIAL_EMPTY`
 */
export function feldmanEvaluateAll(
  group: Group,
  commitment: readonly Element[],
  parties: readonly number[],
): Element[] {
  const all = parties.map(parsePartyIndex);
  assertNotEmpty(commitment);
  const last = Math.max(0, ...all);
  if (last > 2 * all.length) return all.map((x) => feldmanEvaluate(group, commitment, x));
  const values = valuesUpTo(group, commitment, last);
  return all.map((x) => values[x]!);
}

/** f(0)·G … f(last)·G by Newton's forward differences: Δʲf(x+1) = Δʲf(x) + Δʲ⁺¹f(x). */
function valuesUpTo(group: Group, commitment: readonly Element[], last: number): Element[] {
  const differences = differencesAtZero(group, commitment);
  const values = [differences[0]!];
  for (let x = 1; x <= last; x++) {
    // The higher differences reach the last values no more.
    for (let j = 0; j + 1 < differences.length && j <= last - x; j++) {
      differences[j] = group.add(differences[j]!, differences[j + 1]!);
    }
    values.push(differences[0]!);
  }
  return values;
}

/** Δʲf(0)·G for every j, coefficient by coefficient: Δʲ(x·g)(0) = j·(Δʲg(0) + Δʲ⁻¹g(0)). */
function differencesAtZero(group: Group, commitment: readonly Element[]): Element[] {
  let differences = [commitment[commitment.length - 1]!];
  for (let k = commitment.length - 2; k >= 0; k--) {
    const next = [commitment[k]!];
    for (let j = 1; j <= differences.length; j++) {
      const lower = differences[j - 1]!;
      const both = j < differences.length ? group.add(differences[j]!, lower) : lower;
      next.push(group.mulSmall(both, j));
    }
    differences = next;
  }
  return differences;
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
