import { encodeUtf8, encodeHex, reveal, secret } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { groupNamed } from '../../group/index.js';
import { WRONG_ENCODINGS } from '../../group/test/encodings.js';
import { type DerivedKey, deriveKey, NO_TWEAK } from '../../hd/index.js';
import { groupOfSuite, SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import type { KeyShare } from '../../key/public-package.js';
import { dealKey } from './fixtures/dealer.js';
import { answer, commitAs, type Committed, packageFor, party, signTogether } from './fixtures/signing.js';
import { computeGroupCommitment } from './group-commitment.js';
import { packNonces } from './round-1-commit.js';
import { openPackage, parseCommitment, type SigningPackage } from './signing-package.js';
import { frostSuite } from './suite.js';
import { verifySignature } from './verify-signature.js';

const message = encodeUtf8('release 1.2.3');
const withCode = (code: string) => expect.objectContaining({ code });

for (const suite of SUITE_NAMES) {
  describe(`a signer of ${suite}`, () => {
    const dealt = dealKey({ suite, needed: 2, of: 3 });
    const key = deriveKey(dealt.public, NO_TWEAK);
    const { group } = frostSuite(suite);

    /** A fresh honest pair, and a package that `change` spoils. */
    const refusal = (change: (signing: SigningPackage, own: Committed, other: Committed) => unknown) => {
      const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
      const signing = change(packageFor([own, other], message), own, other) as SigningPackage;
      return () => answer(own, key, signing);
    };

    test('signs with any quorum, in any order, and with more than the quorum', () => {
      for (const parties of [
        [1, 2],
        [3, 1],
        [2, 3],
        [3, 1, 2],
      ]) {
        const signature = signTogether(dealt, parties, message);
        expect(verifySignature(suite, key.groupKey, message, signature)).toBe(true);
      }
    });

    test.each([
      ['0', 0],
      ['negative', -1],
      ['above 65535', 65_536],
      ['not whole', 1.5],
      ['NaN', Number.NaN],
      ['the group order', group.scalars.order],
      ['twice the group order', 2n * group.scalars.order],
      ['a text', '3'],
      ['"__proto__"', '__proto__'],
      ['"constructor"', 'constructor'],
      ['an object', { toString: (): string => '3' }],
      ['nothing', undefined],
    ])('V1, V10: refuses a signer whose index is %s', (_, index) => {
      const spoil = refusal((signing, own, other) => ({
        ...signing,
        commitments: [own.commitment, { ...other.commitment, party: index }],
      }));
      expect(spoil).toThrow(withCode('PARTY_INDEX_INVALID'));
    });

    test('V2: refuses a signer that is listed twice', () => {
      const twice = refusal((signing, own, other) => ({
        ...signing,
        commitments: [own.commitment, other.commitment, other.commitment],
      }));
      expect(twice).toThrow(withCode('PARTY_DUPLICATE'));
      const self = refusal((signing, own) => ({ ...signing, commitments: [own.commitment, own.commitment] }));
      expect(self).toThrow(withCode('PARTY_DUPLICATE'));
    });

    test('V39: refuses fewer signers than the quorum, more than all, and unknown ones', () => {
      const fewer = refusal((signing, own) => ({ ...signing, commitments: [own.commitment] }));
      expect(fewer).toThrow(withCode('PARTY_COUNT_INVALID'));
      const none = refusal((signing) => ({ ...signing, commitments: [] }));
      expect(none).toThrow(withCode('PARTY_COUNT_INVALID'));
      const more = refusal((signing, own, other) => ({
        ...signing,
        commitments: [own, ...[2, 3, 4].map((index) => ({ ...other.commitment, party: index }))].map((one) =>
          'commitment' in one ? one.commitment : one,
        ),
      }));
      expect(more).toThrow(withCode('PARTY_COUNT_INVALID'));
      const unknown = refusal((signing, own, other) => ({
        ...signing,
        commitments: [own.commitment, { ...other.commitment, party: 4 }],
      }));
      expect(unknown).toThrow(withCode('PARTY_UNKNOWN'));
    });

    test('V37: refuses a package without itself, or with another commitment under its name', () => {
      const third = commitAs(dealt, 2);
      const without = refusal((signing, _, other) => ({
        ...signing,
        commitments: [other.commitment, third.commitment],
      }));
      expect(without).toThrow(withCode('SIGNER_MISSING'));
      const fresh = commitAs(dealt, 1).commitment;
      for (const substitute of [
        fresh,
        { hiding: fresh.hiding },
        { binding: fresh.binding },
        { swap: true },
      ] as const) {
        const replaced = refusal((signing, own, other) => {
          const { hiding, binding } = own.commitment;
          const changed = 'swap' in substitute ? { hiding: binding, binding: hiding } : substitute;
          return { ...signing, commitments: [{ ...own.commitment, ...changed, party: 1 }, other.commitment] };
        });
        expect(replaced).toThrow(withCode('COMMITMENT_REPLACED'));
      }
    });

    test('V5, V6, V7: refuses what is no element, in either place, and names its party', () => {
      const wrong = WRONG_ENCODINGS[groupOfSuite(suite)];
      expect(wrong.length).toBeGreaterThan(10);
      for (const bytes of wrong) {
        for (const field of ['hiding', 'binding'] as const) {
          const spoiled = refusal((signing, own, other) => ({
            ...signing,
            commitments: [own.commitment, { ...other.commitment, [field]: bytes }],
          }));
          const blame = expect.objectContaining({ code: 'COMMITMENT_INVALID', facts: { culprits: [3] } });
          expect(spoiled, encodeHex(bytes)).toThrow(blame);
          const commitment = { ...commitAs(dealt, 3).commitment, [field]: bytes };
          expect(() => parseCommitment(suite, commitment), encodeHex(bytes)).toThrow(blame);
        }
      }
    });

    test('V4, V10: refuses a package of the wrong shape', () => {
      const shapes: [string, (signing: SigningPackage, own: Committed, other: Committed) => unknown][] = [
        ['PACKAGE_INVALID', (signing) => ({ ...signing, message: 'release 1.2.3' })],
        ['PACKAGE_INVALID', (signing) => ({ ...signing, message: undefined })],
        ['PACKAGE_INVALID', (signing) => ({ ...signing, commitments: undefined })],
        [
          'PACKAGE_INVALID',
          (signing, own, other) => ({ ...signing, commitments: { 1: own, 3: other, length: 2 } }),
        ],
        ['PARTY_INDEX_INVALID', (signing, own) => ({ ...signing, commitments: [own.commitment, null] })],
        [
          'PARTY_INDEX_INVALID',
          (signing, own) => ({ ...signing, commitments: Object.assign([own.commitment], { length: 2 }) }),
        ],
        [
          'COMMITMENT_INVALID',
          (signing, own) => ({ ...signing, commitments: [own.commitment, { party: 3 }] }),
        ],
        [
          'COMMITMENT_INVALID',
          (signing, own, other) => ({
            ...signing,
            commitments: [
              own.commitment,
              { ...other.commitment, hiding: encodeHex(other.commitment.hiding) },
            ],
          }),
        ],
      ];
      for (const [code, shape] of shapes) expect(refusal(shape)).toThrow(withCode(code));
    });

    test('V33: the order in which signers are listed changes nothing', () => {
      const suiteOf = frostSuite(suite);
      const [d, e] = [11n, 13n].map((n) =>
        suiteOf.group.scalars.parseSecret(suiteOf.group.scalars.fromInteger(n)),
      );
      const others = [commitAs(dealt, 2), commitAs(dealt, 3)];
      const shares = [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ].map((order) => {
        const { nonces, commitment } = packNonces(
          suiteOf,
          party(1),
          d!.slice() as never,
          e!.slice() as never,
        );
        const listed = [{ commitment }, ...others];
        const signing = { message, commitments: order.map((at) => listed[at]!.commitment) };
        return answer({ share: dealt.shares[0]!, nonces, commitment }, key, signing).share;
      });
      expect(new Set(shares.map(encodeHex)).size).toBe(1);
    });

    test('V51: a key that was not derived here is refused, so nobody can bring a tweak of his own', () => {
      const forged: DerivedKey = Object.freeze({ ...key, offset: group.scalars.one });
      for (const lookAlike of [forged, { ...key }, structuredClone(key)]) {
        const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
        const signing = packageFor([own, other], message);
        expect(() => answer(own, lookAlike, signing)).toThrow(withCode('KEY_NOT_DERIVED'));
      }
    });

    test('V51: a key derived from the same certificate with another chain code or quorum is refused', () => {
      const { chainCode, quorum } = dealt.public;
      for (const change of [
        { chainCode: chainCode.map((byte) => byte ^ 1) },
        { quorum: { ...quorum, needed: 3 } },
      ]) {
        const other = deriveKey({ ...dealt.public, ...change }, NO_TWEAK);
        const signers = [1, 2, 3].map((index) => commitAs(dealt, index));
        const signing = packageFor(signers, message);
        expect(() => answer(signers[0]!, other, signing)).toThrow(withCode('SHARE_FOREIGN'));
      }
    });

    test('a share, or nonces, of another key are refused', () => {
      const stranger = dealKey({ suite, needed: 2, of: 3 });
      const sign = (share: KeyShare, nonces: Committed) => {
        const other = commitAs(dealt, 3);
        return () => answer({ ...nonces, share }, key, packageFor([nonces, other], message));
      };
      expect(sign(stranger.shares[0]!, commitAs(dealt, 1))).toThrow(withCode('SHARE_FOREIGN'));
      expect(sign(dealt.shares[0]!, commitAs(dealt, 2))).toThrow(withCode('NONCES_FOREIGN'));
      const refreshed = { ...dealt.public, verifyingShares: stranger.public.verifyingShares };
      expect(sign({ ...dealt.shares[0]!, public: refreshed }, commitAs(dealt, 1))).toThrow(
        withCode('SHARE_FOREIGN'),
      );
    });

    test('V5, V8: a share that is damaged, zero or not canonical gives no signature share', () => {
      const damaged = Uint8Array.from(reveal(dealt.shares[0]!.share, 'test'));
      damaged[16]! ^= 1;
      const order = groupNamed(groupOfSuite(suite)).scalars.order;
      const notCanonical = Uint8Array.from({ length: 32 }, (_, i) =>
        Number((order >> BigInt(8 * (group.scalars.one[0] === 1 ? i : 31 - i))) & 0xffn),
      );
      for (const [bytes, code] of [
        [damaged, 'SIGNATURE_SHARE_WRONG'],
        [new Uint8Array(32), 'SIGNATURE_SHARE_WRONG'],
        [notCanonical, 'SCALAR_INVALID'],
      ] as const) {
        const share = { ...dealt.shares[0]!, share: secret<Uint8Array>(bytes) };
        const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
        const signing = packageFor([own, other], message);
        expect(() => answer({ ...own, share }, key, signing)).toThrow(withCode(code));
      }
    });

    test('a share that is damaged after a good signature gives no second one', () => {
      const bytes = Uint8Array.from(reveal(dealt.shares[0]!.share, 'test'));
      const share = { ...dealt.shares[0]!, share: secret<Uint8Array>(bytes) };
      const sign = () => {
        const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
        return answer({ ...own, share }, key, packageFor([own, other], message)).share;
      };
      expect(sign()).toHaveLength(32);
      bytes[5]! ^= 4;
      expect(sign).toThrow(withCode('SIGNATURE_SHARE_WRONG'));
    });

    test('V1: a share under the number of another party gives nothing, also after a good signature', () => {
      const [own, other] = [commitAs(dealt, 1), commitAs(dealt, 3)];
      expect(answer(own, key, packageFor([own, other], message)).share).toHaveLength(32);
      const renamed = { ...commitAs(dealt, 2), share: { ...dealt.shares[0]!, party: party(2) } };
      const signing = packageFor([renamed, other], message);
      expect(() => answer(renamed, key, signing)).toThrow(withCode('SIGNATURE_SHARE_WRONG'));
    });

    test('V5: commitments that cancel out are refused', () => {
      const run = openPackage(key, packageFor([commitAs(dealt, 1), commitAs(dealt, 3)], message));
      const { hiding, binding } = run.commitments[1]!;
      const other = group.add(group.decode(hiding), group.decodeAndMul(binding, run.bindingFactors[1]!));
      const share = group.negate(other);
      expect(() => computeGroupCommitment(run, { place: 0, share })).toThrow(withCode('PACKAGE_INVALID'));
    });
  });
}
