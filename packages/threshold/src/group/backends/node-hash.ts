import { hash } from 'node:crypto';

/** SHA-256 by OpenSSL. */
export function sha256(message: Uint8Array): Uint8Array {
  return toPlainBytes(hash('sha256', message, 'buffer'));
}

/** SHA-512 by OpenSSL. */
export function sha512(message: Uint8Array): Uint8Array {
  return toPlainBytes(hash('sha512', message, 'buffer'));
}

/** A Node buffer serialises and slices unlike other byte arrays, so none leaves this file. */
function toPlainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
