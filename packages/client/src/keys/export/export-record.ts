import { encodeHex, encodeUtf8, reveal, type Secret, secret } from '@ckm/foundation';
import { encodeData, primitives, type Xid } from '@ckm/gordian';
import type { ClientContext } from '../../context/context.js';
import { corrupt, readRecord } from '../../store/record-reader.js';

/** An export that goes on: what its shares are sealed to, and under which names servers know it. */
export interface ExportRecord {
  /** 32 bytes */
  readonly sessionId: Uint8Array;
  /** 32 bytes */
  readonly exportId: Uint8Array;
  /** Of the key when it was begun. */
  readonly epoch: number;
  /** 32 bytes: of that epoch. */
  readonly transcriptHash: Uint8Array;
  /** UnixSeconds */
  readonly expiresAt: number;
  /** Salt (32 bytes) ‖ the X25519 secret of the recipient, sealed under a key that comes from the owner seed. */
  readonly sealed: Uint8Array;
  /** 32 bytes: the identity of the owner at this server is what it is sealed under. */
  readonly sealedAt: Uint8Array;
}

export const EXPORT_FOLDER = 'exports';

/** By the id of the key: its name may become another key's. */
export function exportPath(keyId: Uint8Array): string {
  return `${EXPORT_FOLDER}/${encodeHex(keyId)}`;
}

export function encodeExport(record: ExportRecord): Uint8Array {
  return encodeData({ version: 1, ...record });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseExport(path: string, bytes: Uint8Array): ExportRecord {
  const record = readRecord(path, bytes);
  return {
    sessionId: record.bytes('sessionId', 32),
    exportId: record.bytes('exportId', 32),
    epoch: record.integer('epoch'),
    transcriptHash: record.bytes('transcriptHash', 32),
    expiresAt: record.integer('expiresAt'),
    sealed: record.bytes('sealed', SALT_BYTES + SECRET_BYTES + TAG_BYTES),
    sealedAt: record.bytes('sealedAt', 32),
  };
}

const SALT_BYTES = 32;
const SECRET_BYTES = 32;
const TAG_BYTES = 16;
/** One key seals one secret: its salt is fresh. */
const NONCE = new Uint8Array(12);
const INFO = encodeUtf8('ckm/client-export-recipient/v1');

/** Seals the secret of a recipient, so that a disk without the owner seed does not open what servers sealed to it. */
export async function sealRecipient(
  context: ClientContext,
  sealedAt: Uint8Array,
  exportId: Uint8Array,
  recipient: Secret<Uint8Array>,
): Promise<Uint8Array> {
  const salt = context.random(SALT_BYTES);
  const key = await sealingKey(context, sealedAt, salt);
  try {
    const plain = reveal(recipient, 'keep what an export is sealed to');
    const sealed = primitives.chachaSeal(key, NONCE, exportId, plain);
    return Uint8Array.from([...salt, ...sealed]);
  } finally {
    key.fill(0);
  }
}

/** The caller wipes it. @throws StorageError `STORE_CORRUPT` */
export async function openRecipient(
  context: ClientContext,
  keyId: Uint8Array,
  { sealed, sealedAt, exportId }: ExportRecord,
): Promise<Secret<Uint8Array>> {
  const key = await sealingKey(context, sealedAt, sealed.subarray(0, SALT_BYTES));
  try {
    const plain = primitives.chachaOpen(key, NONCE, exportId, sealed.subarray(SALT_BYTES));
    if (plain === null) throw corrupt(exportPath(keyId));
    return secret(plain);
  } finally {
    key.fill(0);
  }
}

async function sealingKey(
  context: ClientContext,
  sealedAt: Uint8Array,
  salt: Uint8Array,
): Promise<Uint8Array> {
  const { hedgeKey } = await context.identityFor(sealedAt as Xid);
  return primitives.hkdfSha256(reveal(hedgeKey, 'seal what an export is sealed to'), salt, INFO, 32);
}
