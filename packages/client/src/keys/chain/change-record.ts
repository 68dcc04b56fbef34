import { changeOrder, type ChangeOrder } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import { hashOrder } from '@ckm/threshold';
import { corrupt, readRecord, type RecordReader } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';
import { listTracks, readTrack, type Track, type TrackFolder } from '../../store/track.js';
import { type CheckedEpoch, encodeChecked, readChecked } from './key-chain.js';

/** A server of one of the two epochs, as it was called when the change was ordered. */
export interface ChangeServer {
  readonly name: string;
  readonly xid: Uint8Array;
}

/** The promise of a server of the next epoch that it stored the certificate. */
export interface ChangeAcknowledgement {
  /** Of the next epoch. */
  readonly slot: number;
  readonly signature: Uint8Array;
}

/**
 * A change of who holds a key, as far as it has come. Holds nothing secret. Whatever is not here, servers say again when they
 * are asked again, so that it can be gone on with after anything.
 */
export interface ChangeRecord extends Track {
  readonly order: ChangeOrder;
  /** Whether the words order it, so that a quorum of old members decides (ADR 0061). */
  readonly byWords: boolean;
  /** The epoch whose members decide, checked when the change began. */
  readonly checked: CheckedEpoch;
  /** Of both epochs: the next one in order of slots, then those that leave. */
  readonly servers: readonly ChangeServer[];
  /** The try that goes on, from 1; 0: none has begun. */
  readonly attempt: number;
  /** Of the session that moves shares in this try; null: none has begun. */
  readonly sessionId: Uint8Array | null;
  /** What the whole next roster signed in this try, as it is shown to old members; null: not yet. */
  readonly signed: Uint8Array | null;
  /** The certificate of the next epoch, once old members have decided on it; null: not yet. */
  readonly certificate: Uint8Array | null;
  readonly acknowledgements: readonly ChangeAcknowledgement[];
  /** XIDs of servers that have taken the order in: what is over there since then is not begun anew. */
  readonly heard: readonly Uint8Array[];
  /** XIDs of servers that have gone over to the next epoch, or left by it. */
  readonly entered: readonly Uint8Array[];
  /** XIDs of old members that kept a session from its end: where enough others can deal, those do. */
  readonly poorDealers: readonly Uint8Array[];
}

export const CHANGE_FOLDER = 'changes';

export const CHANGES: TrackFolder<ChangeRecord> = {
  folder: CHANGE_FOLDER,
  noun: 'session',
  parse: parseChangeRecord,
};

/** What goes on, as in "refreshing treasury". */
export function titleOfChange(change: ChangeRecord): string {
  const { keyName, certificate } = change;
  const what = isRefresh(change) ? `refreshing ${keyName}` : `changing the servers of ${keyName}`;
  return certificate === null ? what : `${what}: decided, not everybody has said that it is done`;
}

/** Whether the same servers get new shares, and as many of them are needed as before. */
export function isRefresh({ order, checked }: Pick<ChangeRecord, 'order' | 'checked'>): boolean {
  const { quorum, roster } = checked.epoch.params;
  const isOld = (xid: Uint8Array) => roster.some(({ serverId }) => equalBytes(serverId, xid));
  return (
    order.quorum.of === quorum.of &&
    order.quorum.needed === quorum.needed &&
    order.roster.every(({ serverId }) => isOld(serverId))
  );
}

/** 32 bytes: its order. */
export function changeIdOf({ order }: Pick<ChangeRecord, 'order'>): Uint8Array {
  return hashOrder(order);
}

/** Below its key, so that nobody reads those of a thousand others; named by its order: another try is the same change. */
export function changePath(order: ChangeOrder): string {
  return `${folderOf(order.keyId)}/${encodeHex(changeIdOf({ order }))}`;
}

function folderOf(keyId: Uint8Array): string {
  return `${CHANGE_FOLDER}/${encodeHex(keyId)}`;
}

function encodeChangeRecord(record: ChangeRecord) {
  const { order, checked, servers, acknowledgements, heard, entered, poorDealers, ...rest } = record;
  return encodeData({
    version: 1,
    ...rest,
    heard: [...heard],
    entered: [...entered],
    poorDealers: [...poorDealers],
    order: order as Data,
    checked: encodeChecked(checked),
    servers: servers.map((one) => ({ ...one })),
    acknowledgements: acknowledgements.map((one) => ({ ...one })),
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseChangeRecord(path: string, bytes: Uint8Array): ChangeRecord {
  const record = readRecord(path, bytes);
  const order = changeOrder.safeParse(record.value('order'));
  if (!order.success || changePath(order.data) !== path) throw corrupt(path);
  const optional = (field: string) => (record.has(field) ? record.bytes(field) : null);
  return {
    ...readTrack(path, record),
    order: order.data,
    byWords: record.has('byWords') && record.boolean('byWords'),
    checked: readChecked(path, record.record('checked')),
    servers: record.records('servers').map((one) => ({ name: one.text('name'), xid: one.bytes('xid', 32) })),
    attempt: record.integer('attempt'),
    sessionId: optional('sessionId'),
    signed: optional('signed'),
    certificate: optional('certificate'),
    acknowledgements: record
      .records('acknowledgements')
      .map((one) => ({ slot: one.integer('slot'), signature: one.bytes('signature', 64) })),
    heard: readXids(path, record, 'heard'),
    entered: readXids(path, record, 'entered'),
    poorDealers: readXids(path, record, 'poorDealers'),
  };
}

function readXids(
  path: string,
  record: RecordReader,
  field: 'heard' | 'entered' | 'poorDealers',
): Uint8Array[] {
  if (!record.has(field)) return [];
  return record.list(field).map((one) => {
    if (one instanceof Uint8Array && one.length === 32) return one;
    throw corrupt(path);
  });
}

export async function saveChange(store: RecordStore, record: ChangeRecord): Promise<void> {
  await store.put(changePath(record.order), encodeChangeRecord(record));
}

/** Every change on record, oldest first. @throws StorageError `STORE_CORRUPT` */
export function listChanges(store: RecordStore): Promise<ChangeRecord[]> {
  return listTracks(store, CHANGES);
}

/** The open change that the first digits of its id, or of its session's, name; null: none. */
export async function findChange(store: RecordStore, id: string): Promise<ChangeRecord | null> {
  const wanted = id.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) return null;
  const isIt = ({ state, order, sessionId }: ChangeRecord) =>
    state === 'open' &&
    [changeIdOf({ order }), ...(sessionId === null ? [] : [sessionId])].some((one) =>
      encodeHex(one).startsWith(wanted),
    );
  return (await listChanges(store)).find(isIt) ?? null;
}

/** The changes of one key, oldest first. @throws StorageError `STORE_CORRUPT` */
export function listChangesOf(store: RecordStore, keyId: Uint8Array): Promise<ChangeRecord[]> {
  return listTracks(store, { ...CHANGES, folder: folderOf(keyId) });
}

/** The change of a key that goes on; null: none. */
export async function openChangeOf(store: RecordStore, keyId: Uint8Array): Promise<ChangeRecord | null> {
  return (await listChangesOf(store, keyId)).findLast(({ state }) => state === 'open') ?? null;
}
