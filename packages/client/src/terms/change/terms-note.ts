import type { TermsLink } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';

/** What this client remembers of the terms of a key beside those that are certified. */
export interface TermsNote {
  readonly keyId: Uint8Array;
  /** Changes that some server had in force. */
  readonly links: readonly TermsLink[];
  /** What was proposed here last; null: nothing goes on. */
  readonly proposed: TermsLink | null;
}

export const TERMS_FOLDER = 'terms';

function termsPath(keyId: Uint8Array): string {
  return `${TERMS_FOLDER}/${encodeHex(keyId)}`;
}

export async function saveTermsNote(
  store: RecordStore,
  { keyId, links, proposed }: TermsNote,
): Promise<void> {
  const record = {
    version: 1,
    keyId,
    links: links.map(asData),
    proposed: proposed === null ? null : asData(proposed),
  };
  await store.put(termsPath(keyId), encodeData(record));
}

function asData({ statement, terms, votes }: TermsLink) {
  return { statement, terms, votes: [...votes] };
}

/** @throws StorageError `STORE_CORRUPT` */
export async function readTermsNote(store: RecordStore, keyId: Uint8Array): Promise<TermsNote> {
  const path = termsPath(keyId);
  const bytes = await store.get(path);
  return bytes === null ? { keyId, links: [], proposed: null } : parseTermsNote(path, bytes);
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseTermsNote(path: string, bytes: Uint8Array): TermsNote {
  const record = readRecord(path, bytes);
  const keyId = record.bytes('keyId', 32);
  if (termsPath(keyId) !== path) throw corrupt(path);
  const linkFrom = (one: RecordReader): TermsLink => ({
    statement: one.bytes('statement'),
    terms: one.bytes('terms'),
    votes: one.list('votes').map((vote) => {
      if (vote instanceof Uint8Array) return vote;
      throw corrupt(path);
    }),
  });
  return {
    keyId,
    links: record.records('links').map(linkFrom),
    proposed: record.has('proposed') ? linkFrom(record.record('proposed')) : null,
  };
}
