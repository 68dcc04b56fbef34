import type { Group, Scalar } from '../../group/group.js';
import { taggedHash64 } from '../../hash/index.js';

/** Challenge c over the encoded statement and the prover's commitment R. */
export function challengeOf(group: Group, statement: readonly Uint8Array[], commitment: Uint8Array): Scalar {
  return group.scalars.reduce(taggedHash64('CKM/schnorr/challenge/v1', ...statement, commitment));
}
