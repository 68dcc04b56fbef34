/**
 * The one fence between text and people. What stands on a screen must not move the cursor, colour a line, begin another
 * one, turn words around, or hide: a server's answer, a file, a label that somebody chose, an operator's reason.
 *
 * *Showable*: can be shown as it is, as part of one line. *Storable*: showable, and every machine agrees on it; what
 * people type and others keep has to be.
 */

/**
 * Controls, formats (bidirectional overrides and isolates among them), private letters, lone surrogates, noncharacters,
 * letters that show nothing, line and paragraph separators, every space but the ordinary one. U+FE0F is none of them
 * where it makes a picture of the character before it. Source: Unicode 15 §23, UAX #44.
 */
const UNSAFE =
  /(?<!\p{Extended_Pictographic})\ufe0f|(?!\ufe0f)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}/gu;
/** Not yet letters, or never: which they are depends on the age of the machine. */
const UNASSIGNED = /\p{Cn}/u;
/** More marks on one letter than any living script needs: they would be drawn over the lines around it. */
const MARK_FLOOD = /(\p{M}{4})\p{M}+/gu;
const SPACE = /^\p{Zs}$/u;

/** Stands where something was that cannot be shown. */
export const REPLACEMENT = '\u{fffd}';

/** Whether a text can be shown as it is, as part of one line. */
export function isShowable(text: string): boolean {
  return text.search(UNSAFE) === -1 && text.search(MARK_FLOOD) === -1;
}

/** Whether a text that people are to read may be kept: it can be shown, here and on every other machine. */
export function isStorable(text: string): boolean {
  return isShowable(text) && !UNASSIGNED.test(text);
}

/** The text with everything replaced that cannot be shown on one line, character by character as `replace` says. */
export function replaceUnshowable(text: string, replace: (character: string) => string): string {
  return text.replace(UNSAFE, replace).replace(MARK_FLOOD, `$1${REPLACEMENT}`);
}

/** The text as one line that can be shown: another space becomes an ordinary one, anything else unsafe U+FFFD. */
export function toShowable(text: string): string {
  return replaceUnshowable(text, (character) => (SPACE.test(character) ? ' ' : REPLACEMENT));
}

/** The beginning of a text, at most so many UTF-16 units, which never ends in the middle of a letter of two. */
export function beginningOf(text: string, most: number): string {
  const beginning = text.slice(0, most);
  return (beginning.charCodeAt(beginning.length - 1) & 0xfc00) === 0xd800
    ? beginning.slice(0, -1)
    : beginning;
}

/** A moment as logs and lists say it, in UTC: `2026-11-28 21:05:39 UTC`. @param at UnixSeconds */
export function formatMoment(at: number): string {
  return `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** A length of time as exactly as people write it: `1 h`, `90 min`, `10 d`. @param seconds at least 1 */
export function formatSpan(seconds: number): string {
  const [size, name] = UNITS.find(([unit]) => seconds % unit === 0) ?? [1, 's'];
  return `${seconds / size} ${name}`;
}
