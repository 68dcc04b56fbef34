import { sql } from 'kysely';
import { columnName, columnsOf, fromColumns, PRIMARY_KEYS, toColumns } from '../database.js';
import type { Rows, TableName } from '../rows.js';
import type { Transaction } from '../storage.js';
import type { Writing } from './writing.js';

/** Every table alike: for sealing all that is stored anew, when the storage key changes. */
export function sealedWriter({ queries }: Writing): Transaction['sealed'] {
  const keyOf = (table: TableName, row: Rows[TableName]): readonly unknown[] => {
    const columns = toColumns(table, row) as unknown as Record<string, unknown>;
    return PRIMARY_KEYS[table].map((property) => columns[columnName(property)]);
  };
  return {
    page: async (table, after, limit) => {
      const key = sql.join(PRIMARY_KEYS[table].map((property) => sql.ref(columnName(property))));
      const isSingle = PRIMARY_KEYS[table].length === 0;
      if (isSingle && after !== null) return [];
      const behind = after === null ? sql`` : sql`where (${key}) > (${sql.join(keyOf(table, after))})`;
      const order = isSingle ? sql`` : sql`order by ${key}`;
      const columns = sql.join(columnsOf(table).map((column) => sql.ref(column)));
      const { rows } = await sql<object>`
        select ${columns} from ${sql.table(table)} ${behind} ${order} limit ${limit}`.execute(queries);
      return rows.map((row) => fromColumns(table, row));
    },
    replace: async (table, row, sealed) => {
      const values = keyOf(table, row);
      const conditions = PRIMARY_KEYS[table].map(
        (property, at) => sql`${sql.ref(columnName(property))} = ${values[at]}`,
      );
      const { numAffectedRows = 0n } = await sql`
        update ${sql.table(table)} set sealed = ${sealed}
        where ${sql.join([...conditions, sql`sealed = ${row.sealed}`], sql` and `)}`.execute(queries);
      return numAffectedRows === 1n;
    },
  };
}
