// @module-tag long
import { concatBytes, reveal } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { groupNamed } from '../../group/index.js';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { groupOfSuite, type SuiteName } from '../../key/cocktail/suite-name.js';
import { createDealing, type DealerInput } from './dealing.js';
import { createCeremony } from './fixtures/parties.js';
import { endings, outputOf, rogueDealer, runCeremony } from './fixtures/rogue.js';
import { dkgProtocol, type ShareMessage } from './index.js';
import { recoverShare, verifyCertificate } from '../../key/index.js';
import { MAX_MESSAGE_BYTES } from './messages.js';
import { deriveRunSecrets } from './secrets.js';
import { type CocktailSuite, cocktailSuite } from '../../key/cocktail/suite.js';

const SUITES = ['ed25519', 'secp256k1'] as const;
const QUORUM = { needed: 2, of: 3 };

/** How the two honest parties end when party 3 deals as told. */
function dealtBy3(
  suite: SuiteName,
  rogue: Omit<Parameters<typeof rogueDealer>[1], 'party'>,
): readonly string[] {
  const ceremony = createCeremony(suite, QUORUM);
  return endings(runCeremony(ceremony, { onStep: rogueDealer(ceremony, { party: 3, ...rogue }) })).slice(
    0,
    2,
  );
}

function both(code: string): string[] {
  return [`${code} [3]`, `${code} [3]`];
}

/** A polynomial of another length, dealt in good order: commitment, proof and shares all match. */
function withCoefficients(suite: SuiteName, count: number) {
  const { group } = cocktailSuite(suite);
  const coefficients = Array.from({ length: count }, (_, k) =>
    group.scalars.parseSecret(group.scalars.fromInteger(k + 5)),
  );
  const commitment = concatBytes(...coefficients.map((a) => group.encode(group.mulBase(a))));
  return {
    opening: (honest: DealerInput['opening']) => ({ ...honest, commitment }),
    dealing: (input: DealerInput, cocktail: CocktailSuite) => {
      if (count === 0)
        return createDealing(cocktail, input).subarray(QUORUM.needed * group.elementByteLength);
      return createDealing(cocktail, {
        ...input,
        opening: { ...input.opening, commitment },
        secrets: { ...input.secrets, coefficients },
      });
    },
  };
}

/** Replaces the point at `index` of the dealer's public points: coefficients, then the ephemeral key. */
function withPoint(suite: SuiteName, index: number, point: Uint8Array) {
  const { elementByteLength } = groupNamed(groupOfSuite(suite));
  const put = (opening: DealerInput['opening']) => {
    const all = concatBytes(opening.commitment, opening.ephemeralKey);
    all.set(point, index * elementByteLength);
    const split = QUORUM.needed * elementByteLength;
    return { commitment: all.slice(0, split), ephemeralKey: all.slice(split) };
  };
  return {
    opening: put,
    dealing: (input: DealerInput, cocktail: CocktailSuite) => {
      const honest = createDealing(cocktail, input);
      const { commitment, ephemeralKey } = put(input.opening);
      const proofAt = commitment.length;
      const ephemeralAt = proofAt + cocktail.signatureLength;
      honest.set(commitment);
      honest.set(ephemeralKey, ephemeralAt);
      return honest;
    },
  };
}

