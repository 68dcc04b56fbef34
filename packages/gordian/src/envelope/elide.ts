import { encodeHex, EncodingError, equalBytes } from '@ckm/foundation';
import { assertion, elided, nodeOfSorted, wrap, type Envelope } from './envelope.js';
import { subjectOf } from './queries.js';

/** Digests as lower-case hex: the parts that an elision is about. */
export type DigestSet = ReadonlySet<string>;

/** The digests of just these envelopes. */
export function digestSet(...envelopes: readonly Envelope[]): DigestSet {
  return new Set(envelopes.map((envelope) => encodeHex(envelope.digest)));
}

/** The digests of an envelope and of everything within so many levels of it; of everything when left out. */
export function digestsWithin(envelope: Envelope, levels = Number.POSITIVE_INFINITY): DigestSet {
  const digests = new Set<string>();
  collect(envelope, levels, digests);
  return digests;
}

function collect(envelope: Envelope, levels: number, digests: Set<string>): void {
  if (levels <= 0) return;
  digests.add(encodeHex(envelope.digest));
  digests.add(encodeHex(subjectOf(envelope).digest));
  for (const part of partsOf(envelope)) collect(part, levels - 1, digests);
}

/** What an envelope is directly made of, in the order it is written. */
function partsOf(envelope: Envelope): readonly Envelope[] {
  switch (envelope.kind) {
    case 'node':
      return [envelope.subject, ...envelope.assertions];
    case 'wrapped':
      return [envelope.envelope];
    case 'assertion':
      return [envelope.predicate, envelope.object];
    default:
      return [];
  }
}

/** The same envelope with these parts hidden; its digest does not change. */
export function hideParts(envelope: Envelope, hidden: DigestSet): Envelope {
  return rebuild(envelope, (part) => !hidden.has(encodeHex(part.digest)));
}

/** The same envelope with only these parts visible. A part shows only when everything around it does, too. */
export function showOnly(envelope: Envelope, shown: DigestSet): Envelope {
  return rebuild(envelope, (part) => shown.has(encodeHex(part.digest)));
}

function rebuild(envelope: Envelope, isShown: (part: Envelope) => boolean): Envelope {
  if (!isShown(envelope)) return elided(envelope.digest);
  switch (envelope.kind) {
    case 'node': {
      const assertions = envelope.assertions.map((one) => rebuild(one, isShown));
      return nodeOfSorted(rebuild(envelope.subject, isShown), assertions);
    }
    case 'wrapped':
      return wrap(rebuild(envelope.envelope, isShown));
    case 'assertion':
      return assertion(rebuild(envelope.predicate, isShown), rebuild(envelope.object, isShown));
    default:
      return envelope;
  }
}

/**
 * Puts back what was hidden.
 * @throws EncodingError `ENVELOPE_DIGEST_MISMATCH` when `original` is not what was hidden.
 */
export function unhide(hidden: Envelope, original: Envelope): Envelope {
  if (equalBytes(hidden.digest, original.digest)) return original;
  throw new EncodingError('this is not what was hidden', {
    code: 'ENVELOPE_DIGEST_MISMATCH',
    hint: 'look for the envelope with the same digest',
  });
}
