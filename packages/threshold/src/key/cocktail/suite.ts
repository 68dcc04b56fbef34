import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { groupNamed } from '../../group/index.js';
import type { Group, GroupName, Scalar, SecretScalar } from '../../group/group.js';
import { hash, type HashName } from '../../hash/index.js';
import { uint32le, uint64be, uint64le } from '../../protocol/layout.js';
import { groupOfSuite, parseSuiteName, type SuiteName } from './suite-name.js';
import { type Aead, XAES_256_GCM, XCHACHA20_POLY1305 } from './aead.js';

/**
 * The version of COCKTAIL-DKG that this speaks; inside every params hash. A change of the published text is a new
 * version here, never a quiet change of bytes.
 */
export const COCKTAIL_VERSION = 'ckm-cocktail-0.2.1';

/** One ciphersuite of COCKTAIL-DKG: a group with its hashes and its cipher. Source: C2SP cocktail-dkg 0.2.1 */
export interface CocktailSuite {
  /** Published name, inside context and transcript. */
  readonly id: string;
  readonly group: Group;
  readonly hashName: HashName;
  readonly aead: Aead;
  /** R and z, encoded. */
  readonly signatureLength: number;
  /** Input of the one-time scalar of a deterministic signature (no hedge), up to the reduction. */
  nonceInput(secret: Uint8Array, message: Uint8Array): Uint8Array;
  /** Input of the challenge of a signature, up to the reduction. */
  challengeInput(commitment: Uint8Array, publicKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Hash to a public scalar. Source: section "Schnorr Hash-to-Scalar Reduction" */
  hashToScalar(input: Uint8Array): Scalar;
  hashToSecretScalar(input: Uint8Array): SecretScalar;
  /** AEAD key (32 bytes) and nonce (24 bytes) of one sender, receiver and context; the caller wipes both. Source: section "Ciphersuites", H6 */
  deriveKeyAndNonce(input: PairInput): { readonly key: Uint8Array; readonly nonce: Uint8Array };
}

/** What a pair of parties agrees on; all encoded. The two points are secret. */
export interface PairInput {
  /** ephemeral·P_receiver */
  readonly ephemeralPoint: Uint8Array;
  /** static·P_receiver */
  readonly staticPoint: Uint8Array;
  /** E of the sender. */
  readonly ephemeralKey: Uint8Array;
  readonly senderKey: Uint8Array;
  readonly receiverKey: Uint8Array;
  readonly context: Uint8Array;
}

const suites = new Map<GroupName, CocktailSuite>();

/**
 * The COCKTAIL-DKG suite under a signing suite. `secp256k1-tr` and `secp256k1` share one.
 * @throws EncodingError `SUITE_UNKNOWN`
 */
export function cocktailSuite(suite: SuiteName): CocktailSuite {
  const name = groupOfSuite(parseSuiteName(suite));
  let found = suites.get(name);
  if (found === undefined) {
    found = CREATE[name](groupNamed(name));
    suites.set(name, found);
  }
  return found;
}

/**
 * Binds everything in a run to its session, suite and ordered static keys.
 * Source: C2SP cocktail-dkg, "Setup", recommended construction
 */
export function sessionContext(
  suite: CocktailSuite,
  sessionId: Uint8Array,
  staticKeys: readonly Uint8Array[],
): Uint8Array {
  const id = encodeUtf8(suite.id);
  return hash(
    suite.hashName,
    encodeUtf8('COCKTAIL-DKG-CONTEXT'),
    uint64be(sessionId.length),
    sessionId,
    uint64be(id.length),
    id,
    uint32le(staticKeys.length),
    ...staticKeys,
  );
}

const CREATE: Record<GroupName, (group: Group) => CocktailSuite> = {
  ed25519: (group) => sha512Suite(group, 'COCKTAIL(Ed25519, SHA-512)', 'COCKTAIL-DKG-Ed25519-SHA512'),
  ristretto255: (group) =>
    sha512Suite(group, 'COCKTAIL(Ristretto255, SHA-512)', 'COCKTAIL-DKG-Ristretto255-SHA512'),
  'P-256': p256Suite,
  secp256k1: secp256k1Suite,
};

/**
 * For ed25519 the secret points are RFC 8032 encodings, as the published vectors have them, although a table in the
 * published text says ristretto255 (C2SP issue 299).
 */
function sha512Suite(group: Group, id: string, prefix: string): CocktailSuite {
  const prefixed = prefixes(prefix);
  return {
    ...shared(group, id, 'sha512', XCHACHA20_POLY1305),
    nonceInput: (secret, message) => concatBytes(prefixed.nonce, secret, message),
    challengeInput: (commitment, publicKey, message) =>
      concatBytes(prefixed.challenge, commitment, publicKey, message),
    hashToScalar: (input) => group.scalars.reduce(hash('sha512', input)),
    hashToSecretScalar: (input) => reduceAndWipe(group, hash('sha512', input)),
    deriveKeyAndNonce(input) {
      const derived = hash('sha512', prefixed.pair, ...pairFields(input), ...framed(input.context));
      const pair = { key: derived.slice(0, 32), nonce: derived.slice(32, 56) };
      derived.fill(0);
      return pair;
    },
  };
}

function p256Suite(group: Group): CocktailSuite {
  const prefixed = prefixes('COCKTAIL-DKG-P256-SHA256');
  return {
    ...shared(group, 'COCKTAIL(P-256, SHA-256)', 'sha256', XAES_256_GCM),
    nonceInput: (secret, message) => concatBytes(prefixed.nonce, secret, message),
    challengeInput: (commitment, publicKey, message) =>
      concatBytes(prefixed.challenge, commitment, publicKey, message),
    hashToScalar: (input) => group.scalars.reduce(expandP256(input)),
    hashToSecretScalar: (input) => reduceAndWipe(group, expandP256(input)),
    deriveKeyAndNonce: (input) =>
      deriveByLabel(input, (extra) => hash('sha256', prefixed.pair, ...pairFields(input), ...framed(extra))),
  };
}

function reduceAndWipe({ scalars }: Group, wide: Uint8Array): SecretScalar {
  const scalar = scalars.reduceSecret(wide);
  wide.fill(0);
  return scalar;
}

/** 48 bytes: 32 reduced would be biased by 2^-32 for this order. */
function expandP256(input: Uint8Array): Uint8Array {
  const [first, second] = [1, 2].map((counter) => hash('sha256', Uint8Array.of(counter), input));
  const wide = concatBytes(first!, second!.subarray(0, 16));
  first!.fill(0);
  second!.fill(0);
  return wide;
}

/** BIP-340 tagged hashes instead of prefixes; H6 without the length of its last item, which only this suite omits. */
function secp256k1Suite(group: Group): CocktailSuite {
  const nonceTag = bip340Prefix('COCKTAIL-DKG/NONCE');
  const challengeTag = bip340Prefix('COCKTAIL-DKG/H7');
  const pairTag = bip340Prefix('COCKTAIL-DKG/H6');
  return {
    ...shared(group, 'COCKTAIL(secp256k1, SHA-256)', 'sha256', XAES_256_GCM),
    nonceInput: (secret, message) => concatBytes(nonceTag, secret, message),
    challengeInput: (commitment, publicKey, message) =>
      concatBytes(challengeTag, commitment, publicKey, message),
    hashToScalar: (input) => group.scalars.reduce(hash('sha256', input)),
    hashToSecretScalar: (input) => reduceAndWipe(group, hash('sha256', input)),
    deriveKeyAndNonce: (input) =>
      deriveByLabel(input, (extra) => hash('sha256', pairTag, ...pairFields(input), extra)),
  };
}

function shared(group: Group, id: string, hashName: HashName, aead: Aead) {
  const signatureLength = group.elementByteLength + group.scalars.byteLength;
  return { id, group, hashName, aead, signatureLength };
}

function prefixes(prefix: string) {
  return {
    pair: encodeUtf8(`${prefix}-H6`),
    challenge: encodeUtf8(`${prefix}-H7`),
    nonce: encodeUtf8(`${prefix}-NONCE`),
  };
}

function bip340Prefix(tag: string): Uint8Array {
  const digest = hash('sha256', encodeUtf8(tag));
  return concatBytes(digest, digest);
}

function pairFields(input: PairInput): readonly Uint8Array[] {
  return [input.ephemeralPoint, input.staticPoint, input.ephemeralKey, input.senderKey, input.receiverKey];
}

function framed(bytes: Uint8Array): readonly Uint8Array[] {
  return [uint64le(bytes.length), bytes];
}

/** Two hashes where one is too short for key and nonce. */
function deriveByLabel(input: PairInput, pairHash: (extra: Uint8Array) => Uint8Array) {
  const labelled = (label: string) => concatBytes(...framed(input.context), ...framed(encodeUtf8(label)));
  const wide = pairHash(labelled('nonce'));
  const pair = { key: pairHash(labelled('key')), nonce: wide.slice(0, 24) };
  wide.fill(0);
  return pair;
}
