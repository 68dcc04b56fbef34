import { encodeHex, reveal } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { type Group, groupNamed, type SecretScalar } from '../group/index.js';
import { dealKey } from '../protocols/frost/fixtures/dealer.js';
import { groupOfSuite, SUITE_NAMES } from '../key/cocktail/suite-name.js';
import { viewOfKey } from './derived-key.js';
import { type DerivedKey, deriveKey, NO_TWEAK, parsePath, type Tweak } from './index.js';

const withCode = (code: string) => expect.objectContaining({ code });
const at = (path: string): Tweak => ({ path: parsePath(path), taproot: null });

/** What the derived secret must be, were there one place that knows the certified one. */
function derivedSecret(group: Group, secret: SecretScalar, { negate, offset }: DerivedKey): SecretScalar {
  return group.scalars.add(negate ? group.scalars.negate(secret) : secret, offset);
}

describe.each(SUITE_NAMES)('a derived key of %s', (suite) => {
  const dealt = dealKey({ suite, needed: 2, of: 3 });
  const group = groupNamed(groupOfSuite(suite));
  const secret = dealt.coefficients[0]!;
  const paths = suite === 'ristretto255' ? ['m'] : ['m', 'm/0', 'm/0/5', 'm/1/2/3/4/5/6/7/8'];

  test('is what the derived secret gives, and so are all verifying shares', () => {
    for (const path of paths) {
      const key = deriveKey(dealt.public, at(path));
      expect(encodeHex(group.encode(group.mulBase(derivedSecret(group, secret, key))))).toBe(
        encodeHex(key.groupKey),
      );
      const view = viewOfKey(key);
      for (const { party, share } of dealt.shares) {
        expect(group.equal(view.verifyingShare(party), group.mulBase(view.deriveShare(parse(share))))).toBe(
          true,
        );
      }
    }

    function parse(share: (typeof dealt.shares)[number]['share']): SecretScalar {
      return group.scalars.parseSecret(reveal(share, 'test'));
    }
  });

  test('differs from its siblings, its parent and those of other chain codes', () => {
    const other = { ...dealt.public, chainCode: new Uint8Array(32).fill(8) };
    const tweaks = suite === 'ristretto255' ? ['m'] : ['m', 'm/0', 'm/1', 'm/0/0', 'm/0/1', 'm/1/0'];
    const keys = tweaks.map((path) => encodeHex(deriveKey(dealt.public, at(path)).groupKey));
    const elsewhere = tweaks.slice(1).map((path) => encodeHex(deriveKey(other, at(path)).groupKey));
    expect(new Set([...keys, ...elsewhere]).size).toBe(keys.length + elsewhere.length);
  });

  test('V51: is made from path and commitment only; nothing else that is passed along has any effect', () => {
    const path = suite === 'ristretto255' ? [] : [3];
    const honest = deriveKey(dealt.public, { path, taproot: null });
    const forged = {
      path,
      taproot: null,
      offset: group.scalars.one,
      negate: true,
      groupKey: new Uint8Array(33),
    };
    expect(encodeHex(deriveKey({ ...dealt.public }, forged).groupKey)).toBe(encodeHex(honest.groupKey));
    expect(Object.isFrozen(honest)).toBe(true);
  });

  test('is remembered, but never more than a bounded number of them', () => {
    const parent = { ...dealt.public };
    expect(deriveKey(parent, NO_TWEAK)).toBe(deriveKey(parent, { path: [], taproot: null }));
    if (suite === 'ristretto255') return;
    const first = deriveKey(parent, at('m/0'));
    expect(deriveKey(parent, at('m/0'))).toBe(first);
    for (let i = 1; i <= 64; i++) deriveKey(parent, at(`m/${i}`));
    const again = deriveKey(parent, at('m/0'));
    expect(again).not.toBe(first);
    expect(encodeHex(again.groupKey)).toBe(encodeHex(first.groupKey));
  });

  test('is derived again alike after its bytes were overwritten by whoever asked for it', () => {
    if (suite === 'ristretto255') return;
    const parent = { ...dealt.public };
    const first = deriveKey(parent, at('m/0'));
    first.chainCode.fill(0);
    first.offset.fill(0);
    const below = deriveKey(parent, at('m/0/1'));
    expect(encodeHex(below.groupKey)).toBe(encodeHex(deriveKey({ ...dealt.public }, at('m/0/1')).groupKey));
  });

  test('taproot, hardened indexes and incomplete packages are refused where they have no meaning', () => {
    if (suite !== 'secp256k1-tr') {
      const taproot = () => deriveKey(dealt.public, { path: [], taproot: { merkleRoot: null } });
      expect(taproot).toThrow(withCode('TAPROOT_UNSUPPORTED'));
    }
    if (suite === 'ristretto255') {
      expect(() => deriveKey(dealt.public, at('m/0'))).toThrow(withCode('PATH_UNSUPPORTED'));
    }
    const hardened = () => deriveKey(dealt.public, { path: [0x80000000], taproot: null });
    expect(hardened).toThrow(withCode('PATH_HARDENED'));
    for (const wrong of [
      { verifyingShares: dealt.public.verifyingShares.slice(1) },
      { chainCode: new Uint8Array(31) },
    ]) {
      expect(() => deriveKey({ ...dealt.public, ...wrong }, NO_TWEAK)).toThrow(withCode('KEY_INVALID'));
    }
    const noElement = { ...dealt.public, groupKey: new Uint8Array(group.elementByteLength).fill(0xff) };
    expect(() => deriveKey(noElement, NO_TWEAK)).toThrow(withCode('ELEMENT_INVALID'));
  });
});
