import {
  canonicalizeByteword,
  decodeBytewords,
  encodeBytewords,
} from '@blockchaincommons/uniform-resources/bytewords';
import { EncodingError } from '@ckm/foundation';
import { type Cbor, cbor, decodeCanonical, encodeCanonical, MAJOR, taggedValue } from './dcbor.js';
import { shareFacts } from './sskr.js';
import { TAG } from './tags.js';
import { formatUr, parseUr } from './ur.js';

/** What a share is called today, and was until 2022. */
const TYPES = ['sskr', 'crypto-sskr'];
const TAGS: readonly unknown[] = [TAG.sskrShare, TAG.sskrShareV1];
/** The words of those two tags: every share begins with one of them. */
const BEGINNINGS = ['tuna next keep', 'tuna acid epic'];
/** Of the longest share, of a secret of 32 bytes: tag, header, identifier, indices, secret and checksum. */
const MOST_WORDS = 46;
const LIMITS = { maxBytes: 64, maxDepth: 3 };

/**
 * A share as `ur:sskr/…`, for programs.
 * Secrecy: as the share itself, here and below. Source: BCR-2020-011.
 */
export function shareToUr(share: Uint8Array): string {
  return formatUr({ type: 'sskr', cbor: encodeCanonical(cbor(share)) });
}

/** A share as bytewords, for people: 46 words of four letters for a secret of 32 bytes, the last four a checksum. Source: BCR-2020-012. */
export function shareToWords(share: Uint8Array): string {
  return encodeBytewords(encodeCanonical(taggedValue(TAG.sskrShare, cbor(share))), 'standard');
}

/** Whether a text holds a share, or something that was one: its words, or its UR. */
export function isShareText(text: string): boolean {
  if (/ur:(?:crypto-)?sskr\//i.test(text)) return true;
  const words = wordsIn(text);
  // Owner seeds are of 24 words, some of which are bytewords too.
  return words.length > 24 && BEGINNINGS.includes(words.slice(0, 3).map(wholeWord).join(' '));
}

/**
 * The shares in a text: every `ur:sskr/…` of it (`ur:crypto-sskr/…` as older programs write it); else one share as bytewords, whole or
 * cut to their first and last letters. Capitals and line breaks do not matter, nor do numbers before the words, in whatever order.
 * @throws EncodingError `SSKR_SHARE_UNREADABLE`; it quotes nothing of the text
 */
export function sharesInText(text: string): readonly Uint8Array[] {
  const urs = text.match(/ur:(?:crypto-)?sskr\/[a-z]*/gi);
  return urs === null ? [shareFromWords(text)] : urs.map(shareFromUr);
}

function shareFromUr(text: string): Uint8Array {
  return reading(() => {
    const { type, cbor: bytes } = parseUr(text.toLowerCase(), undefined, LIMITS);
    return TYPES.includes(type) ? shareIn(decodeCanonical(bytes, LIMITS)) : null;
  });
}

function shareFromWords(text: string): Uint8Array {
  const words = wordsIn(text);
  const unknown = words.findIndex((word) => canonicalizeByteword(word) === undefined);
  if (words.length > MOST_WORDS) throw unreadable(`it has ${words.length} words, more than any share`);
  if (unknown !== -1) throw unreadable(`word ${unknown + 1} is not on the list`);
  return reading(() => {
    const bytes = decodeBytewords(words.map(wholeWord).join(' '), 'standard');
    return shareIn(decodeCanonical(bytes, LIMITS));
  });
}

/** The bytes of a share, in its tag or without. */
function shareIn(item: Cbor): Uint8Array | null {
  const inner = item.type === MAJOR.tag && TAGS.includes(item.tag) ? item.value : item;
  return inner.type === MAJOR.bytes ? inner.value : null;
}

/** Words in the order of their numbers, where each has one; numbers and signs left out. */
function wordsIn(text: string): readonly string[] {
  const parts = text.toLowerCase().match(/[a-z]+|[0-9]+/g) ?? [];
  const words = parts.filter((part) => /[a-z]/.test(part));
  const numbered = words.map((_, i) => Number(parts[2 * i]));
  const isNumbered =
    parts.length === 2 * words.length &&
    numbered.toSorted((a, b) => a - b).every((number, i) => number === i + 1);
  if (!isNumbered) return words;
  return words.map((_, i) => parts[2 * numbered.indexOf(i + 1) + 1]!);
}

function wholeWord(word: string): string {
  return canonicalizeByteword(word) ?? word;
}

function reading(read: () => Uint8Array | null): Uint8Array {
  let share: Uint8Array | null = null;
  try {
    share = read();
    if (share !== null) shareFacts(share);
  } catch {
    // Without a cause, which could quote the share.
    throw unreadable('its checksum does not match, or it is cut');
  }
  if (share === null) throw unreadable('it holds something else');
  return share;
}

function unreadable(why: string): EncodingError {
  return new EncodingError(`this is not a share of a seed: ${why}`, {
    code: 'SSKR_SHARE_UNREADABLE',
    hint: 'copy the whole of it again: ur:sskr/ to its end, or all of its words in their order',
  });
}
