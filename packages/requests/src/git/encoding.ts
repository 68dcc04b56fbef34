import { readUtf8, textReader } from '@ckm/foundation';
import { refusal } from '../errors.js';

/** How the text of a git object is written. */
export interface GitEncoding {
  readonly name: string;
  /** False: the object names none, and it is no UTF-8. */
  readonly isCertain: boolean;
}

/** What people read of a git object, in the order in which it was given. */
export interface GitTexts {
  readonly texts: readonly string[];
  readonly encoding: GitEncoding;
}

type Decode = (bytes: Uint8Array) => string;

const LATIN1 = 'ISO-8859-1';
const ENCODING_NAME = /^[\w.:+-]{1,64}$/;
/** 0x80 to 0x9f of windows-1252, which is ISO-8859-1 elsewhere. Some versions of Node read these as ISO-8859-1. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/**
 * Encodings in which every byte below 0x80 is ASCII, or the second of a character, which there never ends a line or a name:
 * the others could be split otherwise than git splits them. By the names that people give iconv, letters and digits alone.
 * Source: WHATWG Encoding §4.2, whose names are on the right.
 */
const BY_LABEL: ReadonlyMap<string, string> = new Map([
  ...[2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16].map((part) => [`iso8859${part}`, `iso-8859-${part}`] as const),
  ...[1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258].flatMap((page) =>
    ['cp', 'windows'].map((word) => [`${word}${page}`, `windows-${page}`] as const),
  ),
  ['latin2', 'iso-8859-2'],
  ['latin9', 'iso-8859-15'],
  ['koi8r', 'koi8-r'],
  ['koi8u', 'koi8-u'],
  ['cp866', 'ibm866'],
  ['ibm866', 'ibm866'],
  ['macintosh', 'macintosh'],
  ['eucjp', 'euc-jp'],
  ['euckr', 'euc-kr'],
  ['cp949', 'euc-kr'],
  ['euccn', 'gbk'],
  ['gb2312', 'gbk'],
  ['gbk', 'gbk'],
  ['cp936', 'gbk'],
  ['gb18030', 'gb18030'],
  ['big5', 'big5'],
  ['cp950', 'big5'],
  ['shiftjis', 'shift_jis'],
  ['sjis', 'shift_jis'],
  ['cp932', 'shift_jis'],
]);

/** Bytes that become characters in one call. */
const CHUNK = 8192;

/** Each byte as the character of that number. */
export function readLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK)
    text += Reflect.apply(String.fromCharCode, null, bytes.subarray(at, at + CHUNK));
  return text;
}

/** What {@link readLatin1} made of some bytes, as bytes again. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function readWindows1252(bytes: Uint8Array): string {
  return readLatin1(bytes).replace(/[\u0080-\u009f]/g, (one) => WINDOWS_1252[one.charCodeAt(0) - 0x80]!);
}

function readAscii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte >= 0x80)) throw notWrittenInIt();
  return readLatin1(bytes);
}

function readAsUtf8(bytes: Uint8Array): string {
  const text = readUtf8(bytes);
  if (text === null) throw notWrittenInIt();
  return text;
}

const OWN: ReadonlyMap<string, Decode> = new Map([
  ['utf8', readAsUtf8],
  ['ascii', readAscii],
  ['usascii', readAscii],
  ['iso88591', readLatin1],
  ['latin1', readLatin1],
  ['windows1252', readWindows1252],
  ['cp1252', readWindows1252],
]);

/** @throws EncodingError `GIT_ENCODING_UNSUPPORTED` */
function decoderOf(name: string): Decode {
  const label = ENCODING_NAME.test(name) ? name.toLowerCase().replace(/[^a-z0-9]/g, '') : '';
  const own = OWN.get(label);
  if (own !== undefined) return own;
  const known = BY_LABEL.get(label);
  const read = known === undefined ? null : textReader(known);
  if (read === null)
    throw refusal('GIT_ENCODING_UNSUPPORTED', 'the git object is in an encoding that is not known here');
  return (bytes) => {
    const text = read(bytes);
    if (text === null) throw notWrittenInIt();
    return text;
  };
}

function notWrittenInIt() {
  return refusal('GIT_ENCODING_UNSUPPORTED', 'the git object is not written in the encoding that it names');
}

/**
 * Reads texts of one object in the encoding that it names, else as UTF-8. What is neither is read as ISO-8859-1, where every
 * byte is a character, so that nothing in it stays hidden.
 * @param named the value of the header `encoding`; undefined: there is none
 * @throws EncodingError `GIT_ENCODING_UNSUPPORTED`
 */
export function readGitTexts(named: string | undefined, parts: readonly Uint8Array[]): GitTexts {
  if (named !== undefined) {
    const decode = decoderOf(named);
    return { texts: parts.map(decode), encoding: { name: named, isCertain: true } };
  }
  const texts = parts.map(readUtf8);
  if (texts.every((text) => text !== null)) return { texts, encoding: { name: 'UTF-8', isCertain: true } };
  return { texts: parts.map(readLatin1), encoding: { name: LATIN1, isCertain: false } };
}
