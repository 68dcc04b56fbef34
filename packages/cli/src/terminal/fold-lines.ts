import { boundText, textWidth, unboundText } from './wrap-text.js';

const STYLING = /\u001b\[[0-9;]*m/g;
/** Further in than this, what is continued has no room left. */
const DEEPEST = 24;
/** How far what is continued stands behind the line it belongs to. */
const HANG = 4;

/**
 * Breaks lines that are longer than a terminal between words, never within one, so that what is long (a signature, an
 * address) can still be copied. What is continued stands under the second column of a table, where there is one near.
 * @param columns undefined: nothing is broken
 */
export function foldLines(text: string, columns: number | undefined): string {
  if (columns === undefined || columns <= 0) return text;
  return text
    .split('\n')
    .map((line) => (plainWidth(line) <= columns ? line : fold(line, columns)))
    .join('\n');
}

function fold(line: string, columns: number): string {
  const indent = indentOf(line);
  const lines: string[] = [];
  let at = '';
  let isEmpty = true;
  for (const [gap, word] of wordsOf(boundText(line))) {
    const longer = isEmpty ? `${at}${lines.length === 0 ? gap : ''}${word}` : `${at}${gap}${word}`;
    if (isEmpty || plainWidth(longer) <= columns) {
      at = longer;
    } else {
      lines.push(at);
      at = `${' '.repeat(indentFor(word, indent, columns))}${word}`;
    }
    isEmpty = false;
  }
  return unboundText([...lines, at].join('\n'));
}

/** A word that fits into the columns, but not behind the indent, stands further out: six words of a likeness are not broken. */
function indentFor(word: string, indent: number, columns: number): number {
  const room = columns - plainWidth(word);
  return room < 0 ? indent : Math.min(indent, room);
}

/** Each word with the spaces in front of it. */
function wordsOf(line: string): (readonly [gap: string, word: string])[] {
  return [...line.matchAll(/( *)([^ ]+)/g)].map(([, gap, word]) => [gap!, word!] as const);
}

function indentOf(line: string): number {
  const plain = line.replace(STYLING, '');
  const column = /^ *\S+(?: \S+)* {2,}(?=\S)/.exec(plain)?.[0].length ?? DEEPEST + 1;
  const own = plain.length - plain.trimStart().length;
  return column <= DEEPEST ? column : Math.min(own + HANG, DEEPEST);
}

/** Columns of a text whose colours take none. */
export function plainWidth(line: string): number {
  return textWidth(line.replace(STYLING, ''));
}
