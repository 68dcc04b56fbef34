import {
  comparePlaces,
  devicesBehind,
  type DevicesDocument,
  type DevicesPlace,
  firstDevices,
  hashDevices,
  parseDevices,
  type SignedDevices,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import {
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
  type PublicKeys,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import { corrupt, readRecord } from '../../store/record-reader.js';
import type { RecordStore } from '../../store/record-store.js';

/** The list of devices at one server as this client last saw it, followed from its beginning. */
export interface KnownList {
  readonly list: DevicesDocument;
  /** Those of its generation, in order; none: no device was ever let in. */
  readonly links: readonly SignedDevices[];
}

export const LIST_FOLDER = 'devices';

function listPath(server: Uint8Array): string {
  return `${LIST_FOLDER}/${encodeHex(server)}`;
}

/**
 * The list at a server before anybody was let in.
 * @returns null: these are not the keys that the account is named after
 */
export function emptyList(server: Xid, account: Xid, words: PublicKeys): KnownList | null {
  return equalBytes(xidOf(words), account) ? { list: firstDevices(server, account, words), links: [] } : null;
}

/** Follows what comes behind a list. @throws as `devicesBehind` */
export function behind(known: KnownList, links: readonly SignedDevices[]): KnownList {
  if (links.length === 0) return known;
  const list = devicesBehind(known.list, links);
  const isSame = list.generation === known.list.generation;
  // Of a generation that is over a server needs nothing.
  const kept = links.filter(({ document }) => parseDevices(document).generation === list.generation);
  return { list, links: isSame ? [...known.links, ...kept] : kept };
}

/** What a server lacks that is at an earlier place; all of it where it is in another generation. */
export function linksBehind({ list, links }: KnownList, place: DevicesPlace): readonly SignedDevices[] {
  if (comparePlaces(place, list) >= 0) return [];
  if (place.generation !== list.generation) return links;
  return links.filter(({ document }) => comparePlaces(parseDevices(document), place) > 0);
}

export function isSameList(a: DevicesDocument, hash: Uint8Array): boolean {
  return equalBytes(hashDevices(a), hash);
}

/** @returns null: none was seen here. @throws StorageError `STORE_CORRUPT` */
export async function readKnownList(store: RecordStore, server: Xid): Promise<KnownList | null> {
  const path = listPath(server);
  const bytes = await store.get(path);
  return bytes === null ? null : parseKnownList(path, bytes);
}

export async function saveKnownList(store: RecordStore, { list, links }: KnownList): Promise<void> {
  const { server, account, words } = list;
  const bytes = encodeData({
    version: 1,
    server,
    account,
    words: encodePublicKeys(words),
    links: links.map((link) => ({ ...link })),
  });
  await store.put(listPath(server), bytes);
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseKnownList(path: string, bytes: Uint8Array): KnownList {
  const record = readRecord(path, bytes);
  const [server, account] = [record.bytes('server', 32), record.bytes('account', 32)];
  const words = record.bytes('words');
  const links = record.records('links').map((link) => ({
    document: link.bytes('document'),
    signature: link.bytes('signature', 64),
  }));
  if (listPath(server) !== path) throw corrupt(path);
  try {
    const first = emptyList(server as Xid, account as Xid, decodePublicKeys(words));
    if (first !== null) return behind(first, links);
  } catch {
    // Whatever was wrong with it, it is not what was written.
  }
  throw corrupt(path);
}
