import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import type { SecretScalar } from '../../group/group.js';
import { hash } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint64be, uint64le } from '../../protocol/layout.js';
import { feldmanEvaluate, feldmanVerify } from '../../sharing/index.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';
import { firstEpoch } from '../../key/params.js';
import { assembleKey } from './assemble-key.js';
import type { CheckedDealing } from './check-dealings.js';
import { decodeSigner, signCocktailUnhedged, verifyCocktail } from '../../key/cocktail/signature.js';
import { parseDealing, staticPointsOf } from './dealing.js';
import {
  COCKTAIL_FILES,
  type CocktailVector,
  haveVectors,
  readCocktailVectors,
} from './fixtures/cocktail-vectors.js';
import { receiveShares } from './receive-shares.js';
import { type CocktailSuite, cocktailSuite, sessionContext } from '../../key/cocktail/suite.js';
import { encodeTranscript } from './transcript.js';

/** Compares values with what was published, and counts. */
class Judge {
  checks = 0;

  same(actual: Uint8Array | boolean | number, expected: string | boolean | number): void {
    this.checks++;
    expect(actual instanceof Uint8Array ? encodeHex(actual) : actual).toBe(expected);
  }
}

/** One published run with its values decoded. */
interface Run {
  readonly name: SuiteName;
  readonly suite: CocktailSuite;
  readonly vector: CocktailVector;
  readonly judge: Judge;
  readonly quorum: { readonly needed: number; readonly of: number };
  readonly context: Uint8Array;
  readonly secrets: readonly SecretScalar[];
  readonly staticKeys: readonly Uint8Array[];
  readonly dealings: readonly CheckedDealing[];
}

function openRun(name: SuiteName, vector: CocktailVector, judge: Judge): Run {
  const suite = cocktailSuite(name);
  const { group } = suite;
  const dealings = vector.round1.map((message): CheckedDealing => {
    const ephemeralKey = decodeHex(message.ephemeral_public_key);
    const ciphertexts = message.encrypted_shares.map(decodeHex);
    return {
      commitment: decodeHex(message.vss_commitment.join('')),
      proof: decodeHex(message.pop),
      ephemeralKey,
      ciphertexts,
      ciphertextSection: concatBytes(...ciphertexts.flatMap((bytes) => [uint64be(bytes.length), bytes])),
      coefficients: message.vss_commitment.map((point) => group.decode(decodeHex(point))),
      ephemeralPoint: null,
    };
  });
  return {
    name,
    suite,
    vector,
    judge,
    quorum: { needed: vector.t, of: vector.n },
    context: decodeHex(vector.context),
    secrets: vector.config.static_secret_keys.map((key) => group.scalars.parseSecret(decodeHex(key))),
    staticKeys: vector.config.static_public_keys.map(decodeHex),
    dealings,
  };
}

function checkSetup({ suite, vector, judge, quorum, secrets, staticKeys, dealings }: Run): void {
  const { group } = suite;
  secrets.forEach((secret, i) =>
    judge.same(group.encode(group.mulBase(secret)), vector.config.static_public_keys[i]!),
  );
  judge.same(sessionContext(suite, decodeHex(vector.session_tag), staticKeys), vector.context);
  judge.same(dealings.length, quorum.of);
  if (vector.payloads === undefined) judge.same(new Uint8Array(), vector.extension);
  else {
    const framed = vector.payloads.map(decodeHex).flatMap((payload) => [uint64le(payload.length), payload]);
    judge.same(hash(suite.hashName, uint64le(quorum.of), ...framed), vector.extension);
  }
}

