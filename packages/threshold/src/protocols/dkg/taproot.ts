import { EncodingError, encodeUtf8 } from '@ckm/foundation';
import type { Element, Group, Scalar, SecretScalar } from '../../group/group.js';
import { hash } from '../../hash/index.js';

/**
 * How a key that was just dealt becomes one that is safe as a Taproot output: take the even y, add the hash of "no
 * script", take the even y again. Without it the dealers could have hidden a script path in their key that one of them
 * spends alone.
 * Source: BIP-341, "Constructing and spending Taproot outputs"; C2SP cocktail-dkg, "Bitcoin Taproot Warning"
 */
export interface TaprootAdjustment {
  readonly negateBefore: boolean;
  readonly tweak: Scalar;
  readonly negateAfter: boolean;
}

/**
 * The adjustment of one dealt key.
 * @param group secp256k1
 * @param dealtKey Σ C₀, not the identity
 * @returns `undefined` where BIP-341 has no output key; nobody will ever see that
 */
export function taprootAdjustment(group: Group, dealtKey: Element): TaprootAdjustment | undefined {
  const encoded = group.encode(dealtKey);
  const negateBefore = hasOddY(encoded);
  const internalKey = negateBefore ? group.negate(dealtKey) : dealtKey;
  let tweak: Scalar;
  try {
    tweak = group.scalars.parse(hashTapTweak(encoded.subarray(1)));
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
  const outputKey = group.add(internalKey, group.mulBasePublic(tweak));
  if (group.isIdentity(outputKey)) return undefined;
  return { negateBefore, tweak, negateAfter: hasOddY(group.encode(outputKey)) };
}

/** The same adjustment for the commitment to the key's polynomial: all signs flip, the tweak enters C₀ alone. */
export function adjustCommitment(
  group: Group,
  { negateBefore, tweak, negateAfter }: TaprootAdjustment,
  commitment: readonly Element[],
): readonly Element[] {
  const before = negateBefore ? commitment.map((element) => group.negate(element)) : commitment;
  const tweaked = before.map((element, k) =>
    k === 0 ? group.add(element, group.mulBasePublic(tweak)) : element,
  );
  return negateAfter ? tweaked.map((element) => group.negate(element)) : tweaked;
}

/** The same adjustment for one share. */
export function adjustShare(
  group: Group,
  { negateBefore, tweak, negateAfter }: TaprootAdjustment,
  share: SecretScalar,
): SecretScalar {
  const { scalars } = group;
  const before = negateBefore ? scalars.negate(share) : share;
  const tweaked = scalars.add(before, tweak);
  if (before !== share) before.fill(0);
  if (!negateAfter) return tweaked;
  const after = scalars.negate(tweaked);
  tweaked.fill(0);
  return after;
}

function hashTapTweak(internalKey: Uint8Array): Uint8Array {
  const tag = hash('sha256', encodeUtf8('TapTweak'));
  return hash('sha256', tag, tag, internalKey);
}

function hasOddY(encoded: Uint8Array): boolean {
  return encoded[0] === 3;
}
