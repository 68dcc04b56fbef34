import { CkmError } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveKey, type Tweak } from '../../hd/index.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { aggregate, verifySignatureShare } from './aggregate.js';
import { dealKey } from './fixtures/dealer.js';
import { answer, commitAs, packageFor, party, signTogether } from './fixtures/signing.js';
import { parseCommitment, type SigningPackage } from './signing-package.js';
import { verifySignature } from './verify-signature.js';

const suites = fc.constantFrom<SuiteName>(...SUITE_NAMES);

const casts = fc
  .record({ needed: fc.integer({ min: 2, max: 5 }), more: fc.integer({ min: 0, max: 3 }) })
  .chain(({ needed, more }) => {
    const all = Array.from({ length: needed + more }, (_, i) => i + 1);
    const parties = fc.shuffledSubarray(all, { minLength: needed });
    return fc.record({ needed: fc.constant(needed), of: fc.constant(needed + more), parties });
  });

const tweakFor = (suite: SuiteName): fc.Arbitrary<Tweak> =>
  fc.record({
    path: fc.array(fc.nat(0x7fffffff), { maxLength: suite === 'ristretto255' ? 0 : 3 }),
    taproot:
      suite === 'secp256k1-tr'
        ? fc.option(fc.record({ merkleRoot: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 })) }))
        : fc.constant(null),
  });

const runs = suites.chain((suite) =>
  fc.record({
    suite: fc.constant(suite),
    cast: casts,
    tweak: tweakFor(suite),
    message: fc.uint8Array({ maxLength: 300 }),
  }),
);

/** Everything but a defect: the promise of every function that meets bytes from outside. */
function onlyTyped(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(CkmError);
    expect((error as CkmError).errorClass).not.toBe('BugError');
  }
}

describe('any quorum of any key', () => {
  test('gives a valid signature of any message, in any order', { tags: 'slow' }, () => {
    fc.assert(
      fc.property(runs, ({ suite, cast, tweak, message }) => {
        const dealt = dealKey({ suite, needed: cast.needed, of: cast.of });
        const key = deriveKey(dealt.public, tweak);
        const signature = signTogether(dealt, cast.parties, message, key);
        expect(verifySignature(suite, key.groupKey, message, signature)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('whatever bit of a package is flipped for one signer, no signature comes out and the others are not blamed alone', () => {
    fc.assert(
      fc.property(suites, fc.nat(), fc.boolean(), fc.nat(7), (suite, at, binding, bit) => {
        const dealt = dealKey({ suite, needed: 2, of: 3 });
        const key = deriveKey(dealt.public, { path: [], taproot: null });
        const signers = [commitAs(dealt, 1), commitAs(dealt, 2)];
        const honest = packageFor(signers, new Uint8Array(8));
        const field = binding ? 'binding' : 'hiding';
        const changed = Uint8Array.from(signers[1]!.commitment[field]);
        changed[at % changed.length]! ^= 1 << bit;
        const split: SigningPackage = {
          ...honest,
          commitments: [signers[0]!.commitment, { ...signers[1]!.commitment, [field]: changed }],
        };
        onlyTyped(() => {
          const misled = answer(signers[0]!, key, split);
          const shares = [misled, answer(signers[1]!, key, honest)];
          expect(aggregate({ key, package: honest, shares })).toEqual({ kind: 'faulty', culprits: [1] });
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('garbage', () => {
  const dealt = dealKey({ suite: 'ed25519', needed: 2, of: 3 });
  const key = deriveKey(dealt.public, { path: [], taproot: null });
  const pair = fc.record(
    { party: fc.anything(), hiding: fc.anything(), binding: fc.anything() },
    { requiredKeys: [] },
  );
  const almost = fc.record(
    {
      message: fc.oneof(fc.uint8Array(), fc.anything()),
      commitments: fc.oneof(fc.array(pair), fc.anything()),
    },
    { requiredKeys: [] },
  );

  test('V10: for a package gives typed errors only', () => {
    fc.assert(
      fc.property(fc.oneof(almost, fc.anything()), (signing) => {
        onlyTyped(() => answer(commitAs(dealt, 1), key, signing as SigningPackage));
        onlyTyped(() => aggregate({ key, package: signing as SigningPackage, shares: [] }));
        const share = new Uint8Array(32);
        onlyTyped(() =>
          verifySignatureShare({ key, package: signing as SigningPackage, party: party(1), share }),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('V10: for a commitment gives typed errors only, for a signature false', () => {
    fc.assert(
      fc.property(suites, fc.oneof(pair, fc.anything()), fc.anything(), (suite, commitment, bytes) => {
        onlyTyped(() => parseCommitment(suite, commitment));
        const [signature, message, publicKey] = [bytes, bytes, bytes] as Uint8Array[];
        expect(verifySignature(suite, publicKey!, message!, signature!)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
