import { plainWidth } from './fold-lines.js';

/**
 * A table under heads, the first of which is about the rows. Where there is no room for it side by side, each cell has a row of its
 * own, behind the head of its column.
 * @param room columns of the terminal; undefined: there is room
 */
export function formatUnderHeads(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  room: number | undefined,
  indent: string,
): string {
  const table = formatTable([heads, ...rows], indent);
  const isRoomy = room === undefined || table.split('\n').every((line) => plainWidth(line) <= room);
  if (isRoomy) return table;
  const cells = rows.flatMap(([, ...row]) => row.map((cell, i) => [heads[i + 1]!, cell]));
  const lines = formatTable(cells, `${indent}    `).split('\n');
  const each = heads.length - 1;
  return rows
    .flatMap(([label], i) => [`${indent}${label!}`, ...lines.slice(i * each, (i + 1) * each)])
    .join('\n');
}

/** Columns as wide as their longest cell, two spaces apart; no line ends in spaces. Colours take no room. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, plainWidth(cell))));
  const padded = (cell: string, i: number) => cell + ' '.repeat(widths[i]! - plainWidth(cell));
  return rows.map((row) => `${indent}${row.map(padded).join('  ')}`.trimEnd()).join('\n');
}
