import { CkmError } from '@ckm/foundation';
import { type Envelope, leafValue, parseEnvelopeUr } from '@ckm/gordian';
import { readRecord, type RecordReader } from '../store/record-reader.js';

/**
 * Reads `ur:envelope/…`, whatever stands around it.
 * @returns null: it cannot be read
 */
export function readEnvelope(text: string): Envelope | null {
  return orNull(() => parseEnvelopeUr(text.trim()));
}

/** CBOR major type 2. Source: RFC 8949 §3.1 */
const BYTES = 2;

/** The bytes in the leaf of an envelope. Null: it holds something else. */
export function bytesInside(envelope: Envelope): Uint8Array | null {
  const value = orNull(() => leafValue(envelope));
  return value !== null && value.type === BYTES ? value.value : null;
}

/**
 * Reads dCBOR of ours, member by member.
 * @returns null: it is not as `read` wants it
 */
export function readMembers<T>(bytes: Uint8Array, read: (members: RecordReader) => T): T | null {
  return orNull(() => read(readRecord('device', bytes)));
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
