import { decodeHex, encodeHex, secret } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { deriveKey, NO_TWEAK } from '../../hd/index.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { SUITE_NAMES, type SuiteName } from '../../key/cocktail/suite-name.js';
import { aggregate, verifySignatureShare } from './aggregate.js';
import { dealKey } from './fixtures/dealer.js';
import { party } from './fixtures/signing.js';
import { haveVectors, parseVectors, readVectors } from './fixtures/vectors.js';
import { commitNonces, generateNonce, packNonces } from './round-1-commit.js';
import { signShare } from './round-2-sign.js';
import { openPackage } from './signing-package.js';
import { frostSuite } from './suite.js';
import { verifySignature } from './verify-signature.js';

interface FrostVectors {
  readonly config: { readonly MAX_PARTICIPANTS: string; readonly MIN_PARTICIPANTS: string };
  readonly inputs: {
    readonly participant_list: readonly number[];
    readonly group_secret_key: string;
    readonly verifying_key_key: string;
    readonly message: string;
    readonly share_polynomial_coefficients: readonly string[];
    readonly participant_shares: readonly {
      readonly identifier: number;
      readonly participant_share: string;
    }[];
  };
  readonly round_one_outputs: { readonly outputs: readonly RoundOne[] };
  readonly round_two_outputs: {
    readonly outputs: readonly { readonly identifier: number; readonly sig_share: string }[];
  };
  readonly final_output: { readonly sig: string };
}

interface RoundOne {
  readonly identifier: number;
  readonly hiding_nonce_randomness: string;
  readonly binding_nonce_randomness: string;
  readonly hiding_nonce: string;
  readonly binding_nonce: string;
  readonly hiding_nonce_commitment: string;
  readonly binding_nonce_commitment: string;
  readonly binding_factor_input: string;
  readonly binding_factor: string;
}

const FILES: Record<SuiteName, string> = {
  ed25519: 'frost/ed25519/vectors.json',
  ristretto255: 'frost/ristretto255/vectors.json',
  secp256k1: 'frost/secp256k1/vectors.json',
  'secp256k1-tr': 'frost/secp256k1-tr/vectors.json',
  'P-256': 'frost/p256/vectors.json',
};

