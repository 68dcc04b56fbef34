import type { GivenInvitation, InvitingServer } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { decodePublicKeys, encodeData, encodePublicKeys, xidOf } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';
import { listRecords, type RecordStore } from '../store/record-store.js';

/** A key for which somebody was asked to be an approver, as it lies in the approver's own store. */
export interface ApproverKey {
  readonly keyId: Uint8Array;
  /** What its owner calls it. */
  readonly keyName: string;
  /** What the approver is called in its terms. */
  readonly name: string;
  readonly servers: readonly InvitingServer[];
  /** Of its first epoch; null: none was seen yet. */
  readonly certificate: Uint8Array | null;
  /** Servers have shown that certificate, and no invitation. */
  readonly isShown?: boolean;
  /** 32 bytes: of the invitation that was taken last. */
  readonly invitation: Uint8Array;
  /** UnixSeconds */
  readonly joinedAt: number;
}

const FOLDER = 'keys';

function keyPath(keyId: Uint8Array): string {
  return `${FOLDER}/${encodeHex(keyId)}`;
}

/** What an invitation says, with what was known before. A certificate that its owner has shown is never exchanged, one that servers have shown only for his. */
export function keyFrom(invitation: GivenInvitation, before: ApproverKey | null, now: number): ApproverKey {
  const { keyId, keyName, name, servers, certificate, digest } = invitation;
  return {
    keyId,
    keyName,
    name,
    servers,
    ...firstOf(certificate, before),
    invitation: digest,
    joinedAt: before?.joinedAt ?? now,
  };
}

function firstOf(
  certificate: Uint8Array | null,
  before: ApproverKey | null,
): Pick<ApproverKey, 'certificate' | 'isShown'> {
  if (before === null || before.certificate === null) return { certificate };
  if (before.isShown !== true) return { certificate: before.certificate };
  return certificate === null ? { certificate: before.certificate, isShown: true } : { certificate };
}

export async function saveApproverKey(store: RecordStore, key: ApproverKey): Promise<void> {
  const servers = key.servers.map(({ name, url, publicKeys, authority }) => ({
    name,
    url,
    keys: encodePublicKeys(publicKeys),
    authority,
  }));
  const { isShown = false, ...rest } = key;
  const shown = isShown ? { isShown } : {};
  await store.put(keyPath(key.keyId), encodeData({ version: 1, ...rest, ...shown, servers }));
}

/** Null: nobody has invited this approver for that key. @throws StorageError `STORE_CORRUPT` */
export async function readApproverKey(store: RecordStore, keyId: Uint8Array): Promise<ApproverKey | null> {
  const path = keyPath(keyId);
  const bytes = await store.get(path);
  return bytes === null ? null : parseApproverKey(path, bytes);
}

/** In the order in which they were joined. @throws StorageError */
export async function listApproverKeys(store: RecordStore): Promise<ApproverKey[]> {
  const keys = await listRecords(store, FOLDER, parseApproverKey);
  return keys.toSorted((a, b) => a.joinedAt - b.joinedAt);
}

/** @throws StorageError `STORE_CORRUPT` */
function parseApproverKey(path: string, bytes: Uint8Array): ApproverKey {
  const record = readRecord(path, bytes);
  const keyId = record.bytes('keyId', 32);
  if (keyPath(keyId) !== path) throw corrupt(path);
  return {
    keyId,
    keyName: record.text('keyName'),
    name: record.text('name'),
    servers: record.records('servers').map((one) => serverFrom(path, one)),
    certificate: record.has('certificate') ? record.bytes('certificate') : null,
    ...(record.has('isShown') ? { isShown: record.boolean('isShown') } : {}),
    invitation: record.bytes('invitation', 32),
    joinedAt: record.integer('joinedAt'),
  };
}

function serverFrom(path: string, one: RecordReader): InvitingServer {
  const publicKeys = keysFrom(path, one.bytes('keys'));
  return {
    name: one.text('name'),
    url: one.text('url'),
    publicKeys,
    xid: xidOf(publicKeys),
    authority: one.has('authority') ? one.text('authority') : null,
  };
}

function keysFrom(path: string, bytes: Uint8Array) {
  try {
    return decodePublicKeys(bytes);
  } catch {
    throw corrupt(path);
  }
}
