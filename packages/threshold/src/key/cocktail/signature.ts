import { BugError, concatBytes, EncodingError, encodeUtf8 } from '@ckm/foundation';
import type { Element, Scalar, SecretScalar } from '../../group/group.js';
import { taggedHash64 } from '../../hash/index.js';
import { deriveSecretScalar } from './secret-scalar.js';
import type { CocktailSuite } from './suite.js';

/** A key that signs in COCKTAIL-DKG: a static key, or the constant term of a dealer's polynomial. */
export interface SigningKey {
  readonly secret: SecretScalar;
  /** secret·G, encoded. */
  readonly publicKey: Uint8Array;
}

/**
 * Schnorr signature (R, z) of COCKTAIL-DKG. The one-time scalar is hashed from secret, message and `hedge`, so that
 * neither a repeated random source nor a fault that makes us sign twice repeats it under another challenge.
 * @param hedge 32 secret bytes, fresh for the run
 * Source: C2SP cocktail-dkg, "Schnorr Sign Algorithm" and "Fault-injection caveat"
 */
export function signCocktail(
  suite: CocktailSuite,
  key: SigningKey,
  message: Uint8Array,
  hedge: Uint8Array,
): Uint8Array {
  const id = encodeUtf8(suite.id);
  const nonce = deriveSecretScalar(suite.group, (counter) =>
    taggedHash64('CKM/dkg/signature-nonce/v1', id, hedge, key.secret, message, counter),
  );
  return signWithNonce(suite, key, message, nonce);
}

/**
 * The same signature with the one-time scalar of the published vectors, which hash no hedge.
 * For comparison with them; everything else uses {@link signCocktail}.
 */
export function signCocktailUnhedged(suite: CocktailSuite, key: SigningKey, message: Uint8Array): Uint8Array {
  return signWithNonce(suite, key, message, suite.hashToSecretScalar(suite.nonceInput(key.secret, message)));
}

function signWithNonce(
  suite: CocktailSuite,
  { secret, publicKey }: SigningKey,
  message: Uint8Array,
  nonce: SecretScalar,
): Uint8Array {
  const { group } = suite;
  const { scalars } = group;
  if (scalars.isZero(nonce)) {
    throw new BugError('a one-time scalar is zero', {
      code: 'NONCE_ZERO',
      hint: 'start a new session',
    });
  }
  const commitment = group.encode(group.mulBase(nonce));
  const challenge = suite.hashToScalar(suite.challengeInput(commitment, publicKey, message));
  const product = scalars.multiply(secret, challenge);
  const response = scalars.publish(scalars.add(nonce, product), 'response of a signature');
  nonce.fill(0);
  product.fill(0);
  return concatBytes(commitment, response);
}

/**
 * Whether a signature is valid. R is compared as bytes with z·G − c·P: only the canonical encoding of an element of
 * the prime-order group other than the identity can be equal, so R needs no decoding of its own.
 * @param publicKey encoded; one that is no element makes every signature invalid
 * Source: C2SP cocktail-dkg, "Schnorr Verify Algorithm"
 */
export function verifyCocktail(
  suite: CocktailSuite,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return decodeSigner(suite, publicKey, message, signature).isValid;
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}

/**
 * The key that a signature is checked with, and whether that is valid: in one go, because libraries check an element
 * whenever they multiply it.
 * @throws EncodingError `ELEMENT_INVALID` for a public key that is no element
 */
export function decodeSigner(
  suite: CocktailSuite,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): { readonly key: Element; readonly isValid: boolean } {
  const { group } = suite;
  const response = responseOf(suite, signature);
  if (response === undefined) return { key: group.decode(publicKey), isValid: false };
  const commitment = signature.subarray(0, group.elementByteLength);
  const challenge = suite.hashToScalar(suite.challengeInput(commitment, publicKey, message));
  const { element, isRight } = group.decodeAndVerify(publicKey, challenge, response, commitment);
  return { key: element, isValid: isRight };
}

/** z, of a signature of the right length that holds a canonical one. */
function responseOf({ group, signatureLength }: CocktailSuite, signature: Uint8Array): Scalar | undefined {
  if (signature.length !== signatureLength) return undefined;
  try {
    return group.scalars.parse(signature.subarray(group.elementByteLength));
  } catch {
    return undefined;
  }
}
