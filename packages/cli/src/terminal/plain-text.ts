// Control characters, bidirectional overrides and invisible format characters: with them, text from a server or a
// file could move the cursor, recolour a warning or turn an address around.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** Text that came from elsewhere, safe to show on a terminal as part of one line. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, '\u{fffd}');
}

/** The same for text of several lines: line breaks stay. */
export function plainLines(text: string): string {
  return text.split(/\r?\n/).map(plainText).join('\n');
}
