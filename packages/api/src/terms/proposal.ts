import { equalBytes } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import { bytesUpTo } from '../fields/fields.js';
import { parseTerms } from './encode.js';
import { termsRefusal } from './errors.js';
import type { FactTable } from './facts.js';
import type { KeyTerms } from './schema.js';
import {
  assertChangeOfTerms,
  MAX_TERMS_CHANGE_BYTES,
  parseTermsChange,
  type TermsChange,
  termsChangeDigest,
} from './statement.js';

const MAX_TERMS_BYTES = 65_536;
/** Both, and the names of the members. */
const LIMITS = { maxBytes: MAX_TERMS_BYTES + MAX_TERMS_CHANGE_BYTES + 64, maxDepth: 1, maxItems: 8 } as const;

const proposal = z.strictObject({
  statement: bytesUpTo(MAX_TERMS_CHANGE_BYTES),
  terms: bytesUpTo(MAX_TERMS_BYTES),
});
/** What people are asked about in a change of terms, as bytes: `encodeTermsChange`, and `encodeTerms` of the terms to be. */
export type TermsProposal = z.infer<typeof proposal>;

export function encodeTermsProposal({ statement, terms }: TermsProposal): Uint8Array {
  return encodeData({ statement, terms });
}

/**
 * A change of terms as whoever is asked about it reads it: out of its bytes alone, and held against what is voted on.
 * @param ballot as it is shown, `matterId` naming the change
 * @param before the terms in force
 * @throws EncodingError `TERMS_…`, `CBOR_…`
 */
export function readTermsProposal(
  payload: Uint8Array,
  ballot: {
    readonly keyId: Uint8Array;
    readonly matterId: Uint8Array;
    readonly payloadHash: Uint8Array;
    readonly tasksHash: Uint8Array;
  },
  before: KeyTerms,
  table: FactTable,
): { readonly change: TermsChange; readonly after: KeyTerms } {
  const parsed = proposal.safeParse(decodeData(payload, LIMITS));
  if (!parsed.success)
    throw termsRefusal('TERMS_STATEMENT_INVALID', 'the change of the terms has not its form');
  const change = parseTermsChange(parsed.data.statement);
  const after = parseTerms(parsed.data.terms, table);
  assertChangeOfTerms(change, { keyId: ballot.keyId, before, after });
  const digest = termsChangeDigest(change);
  const isNamed =
    equalBytes(digest, ballot.matterId) &&
    equalBytes(digest, ballot.tasksHash) &&
    equalBytes(change.termsHash, ballot.payloadHash);
  if (!isNamed)
    throw termsRefusal('TERMS_STATEMENT_INVALID', 'the change that is shown is not the one that is named');
  return { change, after };
}
