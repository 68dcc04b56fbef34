import { encodeHex, encodeUtf8, isShowable, replaceUnshowable } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';

/** Scripts written from right to left: shown between isolates, or they would reorder the words around them. */
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}]/u;
const FIRST_STRONG_ISOLATE = '\u2068';
const POP_ISOLATE = '\u2069';

function escapeCodePoint(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/**
 * Makes any text safe to show on one line: nothing in it can hide, reorder, or end the quotation it stands in.
 * Unassigned letters pass: which they are depends on the age of the machine, and a sentence should not.
 */
export function escapeText(text: string): string {
  const safe = replaceUnshowable(text.replaceAll(/[\\“”"]/g, String.raw`\$&`), escapeCodePoint);
  return RIGHT_TO_LEFT.test(safe) ? FIRST_STRONG_ISOLATE + safe + POP_ISOLATE : safe;
}

/** True when a text can be read as it is, line breaks and tabs allowed. */
export function isReadable(text: string): boolean {
  return isShowable(text.replace(/[\n\t]|\r\n/g, ' '));
}

/**
 * `“text”`, escaped and at most `limit` characters of it; a longer one ends in its full length and digest, so that
 * two texts never look alike.
 */
export function quoteText(text: string, limit = 120): string {
  const first = firstCharacters(text, limit);
  let keep = first.length;
  let shown = escapeText(first.join(''));
  while (shown.length > 3 * limit && keep > 8) {
    keep >>= 1;
    shown = escapeText(first.slice(0, keep).join(''));
  }
  const count = countCharacters(text);
  if (keep === count) return `“${shown}”`;
  return `“${shown}”… (${plural(count, 'character')}, ${describeDigest(encodeUtf8(text))})`;
}

function firstCharacters(text: string, most: number): readonly string[] {
  const characters: string[] = [];
  for (const character of text) {
    if (characters.length === most) break;
    characters.push(character);
  }
  return characters;
}

/** Without making a string of each: a text may have a million. */
function countCharacters(text: string): number {
  let pairs = 0;
  for (let at = 1; at < text.length; at++) {
    const isLow = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
    if (isLow && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) pairs++;
  }
  return text.length - pairs;
}

/** `SHA-256 0123 4567 …` of some bytes: all 64 digits, in groups of four. */
export function describeDigest(bytes: Uint8Array): string {
  return `SHA-256 ${groupsOfFour(encodeHex(sha256(bytes)))}`;
}

/** Splits a long word so that a person can compare it. */
export function groupsOfFour(word: string): string {
  return word.replace(/(.{4})(?=.)/g, '$1 ');
}

/** `1,234,567`: the same on every machine, whatever its locale. */
export function groupDigits(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 byte`, `2 bytes`. */
export function plural(count: number, singular: string, several = `${singular}s`): string {
  return `${groupDigits(count)} ${count === 1 ? singular : several}`;
}
