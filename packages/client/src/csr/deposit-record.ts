import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { listRecords, type RecordStore } from '../store/record-store.js';
import { type DepositPlace, type KeptKind, placeIn } from './deposit-envelope.js';

/** What is on record of shares: where they lie, and nothing that gets them. */
export interface DepositRecord {
  /** 16 bytes: names the words under which they lie. */
  readonly id: Uint8Array;
  /** 16 bytes */
  readonly set: Uint8Array;
  readonly kind: KeptKind;
  /** UnixSeconds: when it was begun. */
  readonly at: number;
  /** In the order of its members. */
  readonly places: readonly DepositPlace[];
  /** How many of the first of them have their share for certain. */
  readonly held: number;
  /** Whether they are to go, and not every server has been told. */
  readonly isLeaving: boolean;
  /** 16 bytes: the id of those whose place it takes; null: of none. */
  readonly replaces: Uint8Array | null;
}

export const DEPOSIT_FOLDER = 'csr';

function pathOf(id: Uint8Array): string {
  return `${DEPOSIT_FOLDER}/${encodeHex(id)}`;
}

/** Oldest first. @throws as {@link listRecords} */
export async function listDepositRecords(store: RecordStore): Promise<readonly DepositRecord[]> {
  const records = await listRecords(store, DEPOSIT_FOLDER, parseDepositRecord);
  return records.toSorted((a, b) => a.at - b.at);
}

/** Null: nothing is on record of these. @throws StorageError `STORE_CORRUPT` */
export async function readDepositRecord(store: RecordStore, id: Uint8Array): Promise<DepositRecord | null> {
  const bytes = await store.get(pathOf(id));
  return bytes === null ? null : parseDepositRecord(pathOf(id), bytes);
}

export async function saveDepositRecord(store: RecordStore, record: DepositRecord): Promise<void> {
  const places = record.places.map(({ name, url, xid }) => ({ name, url, xid }));
  await store.put(pathOf(record.id), encodeData({ version: 1, ...record, places }));
}

export async function forgetDepositRecord(store: RecordStore, id: Uint8Array): Promise<void> {
  await store.delete(pathOf(id));
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseDepositRecord(path: string, bytes: Uint8Array): DepositRecord {
  const record = readRecord(path, bytes);
  const id = record.bytes('id', 16);
  const kind = record.text('kind');
  if (pathOf(id) !== path || (kind !== 'owner' && kind !== 'other')) throw corrupt(path);
  return {
    id,
    set: record.bytes('set', 16),
    kind,
    at: record.integer('at'),
    places: record.records('places').map(placeIn),
    held: record.integer('held'),
    isLeaving: record.boolean('isLeaving'),
    replaces: record.has('replaces') ? record.bytes('replaces', 16) : null,
  };
}

/** Whether every server that is to have a share has it. */
export function isStored({ held, places }: Pick<DepositRecord, 'held' | 'places'>): boolean {
  return held >= places.length;
}
