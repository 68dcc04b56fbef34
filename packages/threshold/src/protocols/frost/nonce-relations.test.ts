import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { randomBytes } from '@noble/hashes/utils.js';
import { describe, expect, test } from 'vitest';
import type { ScalarField } from '../../group/index.js';
import { viewOfKey } from '../../hd/derived-key.js';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { type DealtKey, dealKey } from './fixtures/dealer.js';
import { equationOf, integerOf } from './fixtures/raw-share.js';
import { answer, commitAs, type Committed, packageFor, party } from './fixtures/signing.js';
import { packNonces } from './round-1-commit.js';
import { computeBindingFactors, openPackage } from './signing-package.js';
import { frostSuite } from './suite.js';

/** One row of a linear system in the unknowns d, e and s. */
type Row = readonly [d: bigint, e: bigint, s: bigint, z: bigint];

function determinant(m: readonly (readonly bigint[])[]): bigint {
  const [a, b, c] = m as [bigint[], bigint[], bigint[]];
  return (
    a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) -
    a[1]! * (b[0]! * c[2]! - b[2]! * c[0]!) +
    a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!)
  );
}

/** What an attacker does with three shares made under the same d and e: Cramer's rule for s. */
function solveForShare(scalars: ScalarField, rows: readonly Row[]): Uint8Array {
  const top = scalars.fromInteger(determinant(rows.map(([d, e, , z]) => [d, e, z])));
  const bottom = scalars.fromInteger(determinant(rows.map(([d, e, s]) => [d, e, s])));
  return scalars.multiply(top, scalars.invert(bottom));
}

/** Three sessions of alpha with other co-signers' nonces each time, as the attacker sees them. */
function watch(dealt: DealtKey, commit: () => Committed): Row[] {
  const key = deriveKey(dealt.public, NO_TWEAK);
  return [1, 2, 3].map(() => {
    const alpha = commit();
    const signing = packageFor([alpha, commitAs(dealt, 2)], encodeUtf8('the same message'));
    const z = answer(alpha, key, signing).share;
    const { sign, factor, weight } = equationOf(openPackage(key, signing), 0);
    return [sign, sign * factor, weight, integerOf(frostSuite(dealt.public.suite).group.scalars, z)];
  });
}

describe.each(SUITE_NAMES)('three shares of %s for one message', (suite: SuiteName) => {
  const dealt = dealKey({ suite, needed: 2, of: 3 });
  const { group } = frostSuite(suite);
  const guess = (rows: readonly Row[]) => {
    const share = group.scalars.parseSecret(solveForShare(group.scalars, rows));
    return encodeHex(group.encode(group.mulBase(share)));
  };
  // Of the derived key: for BIP-340 the share may count negative.
  const certified = encodeHex(
    group.encode(viewOfKey(deriveKey(dealt.public, NO_TWEAK)).verifyingShare(party(1))),
  );

  test('V35: give the share away when the nonces are always the same', () => {
    const [d, e] = [randomBytes(64), randomBytes(64)].map((seed) => group.scalars.reduceSecret(seed));
    const repeat = (): Committed => {
      const copies = [d!, e!].map((nonce) => group.scalars.parseSecret(nonce));
      return {
        share: dealt.shares[0]!,
        ...packNonces(frostSuite(suite), dealt.shares[0]!.party, copies[0]!, copies[1]!),
      };
    };
    expect(guess(watch(dealt, repeat))).toBe(certified);
  });

  test('V35: give nothing away as we make the nonces', () => {
    expect(guess(watch(dealt, () => commitAs(dealt, 1)))).not.toBe(certified);
  });
});

describe.each(SUITE_NAMES)('the binding factors of %s', (suite: SuiteName) => {
  const dealt = dealKey({ suite, needed: 2, of: 3 });
  const suiteOf = frostSuite(suite);
  const commitments = [1, 2, 3].map((index) => commitAs(dealt, index).commitment);
  const { groupKey } = dealt.public;
  const message = encodeUtf8('message');
  const factors = computeBindingFactors(suiteOf, groupKey, message, commitments).map(encodeHex);

  const differAll = (others: readonly string[]) => {
    expect(others).toHaveLength(factors.length);
    others.forEach((other, place) => expect(other).not.toBe(factors[place]));
  };

  test('V38: differ from party to party', () => {
    expect(new Set(factors).size).toBe(3);
  });

  test('V38: all change with the message and with the key', () => {
    differAll(computeBindingFactors(suiteOf, groupKey, encodeUtf8('massage'), commitments).map(encodeHex));
    const other = dealKey({ suite, needed: 2, of: 3 }).public.groupKey;
    differAll(computeBindingFactors(suiteOf, other, message, commitments).map(encodeHex));
  });

  test('V38: all change with any commitment of anybody', () => {
    for (const at of [0, 1, 2]) {
      for (const field of ['hiding', 'binding'] as const) {
        const replaced = commitments.map((commitment, place) =>
          place === at ? { ...commitment, [field]: commitAs(dealt, 1).commitment[field] } : commitment,
        );
        differAll(computeBindingFactors(suiteOf, groupKey, message, replaced).map(encodeHex));
      }
    }
  });

  test('V38: change when hiding and binding commitment, or two parties, trade places', () => {
    const swapped = commitments.map(({ party, hiding, binding }) => ({
      party,
      hiding: binding,
      binding: hiding,
    }));
    differAll(computeBindingFactors(suiteOf, groupKey, message, swapped).map(encodeHex));
    const [first, second, third] = commitments;
    const traded = [{ ...second!, party: first!.party }, { ...first!, party: second!.party }, third!];
    differAll(computeBindingFactors(suiteOf, groupKey, message, traded).map(encodeHex));
  });
});
