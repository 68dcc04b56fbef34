import { concatBytes } from '@ckm/foundation';
import type { Description } from '@ckm/requests';
import type { KeyRecord } from './key-record.js';
import { isIn, markOf, marksIn } from '../store/marks.js';

/** Of so many payees of a key, the latest are remembered. */
const MOST_PAYEES = 512;
const FIRST_TIME = 'first payment to this address from here';

/** Says beside whoever was never paid with a key here before that it is so. */
export function markNewPayees(
  description: Description,
  { paid = new Uint8Array() }: Pick<KeyRecord, 'paid'>,
): Description {
  const known = marksIn(paid);
  const rows = description.rows.map((row) => {
    if (row.payee === undefined || isIn(known, markOf(row.payee))) return row;
    return { ...row, note: row.note === undefined ? FIRST_TIME : `${row.note} · ${FIRST_TIME}` };
  });
  return { ...description, rows };
}

/** The record with whoever gets something by what was signed. */
export function withPayees(record: KeyRecord, { rows }: Description): KeyRecord {
  const payees = rows.flatMap(({ payee }) => (payee === undefined ? [] : [markOf(payee)]));
  if (payees.length === 0) return record;
  const before = marksIn(record.paid ?? new Uint8Array()).filter((mark) => !isIn(payees, mark));
  return { ...record, paid: concatBytes(...[...before, ...payees].slice(-MOST_PAYEES)) };
}
