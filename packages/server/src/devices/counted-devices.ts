import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import type { WaitingTime } from '../sessions/waiting-time.js';
import type { Reader, Transaction, YoungDeviceRow } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';

/** What is remembered of a device while it is young. */
export interface YoungDevice {
  /** Who put it on the list: he is no witness of it. */
  readonly addedBy: Uint8Array;
  /** Whether the words, or a device that is neither it nor who added it nor young, have seen it. */
  readonly isSeen: boolean;
  readonly waited: WaitingTime;
  /** It was taken out by another device, and may stop what goes on until its time is over. Absent: it is young. */
  readonly isRemoved?: true;
}

export interface StoredYoung {
  readonly row: YoungDeviceRow;
  readonly record: YoungDevice;
}

/** What is counted of each device, by the ids of its rows in hex. */
export type CountedDevices = ReadonlyMap<string, StoredYoung>;

/** @param areRemoved those that were taken out and may still stop what goes on, or those that are young */
export async function readCounted(
  vault: ServerContext['vault'],
  reader: Reader,
  owner: Uint8Array,
  areRemoved: boolean,
): Promise<CountedDevices> {
  const rows = await reader.youngDevices.of(owner);
  const all = rows.map(
    (row) =>
      [encodeHex(row.id), { row, record: openRecord<YoungDevice>(vault, 'young_devices', row) }] as const,
  );
  return new Map(all.filter(([, { record }]) => (record.isRemoved === true) === areRemoved));
}

export async function writeYoung(
  vault: ServerContext['vault'],
  transaction: Transaction,
  owner: Uint8Array,
  before: YoungDeviceRow | null,
  id: Uint8Array,
  record: YoungDevice,
): Promise<void> {
  const version = (before?.version ?? 0) + 1;
  const row = sealRecord(vault, 'young_devices', { owner, id, version }, record);
  await (before === null ? transaction.youngDevices.insert(row) : transaction.youngDevices.update(row));
}
