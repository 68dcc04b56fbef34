import { CkmError } from '@ckm/foundation';
import { groupNamed, groupOfSuite, type SuiteName } from '@ckm/threshold';

/** The public half of a share, as the share itself gives it; null: it is no share of this suite, or nothing but zeros. */
export function publicHalfOf(suite: SuiteName, share: Uint8Array): Uint8Array | null {
  const group = groupNamed(groupOfSuite(suite));
  try {
    const scalar = group.scalars.parseSecret(share);
    const half = group.scalars.isZero(scalar) ? null : group.encode(group.mulBase(scalar));
    scalar.fill(0);
    return half;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'SCALAR_INVALID') return null;
    throw error;
  }
}
