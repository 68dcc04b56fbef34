import { escapeText, plural } from './quote.js';

/** Letters, digits and what joins them: nothing in such a name can pass for the words of our own sentence. */
const BARE = /^[\p{L}\p{M}\p{N}_.+~@-]+$/u;
const LONGEST = 64;
const KEPT_AT_THE_END = 16;

/**
 * A file's name as a sentence shows it: bare where it cannot be mistaken, else quoted, with everything escaped that could hide or
 * reorder. Of a long one the middle is left out, so that its ending is seen; what tells two files apart is their digest.
 */
export function bareFileName(name: string): string {
  const characters = Array.from(name);
  if (characters.length > LONGEST) {
    const first = characters.slice(0, LONGEST - KEPT_AT_THE_END).join('');
    return `“${escapeText(first)}…${escapeText(characters.slice(-KEPT_AT_THE_END).join(''))}”`;
  }
  return BARE.test(name) ? escapeText(name) : `“${escapeText(name)}”`;
}

/** As a person says it, in thousands: `812 bytes`, `38 KB`, `1.0 MB`. */
export function roundedSize(bytes: number): string {
  if (bytes < 1_000) return plural(bytes, 'byte');
  const thousands = Math.round(bytes / 1_000);
  return thousands < 1_000 ? `${thousands} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** To the byte: `812 bytes`, `38 KB (38,112 bytes)`. */
export function exactSize(bytes: number): string {
  const exact = plural(bytes, 'byte');
  return bytes < 1_000 ? exact : `${roundedSize(bytes)} (${exact})`;
}
