import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { refusal, type RequestErrorCode } from '../errors.js';

/** Four bytes, big-endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A length-prefixed string as SSH writes it (RFC 4251 §5); text is UTF-8. Our own payloads use the same. */
export function lengthPrefixed(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return concatBytes(u32(bytes.length), bytes);
}

/** Reads a byte string from front to back; whatever does not fit is refused with the code it was made with. */
export interface ByteReader {
  byte(): number;
  /** The next `length` bytes, copied. */
  bytes(length: number): Uint8Array;
  /** A length-prefixed string of at most `maxLength` bytes, copied. */
  prefixed(maxLength: number): Uint8Array;
  /** Refuses trailing bytes. */
  end(): void;
}

/** @throws EncodingError `code`, from each of the reader's methods, with `what` in the message. */
export function readBytes(input: Uint8Array, code: RequestErrorCode, what: string): ByteReader {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  const take = (length: number): number => {
    if (length > input.length - at) throw refusal(code, `${what} ends too early`);
    const start = at;
    at += length;
    return start;
  };
  const bytes = (length: number): Uint8Array => {
    const start = take(length);
    return input.slice(start, start + length);
  };
  return {
    byte: () => view.getUint8(take(1)),
    bytes,
    prefixed(maxLength) {
      const length = view.getUint32(take(4));
      if (length > maxLength) throw refusal(code, `${what} has a part that is too long`);
      return bytes(length);
    },
    end() {
      if (at !== input.length) throw refusal(code, `${what} has trailing bytes`);
    },
  };
}
