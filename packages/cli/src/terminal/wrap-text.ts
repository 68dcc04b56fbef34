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
  for (const word of text.split(' ')) {
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
  lines.push(line);
  return lines;
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
