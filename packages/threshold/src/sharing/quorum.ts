import { EncodingError } from '@ckm/foundation';

/** How many of how many parties must act together; shown "2 of 3". */
export interface Quorum {
  readonly needed: number;
  readonly of: number;
}

/** Most parties that one key may have. */
export const MOST_PARTIES = 32;

/**
 * @param value an object with integers `needed` and `of`, 2 ≤ needed ≤ of ≤ 32
 * @throws EncodingError `QUORUM_INVALID`
 */
export function parseQuorum(value: unknown): Quorum {
  if (typeof value === 'object' && value !== null && 'needed' in value && 'of' in value) {
    const { needed, of } = value;
    if (isInteger(needed) && isInteger(of) && needed >= 2 && needed <= of && of <= MOST_PARTIES) {
      return Object.freeze({ needed, of });
    }
  }
  throw new EncodingError(`a quorum needs 2 or more parties of at most ${MOST_PARTIES}`, {
    code: 'QUORUM_INVALID',
    hint: 'choose for example 2 of 3',
  });
}

function isInteger(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}
