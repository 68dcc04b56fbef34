import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import type { Scalar } from '../../group/index.js';
import { WRONG_ENCODINGS } from '../../group/test/encodings.js';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { evaluatePolynomial } from '../../sharing/index.js';
import { groupOfSuite, SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import { aggregate, type SignatureShare, verifySignatureShare } from './aggregate.js';
import { dealKey } from './fixtures/dealer.js';
import { computeRawShare } from './fixtures/raw-share.js';
import { answer, commitAs, packageFor, party } from './fixtures/signing.js';
import { lagrangeWeight, sketchGroupCommitment } from './group-commitment.js';
import { generateNonce } from './round-1-commit.js';
import { openPackage } from './signing-package.js';
import { frostSuite } from './suite.js';
import { verifySignature } from './verify-signature.js';

const message = encodeUtf8('release 1.2.3');
const withCode = (code: string) => expect.objectContaining({ code });

describe.each(SUITE_NAMES)('an aggregator of %s', (suite) => {
  const dealt = dealKey({ suite, needed: 3, of: 5 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const { group } = frostSuite(suite);
  const { scalars } = group;
  const session = (parties: readonly number[]) => {
    const signers = parties.map((index) => commitAs(dealt, index));
    const signing = packageFor(signers, message);
    return { signing, shares: signers.map((signer) => answer(signer, key, signing)) };
  };
  const plusOne = (share: Uint8Array) => scalars.add(scalars.parse(share), scalars.one);

  test('V40: names exactly those whose shares are wrong, whoever they are', () => {
    const { signing, shares } = session([1, 3, 4, 5]);
    for (let liars = 1; liars < 16; liars++) {
      const isLiar = (place: number) => ((liars >> place) & 1) === 1;
      const given = shares.map((one, place) => (isLiar(place) ? { ...one, share: plusOne(one.share) } : one));
      const culprits = given.filter((_, place) => isLiar(place)).map((one) => one.party);
      expect(aggregate({ key, package: signing, shares: given })).toEqual({ kind: 'faulty', culprits });
    }
  });

  test('V40: two wrong shares whose errors cancel out do no harm, because the signature is right', () => {
    const { signing, shares } = session([1, 2, 3]);
    const shifted = [
      { ...shares[0]!, share: plusOne(shares[0]!.share) },
      { ...shares[1]!, share: scalars.subtract(scalars.parse(shares[1]!.share), scalars.one) },
      shares[2]!,
    ];
    const result = aggregate({ key, package: signing, shares: shifted });
    expect(result.kind).toBe('signature');
    expect(result).toEqual(aggregate({ key, package: signing, shares }));
  });

  test('V5, V8, V10: shares that are zero, not canonical or no bytes count against their party', () => {
    const { signing, shares } = session([2, 3, 5]);
    const order = Uint8Array.from(scalars.subtract(scalars.zero, scalars.one));
    order[scalars.one[0] === 1 ? 0 : 31]! += 1;
    const wrongs = [
      new Uint8Array(32),
      order,
      new Uint8Array(32).fill(255),
      new Uint8Array(31),
      'share',
      null,
    ];
    for (const wrong of wrongs) {
      const given = [shares[0]!, { party: party(3), share: wrong as Uint8Array }, shares[2]!];
      expect(aggregate({ key, package: signing, shares: given })).toEqual({ kind: 'faulty', culprits: [3] });
      expect(verifySignatureShare({ key, package: signing, ...given[1]! })).toBe(false);
    }
  });

  test('V40: a share of another session, or of another party, is wrong', () => {
    const [session1, session2] = [session([1, 2, 3]), session([1, 2, 3])];
    const replayed = [session2.shares[0]!, session1.shares[1]!, session1.shares[2]!];
    const outcome = { kind: 'faulty', culprits: [1] };
    expect(aggregate({ key, package: session1.signing, shares: replayed })).toEqual(outcome);
    const swapped = [
      { party: party(1), share: session1.shares[1]!.share },
      { party: party(2), share: session1.shares[0]!.share },
      session1.shares[2]!,
    ];
    for (const one of swapped.slice(0, 2)) {
      expect(verifySignatureShare({ key, package: session1.signing, ...one })).toBe(false);
    }
  });

  test('V33: takes shares and commitments in any order', () => {
    const { signing, shares } = session([1, 4, 5]);
    const straight = aggregate({ key, package: signing, shares });
    const reversed = { ...signing, commitments: [...signing.commitments].reverse() };
    expect(straight.kind).toBe('signature');
    expect(aggregate({ key, package: reversed, shares: [shares[1]!, shares[2]!, shares[0]!] })).toEqual(
      straight,
    );
  });

  test('V2, V4, V39: wants exactly one share for each signer', () => {
    const { signing, shares } = session([1, 2, 3]);
    const lists: SignatureShare[][] = [
      [],
      shares.slice(1),
      [...shares, shares[0]!],
      [shares[0]!, shares[0]!, shares[2]!],
      [shares[0]!, shares[1]!, { ...shares[2]!, party: party(4) }],
      [shares[0]!, shares[1]!, { ...shares[2]!, party: '__proto__' as never }],
    ];
    for (const list of lists) {
      expect(() => aggregate({ key, package: signing, shares: list })).toThrow(withCode('SIGNER_MISSING'));
    }
    const stranger = () => verifySignatureShare({ key, package: signing, ...shares[0]!, party: party(5) });
    expect(stranger).toThrow(withCode('SIGNER_MISSING'));
  });

  test('V7: a commitment that is no element counts against its party', () => {
    const { signing, shares } = session([1, 2, 3]);
    const bytes = WRONG_ENCODINGS[groupOfSuite(suite)][0]!;
    const commitments = signing.commitments.map((one) =>
      one.party === 2 ? { ...one, binding: bytes } : one,
    );
    const outcome = { kind: 'faulty', culprits: [2] };
    expect(aggregate({ key, package: { message, commitments }, shares })).toEqual(outcome);
  });

  test('V7: a D or E in any invalid encoding counts against its party, whatever the shares are', () => {
    const { signing, shares } = session([1, 2, 3]);
    for (const bytes of WRONG_ENCODINGS[groupOfSuite(suite)]) {
      if (bytes.length !== group.elementByteLength) continue;
      for (const field of ['hiding', 'binding'] as const) {
        const commitments = signing.commitments.map((one) =>
          one.party === 2 ? { ...one, [field]: bytes } : one,
        );
        const spoilt = { key, package: { message, commitments } };
        expect(aggregate({ ...spoilt, shares }), encodeHex(bytes)).toEqual({ kind: 'faulty', culprits: [2] });
        expect(() => verifySignatureShare({ ...spoilt, ...shares[0]! })).toThrow(
          withCode('COMMITMENT_INVALID'),
        );
      }
    }
  });

  test('V51: refuses a key that was not derived here', () => {
    const { signing, shares } = session([1, 2, 3]);
    const copy = { ...key };
    expect(() => aggregate({ key: copy, package: signing, shares })).toThrow(withCode('KEY_NOT_DERIVED'));
  });

  test('under another key than the one that was signed for, every share is wrong', () => {
    const wrong = { ...dealt.public, groupKey: dealt.public.commitment[1]! };
    const { signing, shares } = session([1, 2, 3]);
    const outcome = aggregate({ key: deriveKey(wrong, NO_TWEAK), package: signing, shares });
    expect(outcome).toEqual({ kind: 'faulty', culprits: [1, 2, 3] });
  });

  test('V8: a signature with a second encoding is refused', () => {
    const { signing, shares } = session([1, 2, 3]);
    const result = aggregate({ key, package: signing, shares });
    const signature = result.kind === 'signature' ? result.signature : new Uint8Array(0);
    expect(verifySignature(suite, key.groupKey, message, signature)).toBe(true);
    const z = signature.subarray(-32);
    const littleEndian = scalars.one[0] === 1;
    let value = scalars.toInteger(z as Scalar) + scalars.order;
    const second = signature.slice();
    for (let i = 0; i < 32; i++, value >>= 8n) {
      second[second.length - 32 + (littleEndian ? i : 31 - i)] = Number(value & 0xffn);
    }
    const others = [second, signature.subarray(1), new Uint8Array(signature.length), new Uint8Array(0)];
    if (value === 0n) expect(encodeHex(second)).not.toBe(encodeHex(signature));
    for (const other of others) expect(verifySignature(suite, key.groupKey, message, other)).toBe(false);
    expect(verifySignature(suite, key.groupKey, encodeUtf8('release 1.2.4'), signature)).toBe(false);
    expect(verifySignature(suite, dealt.public.commitment[1]!, message, signature)).toBe(false);
  });
});

describe('torsion on ed25519', () => {
  const dealt = dealKey({ suite: 'ed25519', needed: 3, of: 3 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const suite = frostSuite('ed25519');
  const { group } = suite;
  const torsion = ed25519.Point.fromHex(ED25519_TORSION_SUBGROUP[1]!);

  const plus = torsion;
  const minus = torsion.negate();

  /** Parties that answer with honest scalars, each with some torsion added to its D. */
  const lie = (added: Readonly<Record<number, typeof torsion>>) =>
    Object.entries(added).map(([slot, extra]) => {
      const index = Number(slot);
      const share = evaluatePolynomial(group, dealt.coefficients, index);
      const nonces = [1, 2].map((n) => generateNonce(suite, new Uint8Array(32).fill(16 * index + n), share));
      const [hiding, binding] = nonces.map((nonce) => group.encode(group.mulBase(nonce)));
      const wrong = ed25519.Point.fromBytes(hiding!).add(extra).toBytes();
      return { share, nonces, commitment: { party: party(index), hiding: wrong, binding: binding! } };
    });

  /** Parties 2 and 3 add the same torsion with opposite signs. */
  const conspire = () => {
    const honest = commitAs(dealt, 1);
    const liars = lie({ 2: plus, 3: minus });
    const signing = {
      message,
      commitments: [honest.commitment, ...liars.map(({ commitment }) => commitment)],
    };
    const run = openPackage(key, signing);
    const shares = liars.map(({ share, nonces, commitment }, at) => ({
      party: commitment.party,
      share: computeRawShare(run, at + 1, [nonces[0]!, nonces[1]!], share),
    }));
    return { signing, shares: [answer(honest, key, signing), ...shares] };
  };

  test('V7: two parties that hide it from each other gain an ordinary signature', () => {
    const { signing, shares } = conspire();
    const result = aggregate({ key, package: signing, shares });
    expect(result.kind).toBe('signature');
    const signature = result.kind === 'signature' ? result.signature : new Uint8Array(0);
    expect(verifySignature('ed25519', key.groupKey, message, signature)).toBe(true);
  });

  test('V7: and are named as soon as anything is wrong', () => {
    const { signing, shares } = conspire();
    const wrong = [shares[0]!, shares[1]!, { ...shares[2]!, share: shares[0]!.share }];
    expect(aggregate({ key, package: signing, shares: wrong })).toEqual({ kind: 'faulty', culprits: [2, 3] });
  });

  test.each([
    ['one alone', { 1: ed25519.Point.ZERO, 2: plus, 3: ed25519.Point.ZERO }, [2]],
    ['two whose torsion does not cancel out', { 1: ed25519.Point.ZERO, 2: plus, 3: plus }, [2, 3]],
  ])(
    'V7: aggregate names %s who added it to D, although R is summed up unchecked and all answers are of the right scalars',
    (_, added, culprits) => {
      const signers = lie(added);
      const signing = { message, commitments: signers.map(({ commitment }) => commitment) };
      const run = openPackage(key, signing);
      // The equation by the book, under the R that holds the torsion: no honest signer answers to it.
      const { challenge } = sketchGroupCommitment(run);
      const { scalars } = group;
      const shares = signers.map(({ share, nonces, commitment }, at) => {
        const weight = scalars.multiply(lagrangeWeight(run, at), challenge);
        const bound = scalars.multiply(nonces[1]!, run.bindingFactors[at]!);
        const z = scalars.add(scalars.add(nonces[0]!, bound), scalars.multiply(weight, share));
        return { party: commitment.party, share: scalars.publish(z, 'test') };
      });
      expect(aggregate({ key, package: signing, shares })).toEqual({ kind: 'faulty', culprits });
      for (const share of shares) {
        expect(() => verifySignatureShare({ key, package: signing, ...share })).toThrow(
          expect.objectContaining({ code: 'COMMITMENT_INVALID', facts: { culprits } }),
        );
      }
    },
  );
});
