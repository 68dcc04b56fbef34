import { concatBytes, encodeUtf8, equalBytes } from '@ckm/foundation';
import type { Description } from '@ckm/requests';
import { sha256 } from '@noble/hashes/sha2.js';
import type { ClientContext } from '../context/context.js';
import type { KeyRecord } from './key-record.js';
import { loadKeyRecord, saveKeyRecord } from './keys.js';

/** Of each payee of a key so many bytes of a hash are remembered, and of so many payees, the latest. */
const MARK_BYTES = 16;
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

/**
 * Remembers who was paid. A key that was renamed or forgotten meanwhile is left alone.
 * @param key the record of the key that signed
 */
export async function notePayees(
  { store }: ClientContext,
  { name, certificate }: KeyRecord,
  { rows }: Description,
): Promise<void> {
  const payees = rows.flatMap(({ payee }) => (payee === undefined ? [] : [markOf(payee)]));
  if (payees.length === 0) return;
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, name).catch(() => null);
    if (record === null || !equalBytes(record.certificate, certificate)) return;
    const before = marksIn(record.paid ?? new Uint8Array()).filter((mark) => !isIn(payees, mark));
    const after = [...before, ...payees].slice(-MOST_PAYEES);
    await saveKeyRecord(store, { ...record, paid: concatBytes(...after) });
  });
}

function markOf(payee: string): Uint8Array {
  return sha256(encodeUtf8(payee)).subarray(0, MARK_BYTES);
}

function isIn(marks: readonly Uint8Array[], wanted: Uint8Array): boolean {
  return marks.some((mark) => equalBytes(mark, wanted));
}

function marksIn(paid: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(paid.length / MARK_BYTES) }, (_, at) =>
    paid.subarray(at * MARK_BYTES, (at + 1) * MARK_BYTES),
  );
}
