import { decodeHex, decodeUtf8 } from '@ckm/foundation';
import { base64nopad } from '@scure/base';
import { refusal } from '../../errors.js';
import { BITCOIN_MAX_BYTES, parseBitcoin } from './parse.js';
import { isPsbt } from './psbt-maps.js';

/**
 * The payload for a PSBT as wallets, editors and shells hand it over: bytes, or base64 or hex as text. Text may begin with
 * a byte order mark, be UTF-16, hold white space, use the letters of URLs, and lack its padding.
 * @throws EncodingError what `parseBitcoin` refuses
 */
export function buildBitcoinRequest(psbt: Uint8Array | string): Uint8Array {
  const text = typeof psbt === 'string' ? psbt : textOf(psbt);
  return parseBitcoin(text === null ? (psbt as Uint8Array) : decodeText(text)).psbt;
}

const BYTE_ORDER_MARKS = {
  utf8: [0xef, 0xbb, 0xbf],
  utf16le: [0xff, 0xfe],
  utf16be: [0xfe, 0xff],
} as const;

/** The text in these bytes, of which only ASCII can be base64 or hex; `null` where they are something else. */
function textOf(bytes: Uint8Array): string | null {
  if (isPsbt(bytes)) return null;
  const begins = (mark: readonly number[]) => mark.every((byte, at) => bytes[at] === byte);
  if (begins(BYTE_ORDER_MARKS.utf8)) return asciiOf(bytes.subarray(3), 1, 0);
  if (begins(BYTE_ORDER_MARKS.utf16le)) return asciiOf(bytes.subarray(2), 2, 0);
  if (begins(BYTE_ORDER_MARKS.utf16be)) return asciiOf(bytes.subarray(2), 2, 1);
  if (bytes[1] === 0) return asciiOf(bytes, 2, 0);
  return bytes[0] === 0 ? asciiOf(bytes, 2, 1) : asciiOf(bytes, 1, 0);
}

/** ASCII whose letters take `width` bytes each, the letter itself at `offset` and zero elsewhere. */
function asciiOf(bytes: Uint8Array, width: 1 | 2, offset: number): string | null {
  const isText = bytes.every((byte, at) => (at % width === offset ? byte < 0x80 : byte === 0));
  if (!isText || bytes.length % width !== 0) return null;
  return decodeUtf8(bytes.filter((_, at) => at % width === offset));
}

/** A loop: the expression for it takes as long as the square of how many there are when something follows them. */
function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '=') end -= 1;
  return text.slice(0, end);
}

function decodeText(text: string): Uint8Array {
  const compact = text.length > 3 * BITCOIN_MAX_BYTES ? '' : text.replace(/\s+/g, '');
  try {
    if (/^[0-9a-fA-F]+$/.test(compact)) return decodeHex(compact);
    const letters = withoutPadding(compact).replaceAll('-', '+').replaceAll('_', '/');
    return base64nopad.decode(letters);
  } catch {
    throw refusal('PSBT_MALFORMED', 'this is neither base64 nor hex');
  }
}
