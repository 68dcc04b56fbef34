import { encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { Description, DescriptionRow } from '@ckm/requests';
import type { ShownRequest } from '../context.js';

const MOST_ROWS = 64;
const MOST_ROW_BYTES = 16_384;
/** Totals and conditions stand at the end of a table, behind a list that may be long. */
const LAST_ROWS = 8;

/** What is kept of a description: its first and its last rows, as many as there is room for, and every warning. */
export function shownOf({ rows, warnings, blind }: Description): ShownRequest {
  let room = MOST_ROW_BYTES;
  const fits = (row: DescriptionRow): boolean => {
    const bytes = bytesOfRow(row);
    if (bytes > room) return false;
    room -= bytes;
    return true;
  };
  const tail = takeWhile(rows.slice(-LAST_ROWS).toReversed(), fits).toReversed();
  const before = rows.slice(0, rows.length - tail.length);
  const head = takeWhile(before.slice(0, MOST_ROWS - tail.length), fits);
  const rowsLeftOut = before.length - head.length;
  const gap =
    rowsLeftOut === 0
      ? []
      : [{ label: '…', value: `and ${rowsLeftOut} more ${rowsLeftOut === 1 ? 'row' : 'rows'}` }];
  return { rows: [...head, ...gap, ...tail], rowsLeftOut, warnings, blind };
}

/** What it adds to a sealed record. */
export function bytesOfShown({ rows, warnings, ...rest }: ShownRequest): number {
  const plain = { rows: rows.map((row) => ({ ...row })), warnings: warnings.map((each) => ({ ...each })) };
  return encodeData({ ...rest, ...plain }).length;
}

function takeWhile<T>(items: readonly T[], fits: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !fits(item));
  return items.slice(0, end === -1 ? undefined : end);
}

function bytesOfRow({ label, value, note = '' }: DescriptionRow): number {
  return encodeUtf8(`${label}${value}${note}`).length;
}
