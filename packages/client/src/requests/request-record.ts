import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { MarkedSpending } from '../store/marks.js';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';
import { readTrack, type Track } from '../store/track.js';

/** A signature that was asked for: on record from before the first message until the answer, longer if people are asked. */
export interface RequestRecord extends Track {
  /** 32 bytes */
  readonly requestId: Uint8Array;
  /** 32 bytes: of the key that was asked, whatever its name means by now. */
  readonly keyId: Uint8Array;
  /** What is asked for: `message`, `bitcoin`, `ssh`, `git`. */
  readonly kind: string;
  readonly payload: Uint8Array;
  /** What people read of it. */
  readonly sentence: string;
  /** Servers not to ask. */
  readonly without: readonly string[];
  /** The last attempt any server may have seen. */
  readonly attempts: number;
  /** What was asked for, once it is there. */
  readonly artefact: Uint8Array | null;
  readonly destination: Destination | null;
  /** What it spends, where its kind spends anything. */
  readonly spends: MarkedSpending | null;
  /** Servers that refused it by their own rules while others waited for people, each with why: for people. */
  readonly refusals: readonly string[];
}

/** Where an answer goes, for whoever goes on with a request. The client does nothing with it. */
export interface Destination {
  /** An absolute path. */
  readonly out: string;
  /** Whether the final transaction is wanted in the place of the PSBT. */
  readonly isExtracted: boolean;
  /** How a secret is written; absent: it is none, or as its command writes it unless told. */
  readonly form?: string;
}

export const REQUEST_FOLDER = 'requests';

export function requestPath(requestId: Uint8Array): string {
  return `${REQUEST_FOLDER}/${encodeHex(requestId)}`;
}

export function encodeRequest({ destination, spends, ...record }: RequestRecord): Uint8Array {
  return encodeData({
    version: 1,
    ...record,
    destination: destination === null ? null : { ...destination },
    spends: spends === null ? null : { ...spends },
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseRequest(path: string, bytes: Uint8Array): RequestRecord {
  const record = readRecord(path, bytes);
  const requestId = record.bytes('requestId', 32);
  if (requestPath(requestId) !== path) throw corrupt(path);
  return {
    requestId,
    ...readTrack(path, record),
    keyId: record.bytes('keyId', 32),
    kind: record.text('kind'),
    payload: record.bytes('payload'),
    sentence: record.text('sentence'),
    without: record.list('without').map(String),
    attempts: record.integer('attempts'),
    artefact: record.has('artefact') ? record.bytes('artefact') : null,
    destination: record.has('destination') ? readDestination(record.record('destination')) : null,
    spends: record.has('spends') ? readSpends(record.record('spends')) : null,
    refusals: record.has('refusals') ? record.list('refusals').map(String) : [],
  };
}

function readSpends(record: RecordReader): MarkedSpending {
  return { by: record.text('by'), coins: record.bytes('coins') };
}

function readDestination(record: RecordReader): Destination {
  const form = record.has('form') ? { form: record.text('form') } : {};
  return { out: record.text('out'), isExtracted: record.boolean('isExtracted'), ...form };
}