for (const name of SUITE_NAMES) {
  const file = FILES[name];
  describe.skipIf(!haveVectors(file))(`official vectors ${file} (needs CKM_VECTORS)`, () => {
    const load = () => {
      const vectors = parseVectors<FrostVectors>(file);
      const { inputs, config } = vectors;
      const secrets = [inputs.group_secret_key, ...inputs.share_polynomial_coefficients].map(decodeHex);
      const dealt = dealKey({
        suite: name,
        needed: Number(config.MIN_PARTICIPANTS),
        of: Number(config.MAX_PARTICIPANTS),
        coefficients: secrets,
      });
      const message = decodeHex(inputs.message);
      const rounds = vectors.round_one_outputs.outputs;
      const commitments = rounds.map((round) => ({
        party: party(round.identifier),
        hiding: decodeHex(round.hiding_nonce_commitment),
        binding: decodeHex(round.binding_nonce_commitment),
      }));
      const key = deriveKey(dealt.public, NO_TWEAK);
      return { vectors, dealt, key, rounds, signing: { message, commitments } };
    };

    test('the key and its shares are those of the vectors', () => {
      const { vectors, dealt } = load();
      const { group } = frostSuite(name);
      expect(encodeHex(dealt.public.groupKey)).toBe(vectors.inputs.verifying_key_key);
      expect.assertions(1 + vectors.inputs.participant_shares.length);
      for (const { identifier, participant_share: share } of vectors.inputs.participant_shares) {
        const point = group.mulBase(group.scalars.parseSecret(decodeHex(share)));
        expect(encodeHex(group.encode(point))).toBe(encodeHex(dealt.public.verifyingShares[identifier - 1]!));
      }
    });

    test('nonces and commitments follow from randomness and share', () => {
      const { vectors, rounds } = load();
      const suite = frostSuite(name);
      const shares = new Map(
        vectors.inputs.participant_shares.map((s) => [s.identifier, s.participant_share]),
      );
      expect.assertions(rounds.length * 6);
      for (const round of rounds) {
        const bytes = decodeHex(shares.get(round.identifier)!);
        const share = suite.group.scalars.parseSecret(bytes);
        const [hiding, binding] = [round.hiding_nonce_randomness, round.binding_nonce_randomness].map(
          decodeHex,
        );
        const nonces = [hiding, binding].map((random) => generateNonce(suite, random!, share));
        expect(encodeHex(nonces[0]!)).toBe(round.hiding_nonce);
        expect(encodeHex(nonces[1]!)).toBe(round.binding_nonce);
        const random = decodeHex(round.hiding_nonce_randomness + round.binding_nonce_randomness);
        const made = commitNonces({
          suite: name,
          party: party(round.identifier),
          share: secret(bytes),
          random,
        });
        for (const { commitment } of [
          made,
          packNonces(suite, party(round.identifier), nonces[0]!, nonces[1]!),
        ]) {
          expect(encodeHex(commitment.hiding)).toBe(round.hiding_nonce_commitment);
          expect(encodeHex(commitment.binding)).toBe(round.binding_nonce_commitment);
        }
      }
    });

    test('binding factors follow from the inputs given', () => {
      const { rounds, key, signing } = load();
      const suite = frostSuite(name);
      const run = openPackage(key, signing);
      expect.assertions(rounds.length * 2);
      rounds.forEach((round, place) => {
        expect(encodeHex(suite.h1(decodeHex(round.binding_factor_input)))).toBe(round.binding_factor);
        expect(encodeHex(run.bindingFactors[place]!)).toBe(round.binding_factor);
      });
    });

    test('signature shares and the signature are those of the vectors', () => {
      const { vectors, dealt, key, rounds, signing } = load();
      const suite = frostSuite(name);
      const expected = new Map(vectors.round_two_outputs.outputs.map((o) => [o.identifier, o.sig_share]));
      expect.assertions(2 * rounds.length + 2);
      const shares = rounds.map((round) => {
        const [d, e] = [round.hiding_nonce, round.binding_nonce].map((hex) =>
          suite.group.scalars.parseSecret(decodeHex(hex)),
        );
        const own = party(round.identifier);
        const { nonces } = packNonces(suite, own, d!, e!);
        const share = signShare({ key, share: dealt.shares[own - 1]!, nonces, package: signing });
        expect(encodeHex(share)).toBe(expected.get(own));
        expect(verifySignatureShare({ key, package: signing, party: own, share })).toBe(true);
        return { party: own, share };
      });
      const result = aggregate({ key, package: signing, shares });
      expect(result.kind === 'signature' && encodeHex(result.signature)).toBe(vectors.final_output.sig);
      const signature = decodeHex(vectors.final_output.sig);
      expect(verifySignature(name, key.groupKey, signing.message, signature)).toBe(true);
    });

    test('the Lagrange weights interpolate the shares to the key', () => {
      const { vectors, dealt } = load();
      const { group } = frostSuite(name);
      const parties = vectors.inputs.participant_list.map(party);
      const weights = parties.map((member) => lagrangeAtZero(group, parties, member));
      const elements = parties.map((member) => group.decode(dealt.public.verifyingShares[member - 1]!));
      expect(encodeHex(group.encode(group.msm(elements, weights)))).toBe(vectors.inputs.verifying_key_key);
    });
  });
}

describe.skipIf(!haveVectors('bip340/test-vectors.csv'))(
  'official vectors bip340/test-vectors.csv (needs CKM_VECTORS)',
  () => {
    const [, ...rows] = haveVectors('bip340/test-vectors.csv')
      ? readVectors('bip340/test-vectors.csv').trim().split(/\r?\n/)
      : [];
    test.each(rows.map((row) => row.split(',')))(
      'verifySignature agrees with the published vector %s',
      (...row) => {
        const [, , key, , message, signature, verdict] = row;
        const given = [key, message, signature].map((hex) => decodeHex(hex!));
        expect(verifySignature('secp256k1-tr', given[0]!, given[1]!, given[2]!)).toBe(verdict === 'TRUE');
      },
    );
  },
);
