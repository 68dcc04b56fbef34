import { BugError } from '@ckm/foundation';
import { decodeData, encodeData, type Data } from '@ckm/gordian';
import type { Rows, TableName } from '../storage/storage.js';
import type { Columns, Vault } from './vault.js';

/** A record is trusted as far as its seal is: only this server wrote it. Still no more than this is ever decoded. */
const LIMITS = { maxBytes: 4_194_304, maxDepth: 16 };

/** Version of every record this room writes; a change of layout is a new number and a migration. */
const LAYOUT = 1;

/** A complete row around a record. */
export function sealRecord<T extends TableName>(
  vault: Vault,
  table: T,
  columns: Columns<T>,
  record: object,
): Rows[T] {
  const plaintext = encodeData({ layout: LAYOUT, ...(record as { readonly [field: string]: Data }) });
  try {
    return vault.sealRow(table, columns, plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * The record inside a row. `R` is what {@link sealRecord} was given for this table: the seal, not a schema, vouches
 * for it.
 * @throws StorageError `ROW_TAMPERED`
 */
export function openRecord<R extends object>(vault: Vault, table: TableName, row: Rows[TableName]): R {
  const plaintext = vault.openRow(table, row);
  try {
    const { layout, ...record } = decodeData(plaintext, LIMITS) as { readonly [field: string]: Data };
    if (layout === LAYOUT) return record as unknown as R;
  } finally {
    plaintext.fill(0);
  }
  throw new BugError(`a row of ${table} has a layout of another version`, {
    code: 'RECORD_LAYOUT_UNKNOWN',
    hint: 'run the version of the server that wrote this database, or a later one',
  });
}
