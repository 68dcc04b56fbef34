import type { KeyTerms } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type RecordStore, listRecords } from '../../store/record-store.js';
import { followLinks } from './terms-graph.js';
import { parseTermsNote, TERMS_FOLDER, type TermsNote } from './terms-note.js';

/** What this client remembers of the terms of all keys. */
export function listTermsNotes(store: RecordStore): Promise<readonly TermsNote[]> {
  return listRecords(store, TERMS_FOLDER, parseTermsNote);
}

/** The newest terms of a key that this client has seen in force; servers may have later ones, which another device proposed. */
export function newestKnown(keyId: Uint8Array, certified: KeyTerms, notes: readonly TermsNote[]): KeyTerms {
  const links = notes.find((one) => equalBytes(one.keyId, keyId))?.links ?? [];
  const known = [...followLinks(keyId, certified, links).values()];
  return known.reduce((best, one) => (one.version > best.version ? one : best)).terms;
}
