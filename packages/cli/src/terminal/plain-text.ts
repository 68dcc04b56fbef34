// Control characters, bidirectional overrides and invisible format characters: with them, text from a server or a
// file could move the cursor, recolour a warning or turn an address around.
// U+FE0F, which makes a picture of the character before it, is none of them.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
// More marks on one letter than any script needs would be drawn over the lines around it.
const MARKS = /(\p{M}{4})\p{M}+/gu;

/** Text that came from elsewhere, safe to show on a terminal as part of one line. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, '\u{fffd}').replace(MARKS, '$1\u{fffd}');
}

/** The same for text of several lines: line breaks stay. */
export function plainLines(text: string): string {
  return text.split(/\r?\n/).map(plainText).join('\n');
}
