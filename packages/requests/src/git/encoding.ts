import { readUtf8, textReader } from '@ckm/foundation';
import { refusal } from '../errors.js';
import { charactersIn, ENCODING_TABLES, type EncodingTable, type PairTable } from './encoding-tables.js';

/** How the text of a git object is written. */
export interface GitEncoding {
  readonly name: string;
  /** False: the object names none, and it is no UTF-8. */
  readonly isCertain: boolean;
  /** The first text of the object that would say something else as UTF-8, read so; null: there is none. */
  readonly asUtf8: string | null;
}

/** What people read of a git object, in the order in which it was given. */
export interface GitTexts {
  readonly texts: readonly string[];
  readonly encoding: GitEncoding;
}

type Decode = (bytes: Uint8Array) => string;
type Read = (bytes: Uint8Array) => string | null;

const LATIN1 = 'ISO-8859-1';
/** 0x80 to 0x9f of windows-1252, which is ISO-8859-1 elsewhere. Some versions of Node read these as ISO-8859-1. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Bytes that become characters in one call. */
const CHUNK = 8192;

/** Each byte as the character of that number. */
export function readLatin1(bytes: Uint8Array): string {
  return readUnits(bytes);
}

function readUnits(units: Uint8Array | Uint16Array): string {
  let text = '';
  for (let at = 0; at < units.length; at += CHUNK)
    text += Reflect.apply(String.fromCharCode, null, units.subarray(at, at + CHUNK));
  return text;
}

/** What {@link readLatin1} made of some bytes, as bytes again. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function readWindows1252(bytes: Uint8Array): string {
  const units = Uint16Array.from(bytes);
  for (const [at, byte] of bytes.entries()) {
    if (byte >= 0x80 && byte < 0xa0) units[at] = WINDOWS_1252.charCodeAt(byte - 0x80);
  }
  if (units.some((unit) => unit >= 0x80 && unit < 0xa0)) throw notWrittenInIt();
  return readUnits(units);
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

const READERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ...['UTF-8', 'UTF8'].map((name) => [name, readAsUtf8] as const),
  ...['ASCII', 'US-ASCII'].map((name) => [name, readAscii] as const),
  // `latin-1` is no name of iconv's, but git knows it.
  ...['ISO-8859-1', 'ISO8859-1', 'ISO88591', 'LATIN1', 'LATIN-1', 'L1'].map(
    (name) => [name, readLatin1] as const,
  ),
  ...['CP1252', 'WINDOWS-1252'].map((name) => [name, readWindows1252] as const),
  ...ENCODING_TABLES.flatMap((table) => table.names.map((name) => [name, readerOf(table)] as const)),
]);

/** @throws (when it reads) EncodingError `GIT_ENCODING_UNSUPPORTED` */
function readerOf({ label, except, pairs }: EncodingTable): Decode {
  // Made when they are first asked for: most are never.
  let read: Read | null | undefined;
  let isWritten: ((bytes: Uint8Array) => boolean) | undefined;
  return (bytes) => {
    read ??= textReader(label);
    if (read === null) throw unknownEncoding();
    if (pairs !== undefined) isWritten ??= pairChecker(pairs);
    const text = isWritten?.(bytes) === false ? null : read(bytes);
    if (text === null || except?.test(text) === true) throw notWrittenInIt();
    return text;
  };
}

/** Whether bytes are nothing but the characters of a table. */
function pairChecker(pairs: PairTable): (bytes: Uint8Array) => boolean {
  const isCharacter = new Uint8Array(0x10000);
  for (const character of charactersIn(pairs)) isCharacter[character] = 1;
  return (bytes) => {
    for (let at = 0; at < bytes.length; at++) {
      if (isCharacter[bytes[at]!] === 1) continue;
      if (isCharacter[bytes[at]! * 256 + (bytes[++at] ?? 0)] !== 1) return false;
    }
    return true;
  };
}

function unknownEncoding() {
  return refusal('GIT_ENCODING_UNSUPPORTED', 'the git object is in an encoding that is not known here');
}

function notWrittenInIt() {
  return refusal(
    'GIT_ENCODING_UNSUPPORTED',
    'the git object is not written in the encoding that it names, or git reads it otherwise',
  );
}

/**
 * Texts of an object that names no encoding: UTF-8. What is not is read as ISO-8859-1, where every byte is a character, so that
 * nothing in it stays hidden.
 */
export function readTexts(parts: readonly Uint8Array[]): GitTexts {
  const texts = parts.map(readUtf8);
  if (texts.every((text) => text !== null))
    return { texts, encoding: { name: 'UTF-8', isCertain: true, asUtf8: null } };
  return { texts: parts.map(readLatin1), encoding: { name: LATIN1, isCertain: false, asUtf8: null } };
}

/**
 * Texts of an object in the encoding that it names.
 * @param headers all of them: where any byte is none of the encoding, git shows the whole object as it is
 * @throws EncodingError `GIT_ENCODING_UNSUPPORTED`
 */
export function readNamedTexts(name: string, parts: readonly Uint8Array[], headers: Uint8Array): GitTexts {
  const decode = READERS.get(name.toUpperCase());
  if (decode === undefined) throw unknownEncoding();
  if (decode !== readAsUtf8) decode(headers);
  const texts = parts.map(decode);
  const asUtf8 = parts.map(readUtf8).find((text, at) => text !== null && text !== texts[at]) ?? null;
  return { texts, encoding: { name, isCertain: true, asUtf8 } };
}
