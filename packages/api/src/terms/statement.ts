import { equalBytes } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, identifier } from '../fields/fields.js';
import { policyHash } from './policy-hash.js';
import { termsRefusal } from './errors.js';
import type { KeyTerms } from './schema.js';

/** What an owner signs who wants other terms, and what approvers say yes or no to. The terms themselves travel beside it. */
const termsChange = z.strictObject({
  v: z.literal(1),
  keyId: identifier,
  /** Drawn for this proposal: what was said to one that was stopped says nothing to the same one again. */
  id: bytesOf(32),
  /** Hash of the terms that it follows. */
  previous: bytesOf(32),
  /** The number behind theirs; a higher one takes back whatever else has followed them (`isSettling`). */
  version: z.int().min(1).max(0xffff_ffff),
  /** Hash of the terms to be. */
  termsHash: bytesOf(32),
});
export type TermsChange = Omit<z.infer<typeof termsChange>, 'v'>;

/** Five values of 32 bytes at most. */
export const MAX_TERMS_CHANGE_BYTES = 512;
const LIMITS = { maxBytes: MAX_TERMS_CHANGE_BYTES, maxDepth: 1, maxItems: 16 } as const;

/** The version of terms; as the key was made: 0. */
export function versionOf({ version }: Pick<KeyTerms, 'version'>): number {
  return version ?? 0;
}

/** By how much the number of terms that take others back may be above that of the terms they follow: numbers have an end. */
export const MOST_TERMS_AHEAD = 1_000_000;

/** Whether a change takes back what else may have followed the terms before it: servers went on from those in different ways. */
export function isSettling({ version }: Pick<TermsChange, 'version'>, before: KeyTerms): boolean {
  return version > versionOf(before) + 1;
}

/** What a change from some terms to others says of itself. @param id 32 random bytes */
export function changeOfTerms(
  { keyId, id }: Pick<TermsChange, 'keyId' | 'id'>,
  before: KeyTerms,
  after: KeyTerms,
): TermsChange {
  const change = {
    keyId,
    id,
    previous: policyHash(before),
    version: versionOf(after),
    termsHash: policyHash(after),
  };
  assertChangeOfTerms(change, { keyId, before, after });
  return change;
}

/** Canonical: equal changes, equal bytes. */
export function encodeTermsChange(change: TermsChange): Uint8Array {
  return encodeData({ ...change, v: 1 });
}

/** @throws EncodingError `TERMS_STATEMENT_INVALID`, or as `decodeData` */
export function parseTermsChange(bytes: Uint8Array): TermsChange {
  const parsed = termsChange.safeParse(decodeData(bytes, LIMITS));
  if (!parsed.success)
    throw termsRefusal('TERMS_STATEMENT_INVALID', 'the change of the terms has not its form');
  const { keyId, id, previous, version, termsHash } = parsed.data;
  return { keyId, id, previous, version, termsHash };
}

/** Names a change of terms, in signatures and votes: 32 bytes. */
export function termsChangeDigest(change: TermsChange): Uint8Array {
  return taggedHash('CKM/terms/change/v1', encodeTermsChange(change));
}

/**
 * That a change is one of this key, from some terms to these: the next number, or a higher one that takes back what else has followed.
 * @throws EncodingError `TERMS_VERSION_WRONG` · `TERMS_STATEMENT_INVALID`
 */
export function assertChangeOfTerms(
  change: TermsChange,
  {
    keyId,
    before,
    after,
  }: { readonly keyId: Uint8Array; readonly before: KeyTerms; readonly after: KeyTerms },
): void {
  if (!equalBytes(change.keyId, keyId) || !equalBytes(change.termsHash, policyHash(after)))
    throw termsRefusal('TERMS_STATEMENT_INVALID', 'the change is of another key, or to other terms');
  const inForce = policyHash(before);
  const ahead = change.version - versionOf(before);
  const isNext =
    ahead >= 1 &&
    ahead <= MOST_TERMS_AHEAD &&
    after.version === change.version &&
    equalBytes(change.previous, inForce) &&
    after.previous !== undefined &&
    equalBytes(after.previous, inForce);
  if (!isNext)
    throw termsRefusal('TERMS_VERSION_WRONG', 'the change does not follow the terms in force', {
      version: versionOf(before),
    });
}
