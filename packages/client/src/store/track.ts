import { encodeHex, type Remedy, StateError, UsageError } from '@ckm/foundation';
import { corrupt, type RecordReader } from './record-reader.js';
import { listRecords, type RecordStore } from './record-store.js';

/** How far something that takes time has come for its owner. `open`: it can be gone on with, whatever happened. */
export type TrackState = 'open' | 'finished' | 'cancelled' | 'failed';

/** What records of ceremonies and of requests have in common. */
export interface Track {
  readonly state: TrackState;
  /** UnixSeconds */
  readonly createdAt: number;
  /** UnixSeconds */
  readonly expiresAt: number;
  /** Why it failed or was cancelled; for people. */
  readonly reason: string | null;
  /** The owner's name of the key it is about. */
  readonly keyName: string;
}

const STATES: readonly TrackState[] = ['open', 'finished', 'cancelled', 'failed'];

/** @throws StorageError `STORE_CORRUPT` */
export function readTrack(path: string, record: RecordReader): Track {
  const state = STATES.find((one) => one === record.text('state'));
  if (state === undefined) throw corrupt(path);
  return {
    state,
    createdAt: record.integer('createdAt'),
    expiresAt: record.integer('expiresAt'),
    reason: record.has('reason') ? record.text('reason') : null,
    keyName: record.text('keyName'),
  };
}

/** What people call a session or request: the first eight hex digits of its id. */
export function shortId(id: Uint8Array): string {
  return encodeHex(id.subarray(0, 4));
}

/** A folder of such records, and what people call one of them. */
export interface TrackFolder<T extends Track> {
  readonly folder: string;
  readonly noun: 'session' | 'request';
  parse(path: string, bytes: Uint8Array): T;
}

/** Every record of the folder, oldest first. @throws StorageError `STORE_CORRUPT` */
export async function listTracks<T extends Track>(
  store: RecordStore,
  { folder, parse }: TrackFolder<T>,
): Promise<T[]> {
  // Paths are ids, and come sorted.
  const tracks = await listRecords(store, folder, parse);
  return tracks.toSorted((a, b) => a.createdAt - b.createdAt);
}

/**
 * The record that the first digits of an id name.
 * @throws UsageError `SESSION_UNKNOWN`, `SESSION_AMBIGUOUS`, `REQUEST_UNKNOWN`, `REQUEST_AMBIGUOUS`
 */
export async function findTrack<T extends Track>(
  store: RecordStore,
  { folder, noun, parse }: TrackFolder<T>,
  id: string,
): Promise<T> {
  const wanted = id.toLowerCase();
  const paths = /^[0-9a-f]{4,64}$/.test(wanted) ? await store.list(folder) : [];
  const found = paths.filter((path) => path.startsWith(`${folder}/${wanted}`));
  const [path] = found;
  const bytes = path === undefined ? null : await store.get(path);
  if (path === undefined || bytes === null) {
    throw new UsageError(`there is no ${noun} ${JSON.stringify(id.slice(0, 70))}`, {
      code: noun === 'session' ? 'SESSION_UNKNOWN' : 'REQUEST_UNKNOWN',
      hint: `list your ${noun}s`,
      remedy: { kind: noun === 'session' ? 'listSessions' : 'listRequests' },
    });
  }
  if (found.length > 1) {
    throw new UsageError(`more than one ${noun} begins with ${wanted}`, {
      code: noun === 'session' ? 'SESSION_AMBIGUOUS' : 'REQUEST_AMBIGUOUS',
      hint: 'write more digits of its id',
    });
  }
  return parse(path, bytes);
}

/**
 * @param next what its owner may do instead
 * @throws StateError `SESSION_OVER`, `REQUEST_OVER`
 */
export function assertOpen(
  { state, reason }: Track,
  noun: 'session' | 'request',
  id: Uint8Array,
  next: { readonly hint: string; readonly remedy?: Remedy } = { hint: 'start a new one' },
): void {
  if (state === 'open') return;
  throw new StateError(`${noun} ${shortId(id)} is over (${state})${reason === null ? '' : `: ${reason}`}`, {
    code: noun === 'session' ? 'SESSION_OVER' : 'REQUEST_OVER',
    ...next,
    retryable: false,
  });
}

/** How long what is over can still be looked up, counted from when it would have expired. */
const KEPT_SECONDS = 30 * 86_400;

/**
 * Forgets what was over long ago. What is open stays however old it is: a key whose servers have all signed may be
 * finished years later. Keys and evidence have records of their own. What cannot be read is left alone.
 * @param now UnixSeconds
 */
export async function pruneTracks(
  store: RecordStore,
  { folder, parse }: TrackFolder<Track>,
  now: number,
): Promise<void> {
  for (const path of await store.list(folder)) {
    try {
      const bytes = await store.get(path);
      if (bytes === null) continue;
      const { state, expiresAt } = parse(path, bytes);
      if (state !== 'open' && expiresAt + KEPT_SECONDS < now) await store.delete(path);
    } catch {
      // What cannot be read is for its owner to look at.
    }
  }
}
