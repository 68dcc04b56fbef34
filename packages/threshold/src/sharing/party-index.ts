import { EncodingError } from '@ckm/foundation';
import type { PartyIndex } from '../protocol/contract.js';
import type { Quorum } from './quorum.js';

/** @throws EncodingError `PARTY_INDEX_INVALID` unless the value is an integer number in 1..65535. */
export function parsePartyIndex(value: unknown): PartyIndex {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0xffff) {
    return value as PartyIndex;
  }
  throw new EncodingError('a party index is not an integer from 1 to 65535', {
    code: 'PARTY_INDEX_INVALID',
    hint: 'use the index under which the party was enrolled',
  });
}

/**
 * A set of different parties, at least the quorum and at most all, in ascending order whatever the order given.
 * @throws EncodingError `PARTY_INDEX_INVALID`, `PARTY_DUPLICATE`, or `PARTY_COUNT_INVALID`
 */
export function parsePartySet(values: readonly unknown[], quorum: Quorum): readonly PartyIndex[] {
  if (!Array.isArray(values) || values.length < quorum.needed || values.length > quorum.of) {
    throw new EncodingError(`a set of parties must have ${quorum.needed} to ${quorum.of} members`, {
      code: 'PARTY_COUNT_INVALID',
      hint: 'name as many different parties as the quorum asks for',
    });
  }
  const parties = Array.from(values, parsePartyIndex);
  assertDistinct(parties);
  return Object.freeze(parties.sort((a, b) => a - b));
}

/** @throws EncodingError `PARTY_DUPLICATE` */
export function assertDistinct(parties: readonly PartyIndex[]): void {
  if (new Set(parties).size === parties.length) return;
  throw new EncodingError('a party is named twice', {
    code: 'PARTY_DUPLICATE',
    hint: 'name each party once',
  });
}
