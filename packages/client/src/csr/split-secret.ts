import { reveal, type Secret, UsageError } from '@ckm/foundation';
import {
  type Envelope,
  encryptSubject,
  joinEnvelopes,
  seedInEnvelope,
  seedLeaf,
  splitEnvelope,
  wrap,
} from '@ckm/gordian';
import { type DepositSecret, splittingRandom } from './deposit-secret.js';

/** How a secret is shared out: one share for each server. */
export interface DepositPlan {
  readonly needed: number;
  readonly of: number;
}

/** Three servers, any two of which are enough. */
export const TWO_OF_THREE: DepositPlan = { needed: 2, of: 3 };
/** Prepared from the first day on in every envelope, for two more servers. */
export const THREE_OF_FIVE: DepositPlan = { needed: 3, of: 5 };

const LEAST_KEPT_BYTES = 16;
const MOST_KEPT_BYTES = 32;

/** Of each plan a copy of one envelope for each of its members, with the share that is theirs: any Gordian tool joins them. */
export interface SplitSecret {
  readonly two: readonly Envelope[];
  readonly three: readonly Envelope[];
}

/**
 * Seals a secret, and splits what opens it, by both plans.
 * @param kept 16 to 32 bytes
 * @throws UsageError `DEPOSIT_SECRET_LENGTH`
 */
export function splitKept(deposit: DepositSecret, kept: Secret<Uint8Array>): SplitSecret {
  assertKept(kept);
  return { two: splitBy(deposit, kept, TWO_OF_THREE), three: splitBy(deposit, kept, THREE_OF_FIVE) };
}

export function assertKept(kept: Secret<Uint8Array>): void {
  const { length } = reveal(kept, 'measuring what is to be shared out');
  if (length >= LEAST_KEPT_BYTES && length <= MOST_KEPT_BYTES) return;
  throw new UsageError(`a secret of ${length} bytes is not shared out`, {
    code: 'DEPOSIT_SECRET_LENGTH',
    hint: `take one of ${LEAST_KEPT_BYTES} to ${MOST_KEPT_BYTES} bytes`,
  });
}

function splitBy(
  deposit: DepositSecret,
  kept: Secret<Uint8Array>,
  { needed, of }: DepositPlan,
): readonly Envelope[] {
  const random = splittingRandom(deposit, kept, `${needed}of${of}`);
  const contentKey = random(32);
  const content = seedLeaf(reveal(kept, 'sealing what is shared out'));
  try {
    // One key for one content: what is made again is the same, nonce and all. Wrapped, as other tools do it.
    const sealed = encryptSubject(wrap(content), contentKey, random);
    return splitEnvelope(sealed, contentKey, { groupsNeeded: 1, groups: [{ needed, of }] }, random)[0]!;
  } finally {
    contentKey.fill(0);
    content.bytes.fill(0);
  }
}

/** The secret inside copies that are enough; the caller wipes it. @throws AccessError `ENVELOPE_SHARES_INSUFFICIENT`; EncodingError `ENVELOPE_LEAF_EXPECTED` */
export function joinKept(copies: readonly Envelope[]): Uint8Array {
  return seedInEnvelope(joinEnvelopes(copies));
}
