import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import { dealKey } from './fixtures/dealer.js';
import { answer, commitAs, packageFor } from './fixtures/signing.js';
import { computeGroupCommitment, lagrangeWeight } from './group-commitment.js';
import { openPackage, type SigningPackage } from './signing-package.js';
import { frostSuite } from './suite.js';

/**
 * Somebody makes the machine remember or compute wrongly and looks at what leaves it. What leaves must not depend on a
 * secret bit that he flipped: from D, E and the share he would find out which way it fell.
 */
const message = encodeUtf8('release 1.2.3');
const wrong = expect.objectContaining({ code: 'SIGNATURE_SHARE_WRONG' });
const BITS = [0, 1, 7, 100, 131, 200, 247];
/** Secret results come out of these. */
const OPERATIONS = ['add', 'subtract', 'multiply', 'negate', 'parseSecret'] as const;

const flip = (bytes: Uint8Array, bit: number) => {
  bytes[bit >> 3]! ^= 1 << (bit & 7);
};

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(SUITE_NAMES)('signShare of %s', (name) => {
  const dealt = dealKey({ suite: name, needed: 2, of: 3 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const { group } = frostSuite(name);
  const { scalars } = group;

  /** A signature share that can be computed once, out of a share in a place of its own. */
  function begin() {
    const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
    const bytes = reveal(own.share.share, 'test').slice();
    const share = { ...own.share, share: secret(bytes) };
    return { own: { ...own, share }, bytes, signing: packageFor([own, other], message) };
  }
  const release = ({ own, signing }: ReturnType<typeof begin>) => answer(own, key, signing).share;

  test.each(['hidingNonce', 'bindingNonce'] as const)(
    'releases nothing when a bit of the %s was flipped',
    (field) => {
      for (const bit of BITS) {
        const one = begin();
        flip(reveal(one.own.nonces, 'test')[field], bit);
        expect(() => release(one)).toThrow(wrong);
      }
    },
  );

  test('releases nothing when a bit of the share was flipped, before its first use or after', () => {
    for (const bit of BITS) {
      const one = begin();
      flip(one.bytes, bit);
      expect(() => release(one)).toThrow(wrong);
      const two = begin();
      expect(release(two)).toHaveLength(32);
      flip(two.bytes, bit);
      const { own, signing } = begin();
      expect(() => answer({ ...own, share: two.own.share }, key, signing)).toThrow(wrong);
    }
  });

  test('releases nothing when D or E came out wrong as they were made, d and e being right', () => {
    for (const field of ['hidingElement', 'bindingElement'] as const) {
      const { own, signing } = begin();
      const held = reveal(own.nonces, 'test') as unknown as Record<typeof field, unknown>;
      held[field] = group.add(held[field] as never, group.generator);
      expect(() => answer(own, key, signing)).toThrow(wrong);
    }
  });

  test('releases nothing when any one multiplication of the generator by a secret comes out wrong', () => {
    const original = group.mulBase.bind(group);
    const calls = { count: 0, spoil: -1 };
    vi.spyOn(group, 'mulBase').mockImplementation((scalar) => {
      const product = original(scalar);
      return calls.count++ === calls.spoil ? group.add(product, group.generator) : product;
    });
    const honest = begin();
    calls.count = 0;
    release(honest);
    const total = calls.count;
    expect(total).toBeGreaterThan(1);
    for (let spoil = 0; spoil < total; spoil++) {
      calls.spoil = -1;
      const one = begin();
      Object.assign(calls, { count: 0, spoil });
      expect(() => release(one), `call ${spoil}`).toThrow(wrong);
    }
  });

  /** z·G = ±(D + ρE) for the product x of public numbers that was in fact used: no secret was distorted. */
  function isMadeOfHonestSecrets(signing: SigningPackage, z: Uint8Array, products: readonly Uint8Array[]) {
    const run = openPackage(key, signing);
    const { negate, challenge } = computeGroupCommitment(run);
    const honest = scalars.multiply(lagrangeWeight(run, 0), challenge);
    const { hiding, binding } = run.commitments[0]!;
    const committed = group.add(group.decode(hiding), group.decodeAndMul(binding, run.bindingFactors[0]!));
    const mine = group.mulBasePublic(scalars.parse(z));
    return [false, true].some((sign) => {
      const nonce = (sign ? !negate : negate) ? group.negate(committed) : committed;
      return [honest, ...products].some((x) =>
        group.equal(
          mine,
          group.add(nonce, group.mulPublic(run.key.verifyingShare(run.parties[0]!), scalars.parse(x))),
        ),
      );
    });
  }

  test.each(OPERATIONS)(
    'releases nothing that a flipped bit in any one result of %s on secrets has changed',
    (operation) => {
      const calls = { count: 0, spoil: -1, products: [] as Uint8Array[] };
      for (const each of new Set([operation, 'multiply'] as const)) {
        const original = scalars[each].bind(scalars) as (...given: unknown[]) => Uint8Array;
        vi.spyOn(scalars, each).mockImplementation(((...given: unknown[]) => {
          const result = original(...given);
          if (each === operation && calls.count++ === calls.spoil) flip(result, 9);
          if (each === 'multiply') calls.products.push(result.slice());
          return result;
        }) as never);
      }
      const honest = begin();
      calls.count = 0;
      release(honest);
      const total = calls.count;
      let refused = 0;
      for (let spoil = 0; spoil < total; spoil++) {
        const one = begin();
        Object.assign(calls, { count: 0, spoil, products: [] });
        let z: Uint8Array | null = null;
        try {
          z = release(one);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SIGNATURE_SHARE_WRONG' });
          refused++;
        }
        calls.spoil = -1;
        const { products } = calls;
        if (z === null) continue;
        // λ, c and their product are public; a fault there changes them and nothing else.
        expect(isMadeOfHonestSecrets(one.signing, z, products), `call ${spoil}`).toBe(true);
      }
      if (operation !== 'negate' && operation !== 'subtract') expect(refused).toBeGreaterThan(0);
    },
  );
});
