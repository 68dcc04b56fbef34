import { StateError } from '@ckm/foundation';
import type { RecordStore } from '../store/record-store.js';
import { assertOpen, findTrack, listTracks, shortId, type TrackFolder } from '../store/track.js';
import {
  encodeRequest,
  parseRequest,
  REQUEST_FOLDER,
  requestPath,
  type RequestRecord,
} from './request-record.js';

export const REQUESTS: TrackFolder<RequestRecord> = {
  folder: REQUEST_FOLDER,
  noun: 'request',
  parse: parseRequest,
};

export async function saveRequest(store: RecordStore, request: RequestRecord): Promise<void> {
  await store.put(requestPath(request.requestId), encodeRequest(request));
}

/** Null: there is none. @throws StorageError `STORE_CORRUPT` */
export async function loadRequest(store: RecordStore, requestId: Uint8Array): Promise<RequestRecord | null> {
  const path = requestPath(requestId);
  const bytes = await store.get(path);
  return bytes === null ? null : parseRequest(path, bytes);
}

/**
 * Changes what is on record of a request while no other process does.
 * @param change of what is there, null where nothing is; what it gives is put in its place, and null leaves it as it is
 */
export async function updateRequest(
  store: RecordStore,
  requestId: Uint8Array,
  change: (now: RequestRecord | null) => RequestRecord | null,
): Promise<void> {
  await store.exclusive('requests', async () => {
    const next = change(await loadRequest(store, requestId));
    if (next !== null) await saveRequest(store, next);
  });
}

/** As if it had never been. */
export async function removeRequest(store: RecordStore, requestId: Uint8Array): Promise<void> {
  await store.delete(requestPath(requestId));
}

/** Every request on record, oldest first. @throws StorageError `STORE_CORRUPT` */
export function listRequests(store: RecordStore): Promise<RequestRecord[]> {
  return listTracks(store, REQUESTS);
}

/** @param id its first digits @throws UsageError `REQUEST_UNKNOWN`, `REQUEST_AMBIGUOUS` */
export function findRequest(store: RecordStore, id: string): Promise<RequestRecord> {
  return findTrack(store, REQUESTS, id);
}

/** The same, if it goes on. @throws StateError `REQUEST_OVER` */
export async function findOpenRequest(store: RecordStore, id: string): Promise<RequestRecord> {
  const request = await findRequest(store, id);
  assertRequestOpen(request);
  return request;
}

/** @throws StateError `REQUEST_OVER` */
export function assertRequestOpen(request: RequestRecord): void {
  const { requestId, artefact } = request;
  if (artefact === null) assertOpen(request, 'request', requestId, { hint: 'sign again' });
  else {
    const remedy = { kind: 'showRequest', id: shortId(requestId) } as const;
    assertOpen(request, 'request', requestId, { hint: 'get its signature', remedy });
  }
}

/** Another process had the answer at once, or nothing came of it there. */
export function requestGone({ requestId }: Pick<RequestRecord, 'requestId'>): StateError {
  return new StateError(`request ${shortId(requestId)} is not on record any more: another process ended it`, {
    code: 'REQUEST_OVER',
    hint: 'see what came of it there, or sign again',
    retryable: false,
  });
}
