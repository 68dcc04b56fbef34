import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../store/record-store.js';

/**
 * By whom a server had its share of the key of a drill back. `peers`: the others gave it back. `certificate`: it took it from the
 * certificate, as static backup does, and the others were not needed.
 */
export type DrillWay = 'peers' | 'certificate';

/** One drill of the past. */
export interface PastDrill {
  /** UnixSeconds. */
  readonly at: number;
  /** Of the key that it was for. */
  readonly epoch: number;
  /** The owner's name, then, of the server that was made to forget its share. */
  readonly server: string;
  /** Null: it failed. */
  readonly way: DrillWay | null;
  /** Why it failed; null: it did not. */
  readonly code: string | null;
}

/**
 * How far a drill is that is not over. `make`: its key is made. `give-back`: the server has forgotten its share, and gets it back.
 * `sign`: it has it, and a quorum with it signs.
 */
export type DrillStage = 'make' | 'give-back' | 'sign';
const STAGES: readonly DrillStage[] = ['make', 'give-back', 'sign'];

/** A drill that is not over. */
export interface OpenDrill {
  /** What its key and its sessions are called: `drill-` and random digits. */
  readonly name: string;
  readonly server: string;
  readonly epoch: number;
  /** UnixSeconds. */
  readonly begunAt: number;
  readonly stage: DrillStage;
  /** Who gave the share back; empty before that, and where nobody had to. */
  readonly helpers: readonly string[];
}

/** One that was begun so long ago is not gone on with. Seconds. */
const OPEN_SECONDS = 86_400;

/** When a drill that is not over is begun anew. @returns UnixSeconds */
export function begunAnewAt({ begunAt }: Pick<OpenDrill, 'begunAt'>): number {
  return begunAt + OPEN_SECONDS;
}

/** How often a key is to be drilled, what came of it, and what goes on. */
export interface DrillRecord {
  /** Seconds; null: never. */
  readonly everySeconds: number | null;
  /** The latest last. */
  readonly history: readonly PastDrill[];
  readonly open: OpenDrill | null;
}

export const DRILL_FOLDER = 'drills';
export const DRILL_EVERY_SECONDS = 180 * 86_400;
/** As many as are kept of one key. */
export const MOST_DRILLS = 24;

export const NEVER_DRILLED: DrillRecord = { everySeconds: DRILL_EVERY_SECONDS, history: [], open: null };

/** By the id of the key that holds something: its name may become another key's. */
export function drillPath(keyId: Uint8Array): string {
  return `${DRILL_FOLDER}/${encodeHex(keyId)}`;
}

/** Nothing but the usual schedule where there is no record, or it cannot be read: a diagnosis names it. */
export async function readDrills(store: RecordStore, keyId: Uint8Array): Promise<DrillRecord> {
  return (await readRecordAt(store, drillPath(keyId))) ?? NEVER_DRILLED;
}

/** What is on record of all keys, by {@link drillPath}. */
export async function readAllDrills(store: RecordStore): Promise<ReadonlyMap<string, DrillRecord>> {
  const all = new Map<string, DrillRecord>();
  for (const path of await store.list(DRILL_FOLDER)) {
    const record = await readRecordAt(store, path);
    if (record !== null) all.set(path, record);
  }
  return all;
}

async function readRecordAt(store: RecordStore, path: string): Promise<DrillRecord | null> {
  try {
    const bytes = await store.get(path);
    return bytes === null ? null : parseDrills(path, bytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return null;
  }
}

/** Changes what is on record of the drills of a key; two processes do so one after the other. */
export async function changeDrills(
  store: RecordStore,
  keyId: Uint8Array,
  change: (before: DrillRecord) => DrillRecord,
): Promise<DrillRecord> {
  return store.exclusive('drills', async () => {
    const { everySeconds, history, open } = change(await readDrills(store, keyId));
    const kept = history.slice(-MOST_DRILLS);
    await store.put(
      drillPath(keyId),
      encodeData({
        version: 1,
        everySeconds,
        history: kept.map((one) => ({ ...one })),
        open: open === null ? null : { ...open, helpers: [...open.helpers] },
      }),
    );
    return { everySeconds, history: kept, open };
  });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseDrills(path: string, bytes: Uint8Array): DrillRecord {
  const record = readRecord(path, bytes);
  return {
    everySeconds: record.has('everySeconds') ? record.integer('everySeconds') : null,
    history: record.records('history').map((one) => parsePast(path, one)),
    open: record.has('open') ? parseOpen(path, record.record('open')) : null,
  };
}

function parsePast(path: string, record: RecordReader): PastDrill {
  const way = record.has('way') ? record.text('way') : null;
  if (way !== null && way !== 'peers' && way !== 'certificate') throw corrupt(path);
  const code = record.has('code') ? record.text('code') : null;
  return {
    at: record.integer('at'),
    epoch: record.integer('epoch'),
    server: record.text('server'),
    way,
    code,
  };
}

function parseOpen(path: string, record: RecordReader): OpenDrill {
  const stage = STAGES.find((one) => one === record.text('stage'));
  if (stage === undefined) throw corrupt(path);
  return {
    name: record.text('name'),
    server: record.text('server'),
    epoch: record.integer('epoch'),
    begunAt: record.integer('begunAt'),
    stage,
    helpers: record.list('helpers').map(String),
  };
}

/**
 * When the next drill is due. It counts from the last one that came to its end.
 * @param since when the key was made, or fetched
 * @returns UnixSeconds; null: never
 */
export function drillDueAt({ everySeconds, history }: DrillRecord, since: number): number | null {
  if (everySeconds === null) return null;
  const whole = history.findLast(({ way }) => way !== null);
  return Math.max(whole?.at ?? 0, since) + everySeconds;
}

/** Whether the others of a key are enough to give a server its share back: where all are needed nobody can. */
export function canDrill({ needed, of }: { readonly needed: number; readonly of: number }): boolean {
  return needed < of;
}
