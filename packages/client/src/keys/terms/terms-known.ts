import type { KeyTerms } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { newestKnown } from '../../terms/change/known-terms.js';
import { readTermsNote } from '../../terms/change/terms-note.js';
import type { CertifiedKey } from '../key-record.js';

/**
 * The newest terms of a key that this client has seen in force: they are certified with its next epoch only. Those that are certified where what is
 * remembered cannot be read: that stops nobody.
 */
export async function termsKnown(
  { store }: Pick<ClientContext, 'store'>,
  { keyId, record: { policy } }: Pick<CertifiedKey, 'keyId' | 'record'>,
): Promise<KeyTerms> {
  try {
    return newestKnown(keyId, policy, [await readTermsNote(store, keyId)]);
  } catch (error) {
    if (error instanceof CkmError) return policy;
    throw error;
  }
}
