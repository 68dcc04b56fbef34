import { EncodingError } from '@ckm/foundation';
import type { Cbor } from '../../cbor/dcbor.js';
import type { Envelope } from '../envelope.js';
import { leafItem, objectsFor, subjectOf } from '../queries.js';

/** The permits of one kind that can be tried. */
export interface Permits<T> {
  readonly usable: readonly T[];
  readonly isAnyMalformed: boolean;
}

/**
 * The permits asserted with `predicate`, whatever is noted on them. Passed over is what is hidden, of a kind that we cannot
 * use (`parse` gives null) or malformed: a permit for somebody else must not keep ours from being tried.
 */
export function permitsOf<T>(
  envelope: Envelope,
  predicate: number,
  parse: (item: Cbor) => T | null,
): Permits<T> {
  const usable: T[] = [];
  let isAnyMalformed = false;
  for (const object of objectsFor(envelope, predicate)) {
    const subject = subjectOf(object);
    if (subject.kind !== 'leaf') continue;
    try {
      const permit = parse(leafItem(subject));
      if (permit !== null) usable.push(permit);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      isAnyMalformed = true;
    }
  }
  return { usable, isAnyMalformed };
}
