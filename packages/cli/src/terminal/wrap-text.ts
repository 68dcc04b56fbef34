/** Where nobody says how wide a line is. */
const USUAL_COLUMNS = 80;
const FEWEST_COLUMNS = 40;
/** No line is made longer than a person reads at once, however wide the window is. */
const MOST_COLUMNS = 120;

/** Letters that take two columns: of China, Japan and Korea, and pictures. Source: UAX #11 (Wide, Fullwidth). */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const NO_WIDTH = /\p{M}|\p{Default_Ignorable_Code_Point}/u;

/** Columns a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** What is one word though a space stands in it: a time or a size with its unit, and how far away something is. */
const WHOLE = /\((?:in )?\d+ (?:s|min|h|d)(?: ago)?\)|\d (?:ms|s|min|h|d|[KMG]i?B)(?![\p{L}\p{N}])/gu;
const NO_BREAK = '\u00a0';

/** A line with no-break spaces in what is not to be broken: `24 h`, `(in 7 d)`. */
export function boundText(line: string): string {
  return line.replace(WHOLE, (found) => found.replaceAll(' ', NO_BREAK));
}

/** The same as it is shown. */
export function unboundText(line: string): string {
  return line.replaceAll(NO_BREAK, ' ');
}

/** How long a line may be on a terminal that wide. */
export function readableColumns(columns: number | undefined): number {
  if (columns === undefined || columns <= 0) return USUAL_COLUMNS;
  return Math.min(Math.max(columns, FEWEST_COLUMNS), MOST_COLUMNS);
}

/**
 * Text in lines of at most so many columns, between words where there are any.
 * @param indent in front of every line
 */
export function wrapText(text: string, columns: number | undefined, indent = ''): string {
  return wrapLines(text, readableColumns(columns) - indent.length)
    .map((line) => `${indent}${line}`)
    .join('\n');
}

/** The same as lines, of at most `room` columns each. A word that is longer than a line is cut. */
export function wrapLines(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of boundText(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer) <= room) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = cut(word, room);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1)!;
  }
  return [...lines, line].map(unboundText);
}

function cut(word: string, room: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let width = 0;
  for (const character of word) {
    const more = characterWidth(character);
    if (width + more > room) {
      pieces.push(piece);
      piece = '';
      width = 0;
    }
    piece += character;
    width += more;
  }
  return [...pieces, piece];
}

function characterWidth(character: string): number {
  if (WIDE.test(character)) return 2;
  return NO_WIDTH.test(character) ? 0 : 1;
}
