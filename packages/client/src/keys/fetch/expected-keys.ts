import { equalBytes } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { BitcoinNetwork } from '@ckm/requests';
import { corrupt, readRecord } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';
import { NETWORKS } from '../key-record.js';

/** What an owner knows of a key that is not on record yet, and its servers do not: from a recovery sheet. */
export interface ExpectedKey {
  /** 32 bytes */
  readonly transcriptHash: Uint8Array;
  readonly name: string;
  /** Null where the key is not for bitcoin. */
  readonly network: BitcoinNetwork | null;
}

export const EXPECTED_FOLDER = 'expected';
const PATH = `${EXPECTED_FOLDER}/keys`;

/** Remembers it until the keys are fetched; takes the place of what was remembered before. */
export async function saveExpectedKeys(store: RecordStore, keys: readonly ExpectedKey[]): Promise<void> {
  await store.put(PATH, encodeData({ version: 1, keys: keys.map((key) => ({ ...key })) }));
}

/** @throws StorageError `STORE_CORRUPT` */
export async function readExpectedKeys(store: RecordStore): Promise<readonly ExpectedKey[]> {
  const bytes = await store.get(PATH);
  return bytes === null ? [] : parseExpectedKeys(PATH, bytes);
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseExpectedKeys(path: string, bytes: Uint8Array): readonly ExpectedKey[] {
  return readRecord(path, bytes)
    .records('keys')
    .map((one) => {
      const network = one.has('network') ? NETWORKS.find((known) => known === one.text('network')) : null;
      if (network === undefined) throw corrupt(path);
      return { transcriptHash: one.bytes('transcriptHash', 32), name: one.text('name'), network };
    });
}

/** The one of that hash; null when nothing is known of it. */
export function expectedOf(keys: readonly ExpectedKey[], transcriptHash: Uint8Array): ExpectedKey | null {
  return keys.find((one) => equalBytes(one.transcriptHash, transcriptHash)) ?? null;
}
