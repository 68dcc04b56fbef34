import type { Terminal } from './terminal.js';
import { wrapText } from './wrap-text.js';

const COLUMNS = 4;
const WARNING = 'Write these 24 words down, on paper, in order. Whoever has these words can use your keys.';
const LEFT_BEHIND = 'They stay in this window until you clear it, with what scrolls back, or close it.';

/**
 * Shows backup words on the person's own terminal and nowhere else: not on stdout, not on stderr, not in a file.
 * False when stderr is no terminal (then nobody is looking) or there is none at all.
 * @param warning what they are, and who can do what with them
 */
export function showWords(terminal: Terminal, words: string, warning = WARNING): boolean {
  if (!process.stderr.isTTY) return false;
  const told = wrapText(warning, terminal.columns, '  ');
  const after = wrapText(LEFT_BEHIND, terminal.columns, '  ');
  return terminal.secretLines(`\n${told}\n\n${inColumns(words.split(' '))}\n\n${after}\n\n`);
}

/** Numbered, in columns read downwards. */
export function inColumns(words: readonly string[]): string {
  const rows = Math.ceil(words.length / COLUMNS);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => {
      const index = column * rows + row;
      const word = words[index];
      return word === undefined ? '' : `  ${String(index + 1).padStart(2)} ${word.padEnd(9)}`;
    }).join(''),
  ).join('\n');
}
