import { sql } from 'kysely';
import { columnName, COLUMNS, columnsOf, fromColumns, PRIMARY_KEYS, toColumns } from '../database.js';
import type { Rows, TableName } from '../rows.js';
import type { SealedReader, Transaction } from '../storage.js';
import type { Reading } from './reading.js';
import { countUsage, type Writing } from './writing.js';

const ALL: readonly string[] = [...Object.keys(COLUMNS), 'seen_messages', 'usage'];

/** What stands in a row besides its columns: of the head of the log there is one. */
const HIDDEN: { readonly [T in TableName]?: object } = { audit_head: { id: 1 } };

/** Of one statement: what both databases take in one. */
const MOST_VALUES = 5_000;

function keyOf(table: TableName, row: Rows[TableName]): readonly unknown[] {
  const columns = toColumns(table, row) as unknown as Record<string, unknown>;
  return PRIMARY_KEYS[table].map((property) => columns[columnName(property)]);
}

/** Every table alike: for a backup. */
export function sealedReader({ queries }: Reading): SealedReader {
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
  };
}

/** Every table alike: for sealing all that is stored anew, when the storage key changes, and for a restore. */
export function sealedWriter(writing: Writing): Transaction['sealed'] {
  const { queries } = writing;
  return {
    ...sealedReader(writing),
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
    insertAll: async (table, rows) => {
      const most = Math.floor(MOST_VALUES / columnsOf(table).length);
      for (let at = 0; at < rows.length; at += most) {
        const values = rows
          .slice(at, at + most)
          .map((row) => ({ ...toColumns(table, row), ...HIDDEN[table] }));
        await queries
          .insertInto(table)
          .values(values as never)
          .execute();
      }
      for (const row of rows) countUsage(writing, table, row);
    },
    holdAll: async () => {
      // SQLite has one writer, who is this one.
      if (writing.kind === 'sqlite') return;
      await sql`lock table ${sql.join(ALL.map((table) => sql.table(table)))} in exclusive mode`.execute(
        queries,
      );
    },
    removeAll: async () => {
      // What refers to a row comes behind it.
      for (const table of ALL.toReversed()) await sql`delete from ${sql.table(table)}`.execute(queries);
    },
  };
}
