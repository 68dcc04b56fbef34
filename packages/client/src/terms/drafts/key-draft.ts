import type { BitcoinNetwork } from '@ckm/requests';
import { parseQuorum, type Quorum, SUITE_NAMES, type SuiteName } from '@ckm/threshold';
import { encodeData } from '@ckm/gordian';
import { NETWORKS } from '../../keys/key-record.js';
import { corrupt, readRecord } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';
import { readTermsFile, type WrittenTerms } from '../file/terms-file.js';

/** A key that waits for the people of its terms before it is made: what its owner wants, as `createKey` takes it. */
export interface KeyDraft {
  readonly name: string;
  readonly purpose: string;
  readonly suite: SuiteName | null;
  readonly quorum: Quorum;
  /** The owner's names of the servers, in order of slots. */
  readonly servers: readonly string[];
  readonly network: BitcoinNetwork | null;
  readonly exportable: boolean;
  readonly strict: boolean;
  /** As its owner wrote it: `readTermsFile` reads it. */
  readonly termsFile: Uint8Array;
  /** UnixSeconds */
  readonly createdAt: number;
}

export const DRAFT_FOLDER = 'key-drafts';

function draftPath(name: string): string {
  return `${DRAFT_FOLDER}/${name}`;
}

export async function saveDraft(store: RecordStore, { quorum, servers, ...draft }: KeyDraft): Promise<void> {
  const record = { version: 1, ...draft, quorum: { ...quorum }, servers: [...servers] };
  await store.put(draftPath(draft.name), encodeData(record));
}

/** Null: no key of that name waits. @throws StorageError `STORE_CORRUPT` */
export async function readDraft(store: RecordStore, name: string): Promise<KeyDraft | null> {
  const path = draftPath(name);
  const bytes = await store.get(path);
  return bytes === null ? null : parseDraft(path, bytes);
}

export async function dropDraft(store: RecordStore, name: string): Promise<void> {
  await store.delete(draftPath(name));
}

/** The terms that a draft is about. @throws EncodingError `TERMS_FILE_…` */
export function draftedTerms({ purpose, network, termsFile }: KeyDraft): WrittenTerms {
  return readTermsFile(termsFile, { purpose, network });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseDraft(path: string, bytes: Uint8Array): KeyDraft {
  const record = readRecord(path, bytes);
  const suite = record.has('suite') ? SUITE_NAMES.find((one) => one === record.text('suite')) : null;
  const network = record.has('network') ? NETWORKS.find((one) => one === record.text('network')) : null;
  const name = record.text('name');
  if (draftPath(name) !== path || suite === undefined || network === undefined) throw corrupt(path);
  const quorum = record.record('quorum');
  return {
    name,
    purpose: record.text('purpose'),
    suite,
    quorum: parseQuorum({ needed: quorum.integer('needed'), of: quorum.integer('of') }),
    servers: record.list('servers').map(String),
    network,
    exportable: record.boolean('exportable'),
    strict: record.boolean('strict'),
    termsFile: record.bytes('termsFile'),
    createdAt: record.integer('createdAt'),
  };
}
