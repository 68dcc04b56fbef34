import { EncodingError, type Secret, secret, UsageError } from '@ckm/foundation';
import { groupNamed, groupOfSuite, type PublicKeyPackage, type SuiteName } from '@ckm/threshold';

/** Where a private key was read from. `raw`: the scalar itself, in hex. */
export type KeyFormat = 'words' | 'xprv' | 'openssh' | 'raw';

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
