import { plainWidth } from './fold-lines.js';

/** Columns as wide as their longest cell, two spaces apart; no line ends in spaces. Colours take no room. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, plainWidth(cell))));
  const padded = (cell: string, i: number) => cell + ' '.repeat(widths[i]! - plainWidth(cell));
  return rows.map((row) => `${indent}${row.map(padded).join('  ')}`.trimEnd()).join('\n');
}
