import { encodeHex, encodeUtf8, reveal, secret, wipe } from '@ckm/foundation';
import { randomBytes } from '@noble/hashes/utils.js';
import { describe, expect, test } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { dealKey } from './fixtures/dealer.js';
import { answer, commitAs, packageFor, party } from './fixtures/signing.js';
import { commitNonces, discardNonces } from './round-1-commit.js';
import { signShare } from './round-2-sign.js';

const share = (suite: SuiteName) => dealKey({ suite, needed: 2, of: 3 }).shares[0]!.share;
const half = (byte: number) => new Uint8Array(32).fill(byte);

describe('round 1', () => {
  test.each([
    ['all zero', new Uint8Array(64)],
    ['zero in its first half', Uint8Array.from([...half(0), ...half(1)])],
    ['zero in its second half', Uint8Array.from([...half(1), ...half(0)])],
    ['the same half twice', new Uint8Array(64).fill(7)],
    ['too short', new Uint8Array(63).fill(7)],
    ['too long', randomBytes(65)],
    ['no bytes at all', 'a'.repeat(64) as unknown as Uint8Array],
  ])('V66: randomness that is %s is refused', (_, random) => {
    const make = () => commitNonces({ suite: 'ed25519', party: party(1), share: share('ed25519'), random });
    expect(make).toThrow(expect.objectContaining({ code: 'RANDOMNESS_INVALID' }));
  });

  test.each(SUITE_NAMES)(
    'V66: a generator that repeats itself gives %s other nonces for another share',
    (suite) => {
      const random = randomBytes(64);
      const [one, two] = [share(suite), share(suite)];
      const make = (own: typeof one) =>
        commitNonces({ suite, party: party(1), share: own, random }).commitment;
      expect(encodeHex(make(one).hiding)).not.toBe(encodeHex(make(two).hiding));
      expect(encodeHex(make(one).binding)).not.toBe(encodeHex(make(two).binding));
      expect(encodeHex(make(one).hiding)).not.toBe(encodeHex(make(one).binding));
    },
  );

  test('V66: a generator that repeats itself gives other nonces in another context', () => {
    const random = randomBytes(64);
    const own = share('secp256k1-tr');
    const contexts = [undefined, new Uint8Array(0), encodeUtf8('process 1'), encodeUtf8('process 2')];
    const points = contexts.flatMap((context) => {
      const args = { suite: 'secp256k1-tr', party: party(1), share: own, random } as const;
      const { commitment } = commitNonces(context === undefined ? args : { ...args, context });
      return [commitment.hiding, commitment.binding].map(encodeHex);
    });
    expect(new Set(points).size).toBe(points.length);
  });

  test('the randomness is left to its owner, the share too', () => {
    const random = randomBytes(64);
    const before = encodeHex(random);
    const own = share('P-256');
    const shareBefore = encodeHex(reveal(own, 'test'));
    commitNonces({ suite: 'P-256', party: party(1), share: own, random });
    expect([encodeHex(random), encodeHex(reveal(own, 'test'))]).toEqual([before, shareBefore]);
  });

  test('V65: nonces do not show in text, JSON or a copy', () => {
    const { nonces } = commitAs(dealKey({ suite: 'ed25519', needed: 2, of: 3 }), 1);
    expect(`${nonces.toString()} ${JSON.stringify({ nonces })}`).toBe('<secret> {"nonces":"<secret>"}');
    expect(Object.keys(nonces)).toEqual([]);
    expect(Object.keys(structuredClone(nonces))).toEqual([]);
  });

  test('a share that is no scalar is refused without telling it', () => {
    const bad = secret<Uint8Array>(new Uint8Array(32).fill(0xff));
    const make = () =>
      commitNonces({ suite: 'ed25519', party: party(1), share: bad, random: randomBytes(64) });
    expect(make).toThrow(expect.objectContaining({ code: 'SCALAR_INVALID' }));
    expect(make).not.toThrow(/ffff/);
  });
});

describe('nonces are good for one share', () => {
  const dealt = dealKey({ suite: 'secp256k1-tr', needed: 2, of: 3 });
  const key = deriveKey(dealt.public, NO_TWEAK);
  const spentCode = expect.objectContaining({ code: 'NONCES_SPENT' });

  test('V34: the same nonces for the same package again are refused', () => {
    const [alpha, bravo] = [commitAs(dealt, 1), commitAs(dealt, 2)];
    const signing = packageFor([alpha, bravo], encodeUtf8('pay bob'));
    expect(answer(alpha, key, signing).share).toHaveLength(32);
    expect(() => answer(alpha, key, signing)).toThrow(spentCode);
  });

  test('V34: the same nonces for another message or another set of signers are refused', () => {
    const [alpha, bravo, charlie] = [1, 2, 3].map((index) => commitAs(dealt, index));
    answer(alpha!, key, packageFor([alpha!, bravo!], encodeUtf8('pay bob')));
    for (const signing of [
      packageFor([alpha!, bravo!], encodeUtf8('pay carol')),
      packageFor([alpha!, charlie!], encodeUtf8('pay bob')),
    ]) {
      expect(() => answer(alpha!, key, signing)).toThrow(spentCode);
    }
  });

  test('V34: nonces are spent by an attempt that was refused, too', () => {
    const [alpha, bravo] = [commitAs(dealt, 1), commitAs(dealt, 2)];
    const message = encodeUtf8('pay bob');
    expect(() => answer(alpha, key, packageFor([alpha], message))).toThrow(
      expect.objectContaining({ code: 'PARTY_COUNT_INVALID' }),
    );
    expect(() => answer(alpha, key, packageFor([alpha, bravo], message))).toThrow(spentCode);
  });

  test('V34, V36: discarded, wiped or copied nonces sign nothing', () => {
    const bravo = commitAs(dealt, 2);
    const gone = [commitAs(dealt, 1), commitAs(dealt, 1), commitAs(dealt, 1)];
    discardNonces(gone[0]!.nonces);
    wipe(gone[1]!.nonces);
    const copied = { ...gone[2]!, nonces: structuredClone(gone[2]!.nonces) };
    for (const alpha of [gone[0]!, gone[1]!, copied]) {
      const signing = packageFor([alpha, bravo], encodeUtf8('pay bob'));
      expect(() => answer(alpha, key, signing)).toThrow(spentCode);
      expect(() => discardNonces(alpha.nonces)).not.toThrow();
    }
  });

  test('V36: a state restored from before the signature holds no nonces', () => {
    const [alpha, bravo] = [commitAs(dealt, 1), commitAs(dealt, 2)];
    const snapshot = structuredClone({ commitment: alpha.commitment, nonces: alpha.nonces });
    const signing = packageFor([alpha, bravo], encodeUtf8('pay bob'));
    answer(alpha, key, signing);
    const restored = () => signShare({ key, share: alpha.share, nonces: snapshot.nonces, package: signing });
    expect(restored).toThrow(spentCode);
  });
});
