import {
  asXid,
  type Correspondent,
  type Data,
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
} from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';

/** A server that its owner has looked at and pinned. Its keys are believed because of this record, nothing else. */
export interface ServerRecord extends Correspondent {
  /** What the owner calls it. */
  readonly name: string;
  readonly url: string;
  /** What it calls itself; for people only. */
  readonly title: string;
  /** UnixSeconds */
  readonly addedAt: number;
  /** UnixSeconds; null until it has opened an account for us. */
  readonly accountSince: number | null;
  /** Certificates (PEM) that vouch for its TLS certificate besides the authorities that the machine knows; null: none. */
  readonly authority: string | null;
}

const FOLDER = 'servers';

export function serverPath(name: string): string {
  return `${FOLDER}/${name}`;
}

export const SERVER_FOLDER = FOLDER;

export function encodeServerRecord(record: ServerRecord): Uint8Array {
  const { name, url, title, addedAt, accountSince, authority } = record;
  const data: Data = {
    version: 1,
    name,
    url,
    title,
    xid: record.xid,
    keys: encodePublicKeys(record.publicKeys),
    addedAt,
    accountSince,
    ...(authority === null ? {} : { authority }),
  };
  return encodeData(data);
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseServerRecord(path: string, bytes: Uint8Array): ServerRecord {
  const record = readRecord(path, bytes);
  if (serverPath(record.text('name')) !== path) throw corrupt(path);
  try {
    return {
      name: record.text('name'),
      url: record.text('url'),
      title: record.text('title'),
      xid: asXid(record.bytes('xid', 32)),
      publicKeys: decodePublicKeys(record.bytes('keys')),
      addedAt: record.integer('addedAt'),
      accountSince: record.has('accountSince') ? record.integer('accountSince') : null,
      authority: record.has('authority') ? record.text('authority') : null,
    };
  } catch {
    throw corrupt(path);
  }
}
