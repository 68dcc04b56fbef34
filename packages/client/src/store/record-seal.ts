import {
  concatBytes,
  encodeUtf8,
  equalBytes,
  reveal,
  type Secret,
  secret,
  StorageError,
} from '@ckm/foundation';
import { primitives } from '@ckm/gordian';

/**
 * A record as it lies in a store, whatever the store: `CKMR` ‖ layout (1 byte) ‖ name of the key (8 bytes) ‖ MAC (32 bytes) ‖
 * body. The MAC is HMAC-SHA-256 over layout ‖ length of the path (2 bytes, big-endian) ‖ path ‖ body, so that no record
 * counts in the place of another. Key and name come from the owner seed: who has the disk and not the seed changes nothing
 * unnoticed. What it does not show: that a record is gone, or that an older one was put back in its own place.
 */
const MAGIC = encodeUtf8('CKMR');
const LAYOUT = 1;
const NAME_BYTES = 8;
const MAC_BYTES = 32;
const NAME_AT = MAGIC.length + 1;
const MAC_AT = NAME_AT + NAME_BYTES;
const BODY_AT = MAC_AT + MAC_BYTES;
const SALT = encodeUtf8('ckm/client-records/v1');

/** What records of one owner are sealed with. */
export interface RecordKey {
  /** 32 bytes */
  readonly mac: Secret<Uint8Array>;
  /** 8 bytes, no secret: tells records of another seed from altered ones. */
  readonly name: Uint8Array;
}

/** HKDF-SHA-256(seed, salt `ckm/client-records/v1`, info `mac` or `name`). */
export function deriveRecordKey(seed: Secret<Uint8Array>): RecordKey {
  const material = reveal(seed, 'deriving the key that records of the owner are checked with');
  return {
    mac: secret(primitives.hkdfSha256(material, SALT, encodeUtf8('mac'), MAC_BYTES)),
    name: primitives.hkdfSha256(material, SALT, encodeUtf8('name'), NAME_BYTES),
  };
}

export function sealRecord(key: RecordKey, path: string, body: Uint8Array): Uint8Array {
  return concatBytes(MAGIC, Uint8Array.of(LAYOUT), key.name, macOf(key, path, body), body);
}

/**
 * The body of a record, if this owner wrote it for this path.
 * @throws StorageError `RECORD_FORMAT_UNKNOWN`, `RECORD_OF_ANOTHER_SEED`, `RECORD_ALTERED`
 */
export function openRecord(key: RecordKey, path: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length < BODY_AT || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
    throw formatUnknown(path, 'has none of the formats this version knows');
  }
  const layout = bytes[MAGIC.length]!;
  if (layout !== LAYOUT)
    throw formatUnknown(path, `is of layout ${layout}, and this version knows layout ${LAYOUT}`);
  if (!equalBytes(bytes.subarray(NAME_AT, MAC_AT), key.name)) throw ofAnotherSeed(path);
  const body = bytes.slice(BODY_AT);
  if (!equalBytes(bytes.subarray(MAC_AT, BODY_AT), macOf(key, path, body))) throw altered(path);
  return body;
}

function macOf({ mac }: RecordKey, path: string, body: Uint8Array): Uint8Array {
  const place = encodeUtf8(path);
  const head = Uint8Array.of(LAYOUT, place.length >> 8, place.length & 0xff);
  return primitives.hmacSha256(reveal(mac, 'sealing or checking a record'), concatBytes(head, place, body));
}

/** @param what said of the record, after its path */
export function formatUnknown(path: string, what: string): StorageError {
  return new StorageError(`the stored record ${path} ${what}`, {
    code: 'RECORD_FORMAT_UNKNOWN',
    hint: 'open it with the version that wrote it, or move it away and make or fetch it anew',
    remedy: { kind: 'moveRecord', record: path },
    facts: { record: path },
  });
}

function ofAnotherSeed(path: string): StorageError {
  return new StorageError(`the stored record ${path} was written under another owner seed`, {
    code: 'RECORD_OF_ANOTHER_SEED',
    hint: 'use the seed it belongs to, or move it away and make or fetch it anew',
    remedy: { kind: 'moveRecord', record: path },
    facts: { record: path },
  });
}

function altered(path: string): StorageError {
  return new StorageError(`the stored record ${path} is not as this owner wrote it`, {
    code: 'RECORD_ALTERED',
    hint: 'find out who wrote to this disk; restore it from a copy, or move it away and make or fetch it anew',
    remedy: { kind: 'moveRecord', record: path },
    facts: { record: path },
  });
}