describe.each(SUITES)('with suite %s, a dealer', (suite) => {
  const { group } = cocktailSuite(suite);

  it.each([
    ['one coefficient too many', 3],
    ['one too few', 1],
    ['none', 0],
    ['as many as fit into a message', 40],
  ])('V3: who commits to a polynomial with %s is named', (_, count) => {
    expect(dealtBy3(suite, withCoefficients(suite, count))).toEqual(both('FAULT_DEALING_LENGTH'));
  });

  it('V3: who sends a million coefficients is stopped at the codec', () => {
    const bytes = new Uint8Array(1_000_000 * group.elementByteLength);
    expect(() => dkgProtocol.message.decode(bytes)).toThrow(
      expect.objectContaining({ code: 'LAYOUT_TOO_LONG' }),
    );
    expect(dkgProtocol.message.maxBytes).toBe(MAX_MESSAGE_BYTES);
  });

  it('V4: who leaves out a frame, or adds one, or sends an empty one, is named', () => {
    const frame = 8 + 48;
    const cut = (input: DealerInput, s: CocktailSuite) => createDealing(s, input).slice(0, -frame);
    const longer = (input: DealerInput, s: CocktailSuite) => {
      const honest = createDealing(s, input);
      return concatBytes(honest, honest.slice(-frame));
    };
    const hollow = (input: DealerInput, s: CocktailSuite) =>
      concatBytes(cut(input, s), new Uint8Array(frame));
    for (const dealing of [cut, longer, hollow]) {
      expect(dealtBy3(suite, { dealing })).toEqual(both('FAULT_DEALING_LENGTH'));
    }
  });

  it('V5: who posts the identity, or zeros, as any of its points is named', () => {
    const zeros = new Uint8Array(group.elementByteLength);
    const identity = suite === 'ed25519' ? ed25519.Point.ZERO.toBytes() : zeros;
    for (const index of [0, 1, 2]) {
      for (const point of [zeros, identity]) {
        expect(dealtBy3(suite, withPoint(suite, index, point))).toEqual(both('FAULT_POINT_INVALID'));
      }
    }
  });

  it('V5: whose proof has the identity as R, or zero as z, is named', () => {
    const tamper = (change: (proof: Uint8Array) => void) => (input: DealerInput, s: CocktailSuite) => {
      const honest = createDealing(s, input);
      change(
        honest.subarray(input.opening.commitment.length, input.opening.commitment.length + s.signatureLength),
      );
      return honest;
    };
    const elementLength = group.elementByteLength;
    const changes = [
      (proof: Uint8Array) => void proof.fill(0, 0, elementLength),
      (proof: Uint8Array) => void proof.fill(0, elementLength),
      (proof: Uint8Array) => void proof.fill(0),
    ];
    for (const change of changes)
      expect(dealtBy3(suite, { dealing: tamper(change) })).toEqual(both('FAULT_PROOF_INVALID'));
  });

  it('V8: whose proof has z + order instead of z is named', () => {
    const dealing = (input: DealerInput, s: CocktailSuite) => {
      const honest = createDealing(s, input);
      const at = input.opening.commitment.length + s.group.elementByteLength;
      honest.set(plusOrder(s, honest.slice(at, at + 32)), at);
      return honest;
    };
    expect(dealtBy3(suite, { dealing })).toEqual(both('FAULT_PROOF_INVALID'));
  });

  it('V8: who encrypts share + order instead of the share is suspected', () => {
    const dealing = (input: DealerInput, s: CocktailSuite) =>
      createDealing(
        {
          ...s,
          aead: { ...s.aead, seal: (key, nonce, share) => s.aead.seal(key, nonce, plusOrder(s, share)) },
        },
        input,
      );
    expect(dealtBy3(suite, { dealing })).toEqual(both('SUSPECT_SHARE'));
  });

  it('who encrypts a wrong share to one party is suspected by that party alone, and no certificate comes out', () => {
    let dealt = 0;
    const dealing = (input: DealerInput, s: CocktailSuite) =>
      createDealing(
        {
          ...s,
          aead: {
            ...s.aead,
            seal: (key, nonce, share) =>
              s.aead.seal(
                key,
                nonce,
                dealt++ === 1 ? s.group.scalars.add(share as SecretScalar, s.group.scalars.one) : share,
              ),
          },
        },
        input,
      );
    expect(dealtBy3(suite, { dealing })).toEqual(['waiting', 'SUSPECT_SHARE [3]']);
  });

  it('whose error another dealer cancels changes nothing: the share is right, and can be recovered', () => {
    const ceremony = createCeremony(suite, QUORUM);
    const off = (by: 'add' | 'subtract') => (input: DealerInput, s: CocktailSuite) => {
      let receiver = 0;
      const { scalars } = s.group;
      const shift = (share: Uint8Array) =>
        receiver++ === 0 ? scalars[by](share as SecretScalar, scalars.fromInteger(77)) : share;
      return createDealing(
        { ...s, aead: { ...s.aead, seal: (key, nonce, share) => s.aead.seal(key, nonce, shift(share)) } },
        input,
      );
    };
    const two = rogueDealer(ceremony, { party: 2, dealing: off('add') });
    const three = rogueDealer(ceremony, { party: 3, dealing: off('subtract') });
    const run = runCeremony(ceremony, { onStep: (party, step) => three(party, two(party, step)) });
    expect(endings(run)).toEqual(['finished', 'finished', 'finished']);
    const { share, certificate } = outputOf(run, 1);
    const scalar = group.scalars.parseSecret(reveal(share.share, 'test'));
    expect(group.encode(group.mulBase(scalar))).toEqual(
      verifyCertificate(certificate).public.verifyingShares[0],
    );
    expect(reveal(recoverShare(certificate, ceremony.servers[0]!.staticSecret).share.share, 'test')).toEqual(
      scalar,
    );
  });
});

