import { EncodingError } from '@ckm/foundation';
import type { Element, Group, Scalar } from '../group/index.js';
import { createBip340Hash } from './bip340-hash.js';
import { parseOffset } from './child-steps.js';

/** Which scripts a taproot output also commits to: the Merkle root of a script tree, or null for none. */
export interface TaprootCommitment {
  /** 32 bytes. null is the commitment to an unspendable script path, not the absence of a commitment. */
  readonly merkleRoot: Uint8Array | null;
}

const tapTweak = createBip340Hash('TapTweak');

/** Whether the y coordinate of a secp256k1 element is odd. */
export function hasOddY(group: Group, element: Element): boolean {
  return group.encode(element)[0] === 3;
}

/**
 * The same commitment, copied, with nothing else in it.
 * @throws EncodingError `MERKLE_ROOT_INVALID` unless the root is 32 bytes or null
 */
export function assertTaprootCommitment(value: TaprootCommitment): TaprootCommitment {
  const root: unknown = value?.merkleRoot;
  if (root === null) return { merkleRoot: null };
  if (root instanceof Uint8Array && root.length === 32) return { merkleRoot: Uint8Array.from(root) };
  throw new EncodingError('the root of a script tree is not 32 bytes long', {
    code: 'MERKLE_ROOT_INVALID',
    hint: 'pass the 32-byte Merkle root, or null when there are no scripts',
  });
}

/**
 * t of an internal key with even y: the output key is internal + t·G.
 * @throws EncodingError `TAPROOT_UNUSABLE` when the hash is no scalar (one in 2¹²⁷)
 * Source: BIP-341, "Constructing and spending Taproot outputs", taproot_tweak_pubkey
 */
export function taprootOffset(group: Group, internal: Element, { merkleRoot }: TaprootCommitment): Scalar {
  const digest = tapTweak(group.encode(internal).subarray(1), merkleRoot ?? new Uint8Array(0));
  const offset = parseOffset(group, digest);
  if (offset === null) {
    throw new EncodingError('this internal key and script tree have no taproot output', {
      code: 'TAPROOT_UNUSABLE',
      hint: 'use another derivation index',
    });
  }
  return offset;
}
