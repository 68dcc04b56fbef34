import { concatBytes, encodeUtf8, equalBytes } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { cipher, NONCE_BYTES, TAG_BYTES } from '../vault/cipher.js';
import { deriveKey, type StorageKey } from '../vault/storage-key.js';
import { changed, cutShort } from './codes.js';

/**
 * The bytes of a backup (docs/adr/0029): `CKM backup 1\n ‖ length (4) ‖ header ‖ check (16) ‖ frame ‖ frame ‖ …`, a frame being
 * `length (4) ‖ ciphertext ‖ tag (16)`, XChaCha20-Poly1305 under a key of this backup alone. Its nonce is
 * `number of the frame (8) ‖ 1 for the last one, else 0 ‖ zeros`, and every frame is bound to magic and header: none can be
 * changed, moved, left out, repeated, or taken from another backup, and an end that is missing is noticed.
 * Source: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
 * Misuse-Resistance", CRYPTO 2015, §7), as in the age format.
 */
export const MAGIC = encodeUtf8('CKM backup 1\n');
export const LENGTH_BYTES = 4;
const CHECK_BYTES = 16;
const MAX_HEADER_BYTES = 4_096;
/** Of one frame; the largest row, and more. */
const MAX_FRAME_BYTES = 16_777_216;
/** Of what one frame holds: nothing longer is sealed, because nothing longer is read. */
export const MAX_CONTENT_BYTES = MAX_FRAME_BYTES - TAG_BYTES;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const sealedKey = bytes.refine((key) => key.length <= 1_024);
const headerSchema = z.strictObject({
  /** Number of the newest migration: rows of other tables are not understood. */
  schema: z.int().min(1),
  /** Of the program that made it. */
  version: z.string().max(64),
  /** The storage key under a passphrase, as in `storage.key.sealed`. */
  key: sealedKey,
  /** A random key that this backup alone has, under the same passphrase: whoever has only the storage key opens no frame. */
  frameKey: sealedKey,
});

/** What stands before the frames: readable, and bound to each of them. */
export type BackupHeader = z.infer<typeof headerSchema>;

export function encodeHeader(header: BackupHeader): Uint8Array {
  const encoded = encodeData(header);
  return concatBytes(MAGIC, lengthOf(encoded.length), encoded, checkOf(encoded));
}

/**
 * @param encoded what stands behind the length, {@link headerLength} bytes. Its check is no secret's: it tells a damaged file
 * from a wrong passphrase.
 * @throws EncodingError `BACKUP_CHANGED`
 */
export function parseHeader(encoded: Uint8Array): BackupHeader {
  const [content, check] = [encoded.subarray(0, -CHECK_BYTES), encoded.subarray(-CHECK_BYTES)];
  try {
    if (equalBytes(checkOf(content), check))
      return headerSchema.parse(decodeData(content, { maxBytes: MAX_HEADER_BYTES, maxDepth: 2 }));
  } catch {
    throw changed('its beginning cannot be read');
  }
  throw changed('its beginning is damaged');
}

function checkOf(encoded: Uint8Array): Uint8Array {
  return taggedHash('CKM/backup/check/v1', encoded).subarray(0, CHECK_BYTES);
}

/** @throws EncodingError `BACKUP_CHANGED` for one that no header has */
export function headerLength(prefix: Uint8Array): number {
  const length = numberIn(prefix);
  if (length > MAX_HEADER_BYTES) throw changed('its beginning is too long');
  return length + CHECK_BYTES;
}

/** @throws EncodingError `BACKUP_CHANGED` for one that no frame has */
export function frameLength(prefix: Uint8Array): number {
  const length = numberIn(prefix);
  if (length <= TAG_BYTES || length > MAX_FRAME_BYTES) throw changed('a part has a length that none has');
  return length;
}

/** Seals or opens the frames of one backup, one after the other. Wipe it. */
export interface FrameKey {
  /** With its length before it. */
  seal(plaintext: Uint8Array, isLast: boolean): Uint8Array;
  /**
   * @param sealed without its length
   * @param isAtEnd whether nothing comes behind it
   * @throws EncodingError `BACKUP_CHANGED`, `BACKUP_CUT_SHORT`
   */
  open(sealed: Uint8Array, isAtEnd: boolean): Uint8Array;
  wipe(): void;
}

/**
 * @param frameKey of this backup alone; not wiped
 * @param encodedHeader from {@link encodeHeader}, magic and all
 */
export function createFrameKey(frameKey: StorageKey, encodedHeader: Uint8Array): FrameKey {
  const key = deriveKey(frameKey, 'frames of a backup');
  const bound = taggedHash('CKM/backup/header/v1', encodedHeader);
  let number = 0;
  return {
    seal(plaintext, isLast) {
      const sealed = cipher.seal(key, nonceOf(number, isLast), bound, plaintext);
      number++;
      return concatBytes(lengthOf(sealed.length), sealed);
    },
    open(sealed, isAtEnd) {
      const plaintext = cipher.open(key, nonceOf(number, isAtEnd), bound, sealed);
      if (plaintext === null) {
        // The last one of a file that was cut between two parts is a whole part that others follow.
        if (isAtEnd && cipher.open(key, nonceOf(number, false), bound, sealed)?.fill(0)) throw cutShort();
        throw changed(`part ${number + 1} does not open`);
      }
      number++;
      return plaintext;
    },
    wipe: () => void key.fill(0),
  };
}

function nonceOf(number: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setBigUint64(0, BigInt(number));
  nonce[8] = isLast ? 1 : 0;
  return nonce;
}

function lengthOf(length: number): Uint8Array {
  const prefix = new Uint8Array(LENGTH_BYTES);
  new DataView(prefix.buffer).setUint32(0, length);
  return prefix;
}

function numberIn(prefix: Uint8Array): number {
  return new DataView(prefix.buffer, prefix.byteOffset).getUint32(0);
}
