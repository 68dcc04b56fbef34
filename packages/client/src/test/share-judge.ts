import { encodeHex } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import { ed25519 } from '@noble/curves/ed25519.js';

const { Point } = ed25519;
const { Fn: field } = Point;

/** A share of an Ed25519 key that somebody has, and where it belongs. */
export interface SeenShare {
  readonly epoch: number;
  readonly slot: number;
  readonly scalar: bigint;
}

/** Finds the place of a share among the certified ones of its epoch, with arithmetic that is not ours. @throws when it is none of them */
export function placeShare(
  bytes: Uint8Array,
  { params, public: { verifyingShares } }: CertifiedEpoch,
): SeenShare {
  const scalar = field.create(BigInt(`0x${encodeHex(bytes.toReversed())}`));
  const own = encodeHex(Point.BASE.multiply(scalar).toBytes());
  const slot = verifyingShares.findIndex((one) => encodeHex(one) === own) + 1;
  if (slot === 0) throw new Error(`a stored share is none of epoch ${params.epoch}`);
  return { epoch: params.epoch, slot, scalar };
}

/** Whether these shares, each taken for a point of one polynomial, give the secret of that public key. */
export function giveTheKey(shares: readonly SeenShare[], groupKey: Uint8Array): boolean {
  if (shares.length === 0) return false;
  const secret = shares.reduce((sum, { slot, scalar }) => {
    const weight = shares.reduce((product, other) => {
      if (other.slot === slot) return product;
      return field.mul(product, field.div(BigInt(other.slot), field.create(BigInt(other.slot - slot))));
    }, 1n);
    return field.add(sum, field.mul(weight, scalar));
  }, 0n);
  return secret !== 0n && encodeHex(Point.BASE.multiply(secret).toBytes()) === encodeHex(groupKey);
}