function checkProofs({ suite, vector, judge, context, dealings }: Run): void {
  const { group } = suite;
  vector.round1.forEach((message, i) => {
    const { commitment, ephemeralKey, proof, coefficients } = dealings[i]!;
    const published = message.pop_intermediate;
    const signed = concatBytes(context, commitment, ephemeralKey);
    judge.same(message.participant_id, i + 1);
    judge.same(signed, published.message);
    // The secret is not published by itself, but it is the part of the nonce's input before the message.
    const secretAt = published.nonce_input.length - published.message.length - 64;
    const secret = group.scalars.parseSecret(decodeHex(published.nonce_input.slice(secretAt, secretAt + 64)));
    const publicKey = group.encode(group.mulBase(secret));
    judge.same(publicKey, message.vss_commitment[0]!);
    const nonceInput = suite.nonceInput(secret, signed);
    judge.same(nonceInput, published.nonce_input);
    const nonce = suite.hashToSecretScalar(nonceInput);
    judge.same(nonce, published.nonce);
    const nonceCommitment = group.encode(group.mulBase(nonce));
    judge.same(nonceCommitment, published.nonce_commitment);
    const challengeInput = suite.challengeInput(nonceCommitment, publicKey, signed);
    judge.same(challengeInput, published.challenge_input);
    judge.same(suite.hashToScalar(challengeInput), published.challenge);
    judge.same(signCocktailUnhedged(suite, { secret, publicKey }, signed), message.pop);
    judge.same(verifyCocktail(suite, publicKey, signed, proof), true);
    judge.same(
      group.encode(decodeSigner(suite, publicKey, signed, proof).key),
      encodeHex(group.encode(coefficients[0]!)),
    );
  });
}

function checkShares({ suite, vector, judge, quorum, context, secrets, staticKeys, dealings }: Run): void {
  const { group } = suite;
  const sums: Uint8Array[] = secrets.map(() => group.scalars.zero);
  dealings.forEach((dealing, i) => {
    if (vector.payloads === undefined) {
      const message = concatBytes(
        dealing.commitment,
        dealing.proof,
        dealing.ephemeralKey,
        dealing.ciphertextSection,
      );
      const parsed = parseDealing(suite, quorum, message)!;
      judge.same(parsed.commitment, vector.round1[i]!.vss_commitment.join(''));
      judge.same(parsed.proof, vector.round1[i]!.pop);
      judge.same(parsed.ephemeralKey, vector.round1[i]!.ephemeral_public_key);
      parsed.ciphertexts.forEach((bytes, j) => judge.same(bytes, vector.round1[i]!.encrypted_shares[j]!));
    }
    secrets.forEach((secret, j) => {
      const ephemeralPoint = group.encode(group.mulSecret(group.decode(dealing.ephemeralKey), secret));
      const staticPoint = group.encode(group.mulSecret(group.decode(staticKeys[i]!), secret));
      const pair = {
        ephemeralKey: dealing.ephemeralKey,
        senderKey: staticKeys[i]!,
        receiverKey: staticKeys[j]!,
      };
      const { key, nonce } = suite.deriveKeyAndNonce({ ...pair, ephemeralPoint, staticPoint, context });
      const plaintext = suite.aead.open(key, nonce, dealing.ciphertexts[j]!)!;
      const share = group.scalars.parseSecret(plaintext.subarray(0, group.scalars.byteLength));
      judge.same(plaintext.subarray(group.scalars.byteLength), vector.payloads?.[i] ?? '');
      judge.same(feldmanVerify(group, dealing.coefficients, j + 1, share), true);
      sums[j] = group.scalars.add(group.scalars.parseSecret(sums[j]!), share);
      judge.same(suite.aead.seal(key, nonce, plaintext), vector.round1[i]!.encrypted_shares[j]!);
    });
  });
  sums.forEach((sum, j) => judge.same(sum, vector.round2[j]!.secret_share));
  if (vector.recovery === undefined) return;
  judge.same(sums[vector.recovery.participant_id - 1]!, vector.recovery.recovered_secret_share);
}

