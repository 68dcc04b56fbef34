import { concatBytes, encodeUtf8, type Secret, secret, UsageError } from '@ckm/foundation';
import { taggedHash, taggedHash64 } from '../hash/index.js';
import { uint32be } from '../protocol/layout.js';
import type { SuiteName } from './cocktail/suite-name.js';
import { signCocktail, verifyCocktail } from './cocktail/signature.js';
import { deriveSecretScalar } from './cocktail/secret-scalar.js';
import { type CocktailSuite, cocktailSuite } from './cocktail/suite.js';

/** A server's key for one collective key and epoch: it receives shares, and signs the certificate. */
export interface StaticKey {
  /** d. Used by this protocol and by nothing else; whoever has it and the certificate has the share. */
  readonly staticSecret: Secret<Uint8Array>;
  /** P = d·G */
  readonly staticKey: Uint8Array;
  readonly staticProof: Uint8Array;
}

/** What a static key belongs to. */
export interface StaticKeyScope {
  readonly suite: SuiteName;
  /** 32 bytes */
  readonly keyId: Uint8Array;
  readonly epoch: number;
}

/**
 * Makes a static key with the proof that we know it. The same seed gives the same key, and with the same hedge the same
 * proof.
 * @param seed 32 secret bytes, fresh for this key and epoch
 * @param hedge 32 secret bytes; fresh ones where a seed is used for more than one run, so that no two runs have the same
 * parameters, in which the proof is
 * @throws UsageError `SEED_INVALID`
 */
export function createStaticKey(
  suite: SuiteName,
  keyId: Uint8Array,
  epoch: number,
  seed: Uint8Array,
  hedge = seed,
): StaticKey {
  assertSeed(seed);
  assertSeed(hedge);
  const cocktail = cocktailSuite(suite);
  const scope = { suite, keyId, epoch };
  const scalar = deriveSecretScalar(cocktail.group, (counter) =>
    taggedHash64('CKM/dkg/static-key/v1', seed, ...scopeItems(scope), counter),
  );
  const staticKey = cocktail.group.encode(cocktail.group.mulBase(scalar));
  const message = staticProofMessage(scope, staticKey);
  const staticProof = signCocktail(cocktail, { secret: scalar, publicKey: staticKey }, message, hedge);
  return { staticSecret: secret<Uint8Array>(scalar), staticKey, staticProof };
}

/**
 * Whether whoever made `proof` knows the static secret, for this suite, key and epoch. Refuses a key made out of
 * another server's key, whose secret its owner does not know.
 * @param staticKey encoded; one that is no element has no valid proof
 */
export function verifyStaticProof(
  cocktail: CocktailSuite,
  scope: StaticKeyScope,
  staticKey: Uint8Array,
  proof: Uint8Array,
): boolean {
  return verifyCocktail(cocktail, staticKey, staticProofMessage(scope, staticKey), proof);
}

/** What a server's identity key signs to vouch for the two keys under which others reach it in one key and epoch. */
export interface StaticKeyStatement extends StaticKeyScope {
  /** 32 bytes, XID */
  readonly serverId: Uint8Array;
  /** 32 bytes, Ed25519 */
  readonly identityKey: Uint8Array;
  /** 32 bytes, X25519 */
  readonly sealingKey: Uint8Array;
  readonly staticKey: Uint8Array;
  readonly staticProof: Uint8Array;
}

/**
 * The bytes that the identity key signs: a readable prefix and a hash, so that no other signature by that key, over
 * an envelope digest say, can be taken for it.
 */
export function staticKeyStatement(statement: StaticKeyStatement): Uint8Array {
  const { serverId, identityKey, sealingKey, staticKey, staticProof } = statement;
  return concatBytes(
    encodeUtf8('CKM static key statement v1'),
    taggedHash(
      'CKM/dkg/static-statement/v1',
      ...scopeItems(statement),
      serverId,
      identityKey,
      sealingKey,
      staticKey,
      staticProof,
    ),
  );
}

/** What the identity key of a receiver signs in a change: as for a new key, and for this very change. */
export interface ReceiverKeyStatement extends StaticKeyStatement {
  /** 32 bytes: transcript hash of the epoch before. */
  readonly previous: Uint8Array;
  /** 32 bytes: hash of the order. */
  readonly order: Uint8Array;
  /** 32 bytes, the receiver's own and fresh. */
  readonly nonce: Uint8Array;
}

/**
 * The bytes that a receiver's identity signs. Bound to epoch before, order and nonce, so that no offer for one change can be
 * put into another.
 */
export function receiverKeyStatement(statement: ReceiverKeyStatement): Uint8Array {
  const { previous, order, nonce, serverId, identityKey, sealingKey, staticKey, staticProof } = statement;
  return concatBytes(
    encodeUtf8('CKM receiver key statement v1'),
    taggedHash(
      'CKM/change/receiver-statement/v1',
      ...scopeItems(statement),
      previous,
      order,
      nonce,
      serverId,
      identityKey,
      sealingKey,
      staticKey,
      staticProof,
    ),
  );
}

/** Starts unlike every other message that a static key signs: a transcript begins with the length of a suite id. */
function staticProofMessage(scope: StaticKeyScope, staticKey: Uint8Array): Uint8Array {
  return concatBytes(
    encodeUtf8('CKM static key proof v1'),
    taggedHash('CKM/dkg/static-proof/v1', ...scopeItems(scope), staticKey),
  );
}

function scopeItems({ suite, keyId, epoch }: StaticKeyScope): readonly Uint8Array[] {
  return [encodeUtf8(suite), keyId, uint32be(epoch)];
}

/** @throws UsageError `SEED_INVALID` for anything but 32 bytes that are not all zero. */
export function assertSeed(seed: Uint8Array): void {
  if (seed instanceof Uint8Array && seed.length === 32 && seed.some((byte) => byte !== 0)) return;
  throw new UsageError('a seed must be 32 random bytes', {
    code: 'SEED_INVALID',
    hint: 'take 32 bytes from the random source of the system, and check that it works',
  });
}
