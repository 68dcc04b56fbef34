import { encodeHex, equalBytes } from '@ckm/foundation';
import { asXid, encodeData, type Xid } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import type { RecordStore } from '../store/record-store.js';

/** An offer that was taken here: by what it is gone on with, and known again. */
export interface TakenOffer {
  /** 32 bytes: names the device. */
  readonly id: Uint8Array;
  /** 32 bytes: of the offer that was taken last. */
  readonly digest: Uint8Array;
  readonly name: string;
  /** Which of its keys is for which server. */
  readonly slots: readonly TakenSlot[];
  /** Whether the welcome for it was handed over. */
  readonly isOver: boolean;
}

export interface TakenSlot {
  readonly server: Xid;
  readonly slot: number;
}

export const OFFER_FOLDER = 'offers';

function offerPath(id: Uint8Array): string {
  return `${OFFER_FOLDER}/${encodeHex(id)}`;
}

export async function saveTakenOffer(store: RecordStore, offer: TakenOffer): Promise<void> {
  const { slots, ...facts } = offer;
  const data = { version: 1, ...facts, slots: slots.map((one) => ({ ...one })) };
  await store.put(offerPath(offer.id), encodeData(data));
}

/** Null: no offer of that device was taken here. @throws StorageError `STORE_CORRUPT` */
export async function readTakenOffer(store: RecordStore, id: Uint8Array): Promise<TakenOffer | null> {
  const path = offerPath(id);
  const bytes = await store.get(path);
  return bytes === null ? null : parseTakenOffer(path, bytes);
}

/** Forgets offers of devices of that name: one that is removed is let in as a new one. */
export async function forgetOffersOf(store: RecordStore, name: string): Promise<void> {
  for (const path of await store.list(OFFER_FOLDER)) {
    const bytes = await store.get(path);
    if (bytes !== null && parseTakenOffer(path, bytes).name === name) await store.delete(path);
  }
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseTakenOffer(path: string, bytes: Uint8Array): TakenOffer {
  const record = readRecord(path, bytes);
  const id = record.bytes('id', 32);
  if (offerPath(id) !== path) throw corrupt(path);
  return {
    id,
    digest: record.bytes('digest', 32),
    name: record.text('name'),
    slots: record.records('slots').map((one) => ({
      server: asXid(one.bytes('server', 32)),
      slot: one.integer('slot'),
    })),
    isOver: record.boolean('isOver'),
  };
}

/** A slot for each server: those that were given before, then the first that are free. */
export function slotsFor(servers: readonly Xid[], before: readonly TakenSlot[]): readonly TakenSlot[] {
  const slots = before.filter(({ server }) => servers.some((one) => equalBytes(one, server)));
  // A slot that was of another server once was shown to that one.
  const taken = new Set(before.map(({ slot }) => slot));
  for (const server of servers) {
    if (slots.some((one) => equalBytes(one.server, server))) continue;
    const slot = firstFree(taken);
    taken.add(slot);
    slots.push({ server, slot });
  }
  return slots;
}

function firstFree(taken: ReadonlySet<number>): number {
  let slot = 0;
  while (taken.has(slot)) slot += 1;
  return slot;
}
