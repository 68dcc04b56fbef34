import { BugError, EncodingError } from '@ckm/foundation';
import {
  cbor,
  decodeCanonical,
  encodeCanonical,
  MAJOR,
  taggedValue,
  type Cbor,
  type DecodeLimits,
} from '../cbor/dcbor.js';
import { TAG } from '../cbor/tags.js';
import { primitives } from '../primitives/runtime.js';

/**
 * A key that verifies signatures. We write Ed25519 only; Schnorr (BIP-340) and ECDSA over secp256k1 are understood
 * because Gordian tools use them. 32 bytes, for ECDSA 33.
 */
export interface SigningPublicKey {
  readonly scheme: 'ed25519' | 'schnorr' | 'ecdsa';
  readonly bytes: Uint8Array;
}

/** What others need to know to verify and to seal. `agreement` is an X25519 public key, 32 bytes. */
export interface PublicKeys {
  readonly signing: SigningPublicKey;
  readonly agreement: Uint8Array;
}

/** The lasting name of somebody: the SHA-256 of their first signing key. 32 bytes. */
export type Xid = Uint8Array & { readonly __brand: 'Xid' };

const PLAIN_KEYS: DecodeLimits = { maxBytes: 512, maxDepth: 8 };

/** Tagged CBOR: 40022. Source: bc-components-rust, src/signing/signing_public_key.rs. */
export function signingPublicKeyCbor(key: SigningPublicKey): Cbor {
  const bytes = cbor(key.bytes);
  const content = key.scheme === 'schnorr' ? bytes : cbor([cbor(key.scheme === 'ecdsa' ? 1 : 2), bytes]);
  return taggedValue(TAG.signingPublicKey, content);
}

/** Source: bc-components-rust, src/id/xid.rs. */
export function xidOfKey(inceptionKey: SigningPublicKey): Xid {
  return asXid(primitives.sha256(encodeCanonical(signingPublicKeyCbor(inceptionKey))));
}

/**
 * Brands 32 bytes as an XID. @throws BugError `XID_LENGTH`.
 */
export function asXid(bytes: Uint8Array): Xid {
  if (bytes.length !== 32) {
    throw new BugError(`an XID has 32 bytes, not ${bytes.length}`, {
      code: 'XID_LENGTH',
      hint: 'report this: the length must be checked where the bytes come in',
    });
  }
  return bytes as Xid;
}

/** Tagged CBOR: 40017([signing, agreement]). Source: bc-components-rust, src/public_keys.rs. */
export function publicKeysCbor(keys: PublicKeys): Cbor {
  const agreement = taggedValue(TAG.x25519PublicKey, cbor(keys.agreement));
  return taggedValue(TAG.publicKeys, cbor([signingPublicKeyCbor(keys.signing), agreement]));
}

/** Deterministic bytes of public keys, for storage and comparison. */
export function encodePublicKeys(keys: PublicKeys): Uint8Array {
  return encodeCanonical(publicKeysCbor(keys));
}

/** @throws EncodingError `CBOR_…`, `PUBLIC_KEYS_INVALID`. */
export function decodePublicKeys(bytes: Uint8Array): PublicKeys {
  return publicKeysFrom(decodeCanonical(bytes, PLAIN_KEYS));
}

/** @throws EncodingError `PUBLIC_KEYS_INVALID`, also for post-quantum and SSH keys, which we cannot use. */
export function publicKeysFrom(item: Cbor): PublicKeys {
  const keys = usablePublicKeysFrom(item);
  if (keys === null) throw invalid('these keys are of a kind that cannot be used here');
  return keys;
}

/**
 * As {@link publicKeysFrom}; `null` for keys of a kind that we cannot use: post-quantum or SSH keys, or a kind that is still
 * to come.
 * Source: bc-components-rust, src/signing/signing_public_key.rs and src/encapsulation/encapsulation_public_key.rs.
 */
export function usablePublicKeysFrom(item: Cbor): PublicKeys | null {
  const pair = untag(item, TAG.publicKeys);
  if (pair.type !== MAJOR.array || pair.value.length !== 2) throw invalid('a pair of keys expected');
  const [signing, agreement] = [signingPublicKeyFrom(pair.value[0]!), agreementKeyFrom(pair.value[1]!)];
  return signing === null || agreement === null ? null : { signing, agreement };
}

/** Each kind but ours has a tag of its own. */
function agreementKeyFrom(item: Cbor): Uint8Array | null {
  if (item.type !== MAJOR.tag) throw invalid('an agreement key expected');
  return item.tag === TAG.x25519PublicKey ? keyBytes(item.value, 32) : null;
}

function signingPublicKeyFrom(item: Cbor): SigningPublicKey | null {
  const content = untag(item, TAG.signingPublicKey);
  if (content.type === MAJOR.tag) return null;
  if (content.type === MAJOR.bytes) return { scheme: 'schnorr', bytes: keyBytes(content, 32) };
  if (content.type !== MAJOR.array || content.value.length !== 2)
    throw invalid('unknown kind of signing key');
  const [scheme, bytes] = content.value;
  if (scheme!.type !== MAJOR.unsigned) throw invalid('unknown kind of signing key');
  if (scheme!.value === 2) return { scheme: 'ed25519', bytes: keyBytes(bytes!, 32) };
  return scheme!.value === 1 ? { scheme: 'ecdsa', bytes: keyBytes(bytes!, 33) } : null;
}

function untag(item: Cbor, tag: number): Cbor {
  if (item.type !== MAJOR.tag || item.tag !== tag) throw invalid(`tag ${tag} expected`);
  return item.value;
}

function keyBytes(item: Cbor, length: number): Uint8Array {
  if (item.type !== MAJOR.bytes || item.value.length !== length) throw invalid(`${length} bytes expected`);
  return item.value.slice();
}

function invalid(why: string): EncodingError {
  return new EncodingError(`not a set of public keys: ${why}`, {
    code: 'PUBLIC_KEYS_INVALID',
    hint: 'send an Ed25519 or secp256k1 signing key and an X25519 key',
  });
}
