import type { Description } from '@ckm/requests';
import { formatTable } from './table.js';
import type { Terminal } from './terminal.js';

/** What is signed, before anything else: the sentence, the table under it, and what should make one hesitate. */
export function formatDescription(
  terminal: Terminal,
  { sentence, rows, warnings, blind }: Description,
): string {
  const table = formatTable(
    rows.map(({ label, value, note }) => [label, value, note ?? '']),
    '  ',
  );
  const doubts = warnings.map(({ text }) => `  ${terminal.style('yellow', '!')} ${text}`);
  const darkness = blind
    ? [`  ${terminal.style('red', '!')} this content cannot be described: blind signing`]
    : [];
  return [
    '',
    `  ${terminal.style('bold', sentence)}`,
    '',
    ...(table === '' ? [] : [table]),
    ...doubts,
    ...darkness,
    '',
  ].join('\n');
}