function checkResult(run: Run): void {
  const { suite, vector, judge, quorum, context, secrets, staticKeys, dealings } = run;
  const transcript = encodeTranscript(suite, {
    context,
    quorum,
    staticKeys,
    dealings,
    extension: decodeHex(vector.extension),
  });
  judge.same(hash(suite.hashName, transcript), vector.round3.transcript_hash);
  vector.round3.signatures.forEach(({ signer_id, signature }, i) => {
    const key = { secret: secrets[i]!, publicKey: staticKeys[i]! };
    judge.same(signer_id, i + 1);
    judge.same(signCocktailUnhedged(suite, key, transcript), signature);
    judge.same(verifyCocktail(suite, staticKeys[i]!, transcript, decodeHex(signature)), true);
  });
  checkKey(run, transcript);
}

/** By the code of the protocol itself, which takes no payload: the dealings of a run with payloads are cut to none. */
function checkKey(
  { name, suite, vector, judge, quorum, context, secrets, staticKeys, dealings }: Run,
  transcript: Uint8Array,
): void {
  const { group } = suite;
  const roster = staticKeys.map((staticKey, i) => ({
    slot: (i + 1) as PartyIndex,
    serverId: new Uint8Array(32),
    identityKey: new Uint8Array(32),
    sealingKey: new Uint8Array(32),
    staticKey,
    staticProof: new Uint8Array(),
    identitySignature: new Uint8Array(64),
    url: '',
  }));
  const params = {
    suite: name,
    purpose: 'vector',
    keyId: new Uint8Array(32),
    ...firstEpoch(),
    quorum,
    roster,
    termsHash: new Uint8Array(32),
  };
  const key = assembleKey(params, dealings, transcript)!;
  judge.same(key.public.groupKey, vector.group_public_key);
  vector.round2.forEach((expected, i) => {
    const me = (i + 1) as PartyIndex;
    judge.same(expected.participant_id, me);
    judge.same(key.public.verifyingShares[i]!, expected.verification_share);
    const secret = secrets[i]!;
    judge.same(
      group.encode(group.mulBase(group.scalars.parseSecret(decodeHex(expected.secret_share)))),
      expected.verification_share,
    );
    judge.same(
      group.encode(
        feldmanEvaluate(
          group,
          key.public.commitment.map((c) => group.decode(c)),
          me,
        ),
      ),
      expected.verification_share,
    );
    if (vector.payloads !== undefined) return;
    const share = receiveShares({
      suite,
      me,
      agreement: group.agree(secret),
      senderKeys: staticKeys,
      receiverKey: staticKeys[me - 1]!,
      staticPoints: staticPointsOf(suite, secret, staticKeys, me),
      context,
      dealings,
      key,
    });
    judge.same(share as Uint8Array, expected.secret_share);
  });
  vector.recovery?.ciphertexts.forEach((ciphertext, j) =>
    judge.same(dealings[j]!.ciphertexts[vector.recovery!.participant_id - 1]!, ciphertext),
  );
  if (vector.recovery !== undefined) {
    const { participant_id, recovered_verification_share } = vector.recovery;
    judge.same(key.public.verifyingShares[participant_id - 1]!, recovered_verification_share);
  }
}

describe('the official vectors of COCKTAIL-DKG', () => {
  for (const [name, path] of COCKTAIL_FILES) {
    describe.skipIf(!haveVectors(path))(`official vectors ${path} (needs CKM_VECTORS)`, () => {
      it('gives every published value', () => {
        const { ciphersuite, vectors } = readCocktailVectors(path);
        const judge = new Judge();
        judge.same(encodeUtf8(cocktailSuite(name).id), encodeHex(encodeUtf8(ciphersuite)));
        for (const vector of vectors) {
          const run = openRun(name, vector, judge);
          checkSetup(run);
          checkProofs(run);
          checkShares(run);
          checkResult(run);
        }
        // Every published value, and no fewer: what a loop skips would not be missed otherwise.
        expect([vectors.length, judge.checks]).toEqual([4, 1566]);
      });
    });
  }
});
