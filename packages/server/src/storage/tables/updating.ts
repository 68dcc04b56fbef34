import { type Compilable, sql } from 'kysely';
import { rowChanged } from '../codes.js';
import { columnName, columnsOf, PRIMARY_KEYS, type Queries, toColumns } from '../database.js';
import type { Rows } from '../rows.js';
import { prepared } from './prepared.js';
import { addUsage, COUNTED, SEALED_LENGTH, type Writing } from './writing.js';

/** The tables whose rows have a version: whoever changes a row says which version he had read. */
type VersionedTable = {
  [T in keyof Rows]: Rows[T] extends { readonly version: number } ? T : never;
}[keyof Rows];

type Statement<R> = (
  writing: Writing,
  ...values: readonly unknown[]
) => Promise<{ readonly rows: readonly R[]; readonly changed: number }>;

/**
 * Writes a row over the one whose version is one less, and counts what its owner occupies from then on.
 * @throws StateError `ROW_CHANGED` when that version is not there any more, or never was
 */
export async function updateRow<T extends VersionedTable>(
  writing: Writing,
  table: T,
  row: Rows[T],
): Promise<void> {
  const columns = toColumns(table, row) as Record<string, unknown>;
  const key = PRIMARY_KEYS[table].map((property) => columns[columnName(property)]);
  const before = COUNTED.has(table) ? (await lengthOf(table)(writing, ...key)).rows[0] : undefined;
  const { changed } = await updateOf(table)(writing, ...Object.values(columns), row.version - 1);
  if (changed !== 1) throw rowChanged(table);
  if (before !== undefined && 'owner' in row) addUsage(writing, row.owner, row.sealed.length - before.bytes);
}

const lengths = new Map<VersionedTable, Statement<{ readonly bytes: number }>>();
const updates = new Map<VersionedTable, Statement<unknown>>();

/** How long the sealed part of a row is; its values are the primary key. */
function lengthOf(table: VersionedTable): Statement<{ readonly bytes: number }> {
  const known = lengths.get(table);
  if (known !== undefined) return known;
  const names = PRIMARY_KEYS[table].map(columnName);
  const build = (queries: Queries, ...key: readonly unknown[]): Compilable<{ bytes: number }> =>
    queries
      .selectFrom(table)
      .select(SEALED_LENGTH)
      .where(
        sql<boolean>`${sql.join(
          names.map((name, at) => equals(name, key[at])),
          sql` and `,
        )}`,
      );
  const statement = prepared(build, names.length);
  lengths.set(table, statement);
  return statement;
}

/** The update of a whole row; its values are those of its columns in order, and the version it has now. */
function updateOf(table: VersionedTable): Statement<unknown> {
  const known = updates.get(table);
  if (known !== undefined) return known;
  const columns = columnsOf(table);
  const build = (queries: Queries, ...values: readonly unknown[]): Compilable => {
    const valueOf = (column: string) => values[columns.indexOf(column)];
    const key = PRIMARY_KEYS[table].map(columnName);
    const conditions = [
      ...key.map((name) => equals(name, valueOf(name))),
      equals('version', values[columns.length]),
    ];
    return queries
      .updateTable(table)
      .set(Object.fromEntries(columns.map((column) => [column, valueOf(column)])) as never)
      .where(sql<boolean>`${sql.join(conditions, sql` and `)}`);
  };
  const statement = prepared(build, columns.length + 1);
  updates.set(table, statement);
  return statement;
}

function equals(column: string, value: unknown) {
  return sql<boolean>`${sql.ref(column)} = ${value}`;
}
