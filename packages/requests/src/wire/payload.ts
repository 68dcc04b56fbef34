import { concatBytes } from '@ckm/foundation';
import { demand } from '../errors.js';
import { readBytes, type ByteReader } from './bytes.js';

/** First byte of every payload of ours (a PSBT is itself, and has its own magic). */
const PAYLOAD_VERSION = 1;

/** A payload of ours: the version, then the parts as they are. */
export function encodePayload(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(PAYLOAD_VERSION), ...parts);
}

/** Refuses what is too long before anything is read. @throws EncodingError `PAYLOAD_TOO_LARGE` */
export function assertSize(payload: Uint8Array, maxBytes: number): void {
  demand(payload.length <= maxBytes, 'PAYLOAD_TOO_LARGE', 'the request is larger than its kind allows');
}

/** @throws EncodingError `PAYLOAD_TOO_LARGE`, `PAYLOAD_MALFORMED`, `PAYLOAD_VERSION_UNKNOWN` */
export function readPayload(payload: Uint8Array, maxBytes: number): ByteReader {
  assertSize(payload, maxBytes);
  const reader = readBytes(payload, 'PAYLOAD_MALFORMED', 'the request');
  demand(
    reader.byte() === PAYLOAD_VERSION,
    'PAYLOAD_VERSION_UNKNOWN',
    'the request is written in a version this server does not know',
  );
  return reader;
}
