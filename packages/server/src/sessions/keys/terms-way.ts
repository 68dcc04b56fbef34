import { type KeyTerms, parseTerms, policyHash, versionOf } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { ServerContext } from '../../context.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';
import type { KeyHead } from './stored/key-head.js';

/** What every row of terms has, whatever else it says (`terms/stored-terms.ts`). */
export interface TermsOnWay {
  readonly terms: Uint8Array;
  /** The number of the terms that they followed; absent: the one before theirs. */
  readonly follows?: number;
}

/**
 * The terms in force at a key and those that they followed, the newest first, as far as they are stored here. What was taken back is on no such way, whatever
 * is kept of it.
 */
export async function* termsWay<R extends TermsOnWay>(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  { policy }: Pick<KeyHead, 'policy'>,
): AsyncGenerator<{ readonly terms: KeyTerms; readonly record: R | null }> {
  const find = async (number: number) => {
    const row = number < 0 ? null : await reader.terms.find(owner, keyId, number, false);
    return row === null ? null : openRecord<R>(vault, 'terms', row);
  };
  let terms = policy;
  let record = await find(versionOf(terms));
  for (;;) {
    yield { terms, record };
    const before = await find(record?.follows ?? versionOf(terms) - 1);
    if (before === null) return;
    const parsed = parseTerms(before.terms, REQUEST_FACTS);
    const { previous } = terms;
    if (previous === undefined || !equalBytes(previous, policyHash(parsed))) return;
    [terms, record] = [parsed, before];
  }
}

/** The terms of that number that are in force here, or that those in force follow; null: there are none. */
export async function termsOnWay(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { row, head }: { readonly row: KeyRow; readonly head: KeyHead },
  version: number,
): Promise<KeyTerms | null> {
  for await (const { terms } of termsWay(context, reader, row, head))
    if (versionOf(terms) <= version) return versionOf(terms) === version ? terms : null;
  return null;
}
