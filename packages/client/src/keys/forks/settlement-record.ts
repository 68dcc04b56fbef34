import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';

/**
 * How far settling which of several certificates of one epoch counts has come; the last one of its epoch, since a dead certificate can be shown
 * again at any time. Holds nothing secret. Whatever is not here servers say again when they are asked again.
 */
export interface SettlementRecord {
  readonly state: 'open' | 'finished' | 'cancelled';
  /** UnixSeconds */
  readonly createdAt: number;
  readonly keyId: Uint8Array;
  /** The epoch whose servers settle. */
  readonly epoch: number;
  /** The one that is to count, then the others. */
  readonly certificates: readonly Uint8Array[];
  /** The try that goes on, from 1; 0: none has begun. */
  readonly attempt: number;
  /** What was settled; null: nothing yet. */
  readonly votes: SettlingVotes | null;
  /** XIDs of servers that were told what was settled, and took it in. */
  readonly told: readonly Uint8Array[];
  /** Whether the owner has said that it counts although votes that servers show settle on another one: those change nothing here any more. */
  readonly insists: boolean;
}

export interface SettlingVotes {
  readonly promises: Uint8Array;
  readonly yields: Uint8Array;
}

const FOLDER = 'settlements';

function pathStart(keyId: Uint8Array): string {
  return `${FOLDER}/${encodeHex(keyId)}-`;
}

export async function saveSettlement(store: RecordStore, record: SettlementRecord): Promise<void> {
  const { certificates, votes, told, insists, ...rest } = record;
  await store.put(
    `${pathStart(record.keyId)}${record.epoch}`,
    encodeData({
      version: 1,
      ...rest,
      certificates: [...certificates],
      told: [...told],
      ...(votes === null ? {} : { ...votes }),
      ...(insists ? { insists } : {}),
    }),
  );
}

/** Those of a key, one for each epoch whose servers settle. @throws StorageError `STORE_CORRUPT` */
export async function listSettlements(
  store: RecordStore,
  keyId: Uint8Array,
): Promise<readonly SettlementRecord[]> {
  const paths = (await store.list(FOLDER)).filter((path) => path.startsWith(pathStart(keyId)));
  const records: SettlementRecord[] = [];
  for (const path of paths) {
    const stored = await store.get(path);
    if (stored !== null) records.push(parseSettlement(path, stored));
  }
  return records;
}

function parseSettlement(path: string, stored: Uint8Array): SettlementRecord {
  const record = readRecord(path, stored);
  const state = (['open', 'finished', 'cancelled'] as const).find((one) => one === record.text('state'));
  const bytesIn = (field: string) =>
    record.list(field).map((one) => {
      if (one instanceof Uint8Array) return one;
      throw corrupt(path);
    });
  const certificates = bytesIn('certificates');
  if (state === undefined || certificates.length < 2) throw corrupt(path);
  return {
    state,
    createdAt: record.integer('createdAt'),
    keyId: record.bytes('keyId', 32),
    epoch: record.integer('epoch'),
    certificates,
    attempt: record.integer('attempt'),
    votes: record.has('yields')
      ? { promises: record.bytes('promises'), yields: record.bytes('yields') }
      : null,
    told: bytesIn('told'),
    insists: record.has('insists') && record.boolean('insists'),
  };
}
