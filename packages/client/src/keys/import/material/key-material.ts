import { EncodingError, type Secret, secret, UsageError } from '@ckm/foundation';
import { sha512 } from '@noble/hashes/sha2.js';
import { groupNamed, groupOfSuite, type PublicKeyPackage, type SuiteName } from '@ckm/threshold';

/**
 * In which form a private key is given: words of a wallet (BIP-39), `xprv` or `tprv`, a single private key of Bitcoin, a file of OpenSSH,
 * and hex digits: of the seed that a key is made from, or of the scalar itself.
 */
export const KEY_FORMATS = ['words', 'xprv', 'wif', 'openssh', 'seed', 'scalar'] as const;
export type KeyFormat = (typeof KEY_FORMATS)[number];

/** A key that somebody has whole, read and checked. Whoever reads it wipes `secret`. */
export interface KeyMaterial {
  readonly format: KeyFormat;
  readonly suite: SuiteName;
  /** A canonical scalar of the suite's group. */
  readonly secret: Secret<Uint8Array>;
  /** secret·G, encoded. */
  readonly groupKey: Uint8Array;
  /** 32 bytes; null: it has none, and no children are derived from it. */
  readonly chainCode: Uint8Array | null;
  /** From what was read to the key, such as `m/86'/0'/0'`; null: it is the key itself. */
  readonly path: string | null;
}

/** Puts a scalar with what belongs to it. The scalar is taken over. @throws EncodingError `KEY_MATERIAL_INVALID` */
export function materialOf(
  suite: SuiteName,
  scalar: Uint8Array,
  rest: Pick<KeyMaterial, 'format' | 'chainCode' | 'path'>,
): KeyMaterial {
  const group = groupNamed(groupOfSuite(suite));
  try {
    const parsed = group.scalars.parseSecret(scalar);
    if (group.scalars.isZero(parsed)) throw materialInvalid('the private key is zero');
    const groupKey = group.encode(group.mulBase(parsed));
    parsed.fill(0);
    return { ...rest, suite, secret: secret(scalar), groupKey };
  } catch (cause) {
    scalar.fill(0);
    if (cause instanceof EncodingError && cause.code === 'SCALAR_INVALID')
      throw materialInvalid(`this is no private key of ${suite}`);
    throw cause;
  }
}

/**
 * The public half that the key will have, as far as it can be shown before it is dealt: what it is compared by, and nothing that
 * signatures need.
 */
export function publicHalfOf({ suite, groupKey, chainCode }: KeyMaterial): PublicKeyPackage {
  return {
    suite,
    quorum: { needed: 0, of: 0 },
    groupKey,
    commitment: [groupKey],
    verifyingShares: [],
    chainCode: chainCode ?? new Uint8Array(32),
  };
}

/**
 * The key that an Ed25519 seed makes: its scalar, reduced; the clamped one is its representative, and both give one public key.
 * @param seed 32 bytes; wiped by the caller
 * Source: RFC 8032 §5.1.5
 */
export function materialOfSeed(seed: Uint8Array, format: KeyFormat): KeyMaterial {
  const digest = sha512(seed);
  const wide = new Uint8Array(64);
  wide.set(digest.subarray(0, 32));
  wide[0]! &= 248;
  wide[31]! &= 127;
  wide[31]! |= 64;
  const scalar = groupNamed('ed25519').scalars.reduceSecret(wide);
  digest.fill(0);
  wide.fill(0);
  return materialOf('ed25519', scalar, { format, chainCode: null, path: null });
}

export function materialInvalid(why: string): EncodingError {
  return new EncodingError(why, {
    code: 'KEY_MATERIAL_INVALID',
    hint: 'look whether this is the file of the key, and whole',
  });
}

/** What it is can be told, and it cannot be taken over. */
export function materialUnsupported(why: string, hint: string): UsageError {
  return new UsageError(why, { code: 'KEY_MATERIAL_UNSUPPORTED', hint });
}

/** It may be two things, which are two keys. */
export function materialAmbiguous(why: string, hint: string): UsageError {
  return new UsageError(why, { code: 'KEY_MATERIAL_AMBIGUOUS', hint });
}

/** It has a passphrase, and no right one was given. */
export function materialLocked(why: string): UsageError {
  return new UsageError(why, {
    code: 'KEY_MATERIAL_LOCKED',
    hint: 'give the passphrase of the file, on a terminal',
  });
}
