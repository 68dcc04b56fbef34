import { UsageError } from '@ckm/foundation';
import type { Group, Scalar } from '../group/group.js';
import type { PartyIndex } from '../protocol/contract.js';
import { assertDistinct, parsePartyIndex } from './party-index.js';

/**
 * Weight λ of one party's share when `parties` together interpolate at zero: Π xⱼ / (xⱼ − xᵢ) over the other parties.
 * @throws EncodingError `PARTY_INDEX_INVALID` or `PARTY_DUPLICATE` · UsageError `PARTY_MISSING`
 * Source: RFC 9591 §4.2 (derive_interpolating_value)
 */
export function lagrangeAtZero(group: Group, parties: readonly PartyIndex[], party: PartyIndex): Scalar {
  return weightAt(group, parties, party, 0);
}

/**
 * Weight of one party's share when `parties` together interpolate at another party: what gives that one its share back.
 * @param at never 0, where the key itself would come out
 * @throws as {@link lagrangeAtZero}
 * Source: RFC 9591 §4.2, at x instead of 0
 */
export function lagrangeAt(
  group: Group,
  parties: readonly PartyIndex[],
  party: PartyIndex,
  at: PartyIndex,
): Scalar {
  return weightAt(group, parties, party, parsePartyIndex(at));
}

function weightAt(group: Group, parties: readonly PartyIndex[], party: PartyIndex, at: number): Scalar {
  parties.forEach(parsePartyIndex);
  assertDistinct(parties);
  if (!parties.includes(party)) {
    throw new UsageError('the party is not a member of the set', {
      code: 'PARTY_MISSING',
      hint: 'ask for the weight of a member',
    });
  }
  let numerator = 1n;
  let denominator = 1n;
  for (const other of parties) {
    if (other === party) continue;
    numerator *= BigInt(other - at);
    denominator *= BigInt(other - party);
  }
  // The sign goes to the numerator: modulo the order, a small negative number is a large one and slow to invert.
  if (denominator < 0n) [numerator, denominator] = [-numerator, -denominator];
  const { scalars } = group;
  return scalars.multiply(scalars.fromInteger(numerator), scalars.invert(scalars.fromInteger(denominator)));
}
