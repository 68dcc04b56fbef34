import { decodeData, encodeData } from '@ckm/gordian';
import { assertSound } from './check.js';
import { termsRefusal } from './errors.js';
import type { FactTable } from './facts.js';
import { keyTerms, type KeyTerms, MAX_TERMS_BYTES, MAX_TERMS_ITEMS } from './schema.js';

const LIMITS = { maxBytes: MAX_TERMS_BYTES, maxDepth: 12, maxItems: MAX_TERMS_ITEMS } as const;

/** Canonical: equal terms, equal bytes. */
export function encodeTerms(terms: KeyTerms): Uint8Array {
  return encodeData(terms);
}

/**
 * Terms out of their bytes.
 * @param table `REQUEST_FACTS` of `@ckm/requests`
 * @throws EncodingError `TERMS_…`, or as `decodeData`
 */
export function parseTerms(bytes: Uint8Array, table: FactTable): KeyTerms {
  return readTerms(decodeData(bytes, LIMITS), table);
}

/**
 * Terms out of what somebody wrote, as data.
 * @throws EncodingError `TERMS_…`
 */
export function readTerms(data: unknown, table: FactTable): KeyTerms {
  const parsed = keyTerms.safeParse(data);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? '';
    throw termsRefusal('TERMS_INVALID', `the terms have a member that they cannot have: ${field}`, { field });
  }
  assertSound(parsed.data, table);
  return parsed.data;
}
