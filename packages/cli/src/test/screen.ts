import { textWidth } from '../terminal/wrap-text.js';

/** What a terminal shows in the end, with all that scrolled away at its top. */
export interface Screen {
  /** As they are copied from it: a line that the terminal broke is one. */
  readonly lines: readonly string[];
  /** Lines that the terminal had to break, because nobody broke them before, with the word that it broke. */
  readonly broken: readonly string[];
}

interface Row {
  /** One character each; a wide one is followed by an empty cell. */
  readonly cells: string[];
  /** Whether the terminal went on in the next row by itself. */
  isFull: boolean;
}

const SEQUENCE = /\u001b\[([0-9;?]*)([A-Za-z])|\u001b[78]|\r|\n|\u0008|[^\u001b]/gu;

/**
 * Draws what a program sent to a terminal of so many columns, as a VT100 would. @throws TypeError for a sequence that is not
 * known here: then nobody knows what a person sees.
 */
export function drawScreen(sent: string, columns: number): Screen {
  const rows: Row[] = [{ cells: [], isFull: false }];
  let [row, column] = [0, 0];
  const rowAt = (at: number): Row => {
    while (rows.length <= at) rows.push({ cells: [], isFull: false });
    return rows[at]!;
  };

  const put = (character: string): void => {
    const width = textWidth(character);
    if (column + width > columns) {
      rowAt(row).isFull = true;
      [row, column] = [row + 1, 0];
    }
    const { cells } = rowAt(row);
    while (cells.length < column) cells.push(' ');
    if (width === 0) cells[column - 1] += character;
    else cells.splice(column, width, character, ...Array.from({ length: width - 1 }, () => ''));
    column += width;
  };

  const erase = (final: string, how: number): void => {
    const current = rowAt(row);
    if (how === 0) current.cells.length = Math.min(current.cells.length, column);
    else if (how === 2 && final === 'K') current.cells.length = 0;
    else throw new TypeError(`nobody has told this terminal how to erase ${how}${final}`);
    current.isFull = false;
    if (final === 'J') rows.length = row + 1;
  };

  const move = (final: string, given: string): void => {
    const count = Number(given === '' ? 1 : given);
    if (final === 'A') row = Math.max(0, row - count);
    else if (final === 'B') row += count;
    else if (final === 'C') column = Math.min(columns - 1, column + count);
    else if (final === 'D') column = Math.max(0, column - count);
    else if (final === 'G') column = count - 1;
    else if (final === 'J' || final === 'K') erase(final, Number(given === '' ? 0 : given));
    // Colours, and whether the cursor is seen.
    else if (!['m', 'h', 'l'].includes(final))
      throw new TypeError(`unknown sequence: ESC [ ${given}${final}`);
    rowAt(row);
  };

  let read = 0;
  for (const [text, given, final] of sent.matchAll(SEQUENCE)) {
    read += text.length;
    if (final !== undefined) move(final, given!);
    else if (text === '\r') column = 0;
    else if (text === '\n') rowAt(++row);
    else if (text === '\u0008') column = Math.max(0, column - 1);
    else put(text);
  }
  if (read !== sent.length) throw new TypeError('what was sent to the terminal holds half a sequence');
  return { lines: joined(rows), broken: brokenWords(rows, columns) };
}

function joined(rows: readonly Row[]): readonly string[] {
  const text = rows.map(({ cells, isFull }) => `${cells.join('')}${isFull ? '' : '\n'}`).join('');
  return text.split('\n').slice(0, -1);
}

/** A word that is longer than a line cannot but be broken. */
function brokenWords(rows: readonly Row[], columns: number): readonly string[] {
  return rows.flatMap(({ isFull, cells }, at) => {
    const before = /\S*$/.exec(cells.join(''))![0];
    const after = /^\S*/.exec(rows[at + 1]?.cells.join('') ?? '')![0];
    const isWord = before !== '' && after !== '' && textWidth(before + after) <= columns;
    return isFull && isWord ? [`${before}/${after}`] : [];
  });
}