it('V6: a dealer who posts a point in another encoding is named', () => {
  const { group } = cocktailSuite('secp256k1');
  const good = group.encode(group.generator);
  const point = (prefix: number) => Uint8Array.of(prefix, ...good.subarray(1));
  const beyondField = Uint8Array.of(2, ...new Uint8Array(32).fill(0xff));
  for (const bad of [point(4), point(6), point(7), point(0), beyondField]) {
    expect(dealtBy3('secp256k1', withPoint('secp256k1', 1, bad))).toEqual(both('FAULT_POINT_INVALID'));
  }
});

describe('V7: a dealer on edwards25519', () => {
  const torsion = ed25519.Point.fromBytes(
    Uint8Array.from(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
    true,
  );
  const small = Array.from({ length: 8 }, (_, i) =>
    i === 0 ? ed25519.Point.ZERO : torsion.multiplyUnsafe(BigInt(i)),
  );

  it.each([0, 1, 2])('who posts any of the eight points of small order at place %i is named', (index) => {
    for (const point of small) {
      expect(dealtBy3('ed25519', withPoint('ed25519', index, point.toBytes()))).toEqual(
        both('FAULT_POINT_INVALID'),
      );
    }
  });

  it.each([0, 1, 2])('who adds torsion to the point at place %i is named', (index) => {
    for (const point of small.slice(1)) {
      const mixed = ed25519.Point.BASE.multiply(12345n).add(point);
      expect(dealtBy3('ed25519', withPoint('ed25519', index, mixed.toBytes()))).toEqual(
        both('FAULT_POINT_INVALID'),
      );
    }
  });
});

it('every dealer at fault is named, not only the first', () => {
  const ceremony = createCeremony('ed25519', { needed: 2, of: 5 });
  const run = runCeremony(ceremony, {
    deliver: (delivery) => {
      if (delivery.body.round !== 1 || ![2, 4, 5].includes(delivery.from)) return [delivery];
      const body: ShareMessage = { ...delivery.body, dealing: delivery.body.dealing.map((byte) => byte ^ 1) };
      return [{ ...delivery, body }];
    },
  });
  expect(endings(run)[0]).toBe('FAULT_DEALING_LENGTH [2,4,5]');
  expect(endings(run)[2]).toBe('FAULT_DEALING_LENGTH [2,4,5]');
});

/** The same number modulo the group order, in an encoding that is not canonical; where it does not fit, all ones. */
function plusOrder({ group }: CocktailSuite, scalar: Uint8Array): Uint8Array {
  const littleEndian = group.name === 'ed25519';
  const bytes = littleEndian ? [...scalar].reverse() : [...scalar];
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + group.scalars.order;
  const out = Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * (31 - i))) & 0xffn));
  if (value >> 256n !== 0n) return new Uint8Array(32).fill(0xff);
  return littleEndian ? out.reverse() : out;
}

it('dealers who cancel a coefficient of the key out make all start again: the quorum would be lower than agreed', () => {
  const ceremony = createCeremony('ed25519', { needed: 2, of: 2 });
  const { group } = cocktailSuite('ed25519');
  const accomplice = dkgProtocol.start(ceremony.paramsOf(1 as PartyIndex), ceremony.seedOf(1 as PartyIndex));
  if (accomplice.kind !== 'waiting' || accomplice.state.round !== 0) throw new Error('did not start');
  const known = deriveRunSecrets(group, accomplice.state.root, 2).coefficients[1]!;
  const opposite = group.scalars.negate(known);
  const cancelling = rogueDealer(ceremony, {
    party: 2,
    opening: (own) => ({
      ...own,
      commitment: concatBytes(own.commitment.subarray(0, 32), group.encode(group.mulBase(opposite))),
    }),
    dealing: (input, suite) => {
      const coefficients = [input.secrets.coefficients[0]!, opposite];
      return createDealing(suite, { ...input, secrets: { ...input.secrets, coefficients } });
    },
  });
  expect(endings(runCeremony(ceremony, { onStep: cancelling }))).toEqual([
    'RETRY_KEY_DEGENERATE []',
    'RETRY_KEY_DEGENERATE []',
  ]);
});
