import { demand } from '../../errors.js';

/** Bytes that are read from front to back. */
export interface ByteCursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** @throws EncodingError `PSBT_MALFORMED` */
export function skipBytes(cursor: ByteCursor, length: number): void {
  demand(length <= cursor.bytes.length - cursor.at, 'PSBT_MALFORMED', 'the PSBT ends too early');
  cursor.at += length;
}

/** @throws EncodingError `PSBT_MALFORMED` */
export function takeBytes(cursor: ByteCursor, length: number): Uint8Array {
  skipBytes(cursor, length);
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

/** Bitcoin's compact size, shortest form only. @throws EncodingError `PSBT_MALFORMED` */
export function takeSize(cursor: ByteCursor): number {
  skipBytes(cursor, 1);
  const first = cursor.bytes[cursor.at - 1]!;
  if (first < 0xfd) return first;
  const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8;
  let size = 0;
  for (const byte of takeBytes(cursor, width).toReversed()) size = size * 256 + byte;
  const smallest = width === 2 ? 0xfd : width === 4 ? 0x1_0000 : 0x1_0000_0000;
  demand(size >= smallest, 'PSBT_MALFORMED', 'the PSBT has a length that is not in its shortest form');
  return size;
}

/** Bitcoin's compact size. */
export function encodeSize(size: number): Uint8Array {
  if (size < 0xfd) return Uint8Array.of(size);
  if (size < 0x1_0000) return Uint8Array.of(0xfd, size & 0xff, size >> 8);
  const bytes = new Uint8Array(5);
  bytes[0] = 0xfe;
  new DataView(bytes.buffer).setUint32(1, size, true);
  return bytes;
}
