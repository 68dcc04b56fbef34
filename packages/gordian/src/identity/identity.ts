import { concatBytes, encodeUtf8, reveal, secret, UsageError, wipe, type Secret } from '@ckm/foundation';
import { primitives } from '../primitives/runtime.js';
import { xidOfKey, type PublicKeys, type SigningPublicKey, type Xid } from './public-keys.js';

/**
 * Somebody who can sign and open: an Ed25519 and an X25519 key from one 32-byte seed.
 * Secrecy: the private halves are wrapped; wipe them with {@link wipeIdentity}.
 */
export interface Identity {
  readonly xid: Xid;
  readonly publicKeys: PublicKeys;
  /** 64 bytes: seed ‖ public key, as Ed25519 signers want it. */
  readonly signingKey: Secret<Uint8Array>;
  /** 32 bytes, X25519. */
  readonly agreementKey: Secret<Uint8Array>;
  /** 32 bytes mixed into every sealing, so that a failing random source alone reveals nothing. */
  readonly hedgeKey: Secret<Uint8Array>;
}

export const IDENTITY_SEED_BYTES = 32;

const NO_INFO = new Uint8Array(0);
const SIGNING_SALT = encodeUtf8('signing');
const AGREEMENT_SALT = encodeUtf8('agreement');
const HEDGE_SALT = encodeUtf8('ckm hedge');

/**
 * Derives an identity from a seed, exactly as Gordian tools derive Ed25519 and X25519 keys from a private key base:
 * HKDF-SHA256 with the salts `signing` and `agreement`.
 * `xid` is only given when the signing key is not the first one this XID ever had.
 * Source: bc-components-rust, src/private_key_base.rs.
 * @throws UsageError `IDENTITY_SEED_LENGTH`.
 */
export function createIdentity(seed: Secret<Uint8Array>, xid?: Xid): Identity {
  const material = reveal(seed, 'derive an identity');
  if (material.length !== IDENTITY_SEED_BYTES) {
    throw new UsageError(`an identity seed has ${IDENTITY_SEED_BYTES} bytes, not ${material.length}`, {
      code: 'IDENTITY_SEED_LENGTH',
      hint: 'draw 32 random bytes',
    });
  }
  const signingSeed = primitives.hkdfSha256(material, SIGNING_SALT, NO_INFO, 32);
  const signingKey = primitives.ed25519SigningKey(signingSeed);
  signingSeed.fill(0);
  const agreementKey = primitives.hkdfSha256(material, AGREEMENT_SALT, NO_INFO, 32);
  const signing: SigningPublicKey = { scheme: 'ed25519', bytes: signingKey.slice(32) };
  return {
    xid: xid ?? xidOfKey(signing),
    publicKeys: { signing, agreement: primitives.x25519PublicKey(agreementKey) },
    signingKey: secret(signingKey),
    agreementKey: secret(agreementKey),
    hedgeKey: secret(primitives.hkdfSha256(material, HEDGE_SALT, NO_INFO, 32)),
  };
}

/** Overwrites the private keys. */
export function wipeIdentity(identity: Identity): void {
  wipe(identity.signingKey);
  wipe(identity.agreementKey);
  wipe(identity.hedgeKey);
}

/**
 * Longer than a 32-byte envelope digest, which is the other thing these keys sign, so that a signature over one can
 * never be taken for a signature over the other.
 */
const PREFIX = encodeUtf8('Collaborative Key Management signature v1\0');

function framed(tag: string, bytes: Uint8Array): Uint8Array {
  const label = encodeUtf8(tag);
  if (label.length === 0 || label.length > 255) {
    throw new UsageError('a signature tag has 1 to 255 bytes', {
      code: 'SIGNATURE_TAG_LENGTH',
      hint: 'name the purpose of the signature in a few words',
    });
  }
  return concatBytes(PREFIX, new Uint8Array([label.length]), label, bytes);
}

/**
 * Signs `bytes` for the one purpose `tag` names. 64 bytes, Ed25519, deterministic.
 * @throws UsageError `SIGNATURE_TAG_LENGTH`.
 */
export function signBytes(identity: Identity, tag: string, bytes: Uint8Array): Uint8Array {
  return primitives.ed25519Sign(framed(tag, bytes), reveal(identity.signingKey, 'sign bytes'));
}

/** Whether `signature` is the holder of `keys` signing `bytes` for the purpose `tag`. Ed25519 only. */
export function verifyBytes(
  keys: Pick<PublicKeys, 'signing'>,
  tag: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (keys.signing.scheme !== 'ed25519') return false;
  return primitives.ed25519Verify(signature, framed(tag, bytes), keys.signing.bytes);
}
