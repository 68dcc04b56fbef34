import { EncodingError } from './errors.js';

/** Joins byte strings, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts);
}

/** As {@link concatBytes}, for any number of parts: so many arguments of a call would not fit on the stack. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compares without an early exit, so that the time taken tells nothing but the length. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Orders byte strings as `memcmp` does; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex. Never for secret bytes: a string cannot be wiped. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** @throws EncodingError `HEX_INVALID` for anything but an even number of hex digits. */
export function decodeHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new EncodingError('not an even number of hex digits', {
      code: 'HEX_INVALID',
      hint: 'use only the digits 0-9 and a-f, two for each byte',
    });
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * UTF-8 bytes of a text.
 * @throws EncodingError `TEXT_INCOMPLETE` for half of a surrogate pair: the encoder would write another letter in its place, and a
 * signature over that would be one over another text.
 */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw incomplete();
  return utf8Encoder.encode(text);
}

function incomplete(): EncodingError {
  return new EncodingError('a text holds half of a letter (one of two UTF-16 surrogates without the other)', {
    code: 'TEXT_INCOMPLETE',
    hint: 'give the whole text: it was cut in the middle of a letter, or is no text',
  });
}

const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text in these bytes; null when they are not UTF-8. Where that is no error: one costs as much as a signature. */
export function readUtf8(bytes: Uint8Array): string | null {
  const text = lenientDecoder.decode(bytes);
  // The sign that stands for what is no text may also have been written.
  return text.includes('\ufffd') && !equalBytes(encodeUtf8(text), bytes) ? null : text;
}

/** @throws EncodingError `UTF8_INVALID` when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new EncodingError('not valid UTF-8 text', {
      code: 'UTF8_INVALID',
      hint: 'send text encoded as UTF-8',
      cause,
    });
  }
}

/**
 * What reads text in another encoding than UTF-8, by its WHATWG name; null where this machine has no table of it. The reader
 * gives null for bytes that are no text in it.
 */
export function textReader(encoding: string): ((bytes: Uint8Array) => string | null) | null {
  const decoder = orNull(() => new TextDecoder(encoding, { fatal: true, ignoreBOM: true }));
  return decoder === null ? null : (bytes) => orNull(() => decoder.decode(bytes));
}

function orNull<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
