// Control characters, bidirectional overrides and invisible format characters: with them, text from a server or a
// file could move the cursor, recolour a warning or turn an address around.
// U+FE0F, which makes a picture of the character before it, is none of them.
const UNSAFE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;
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
