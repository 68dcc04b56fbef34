import { encodeHex } from '@ckm/foundation';
import { sql } from 'kysely';
import { rowExists } from '../codes.js';
import { type Queries, toColumns } from '../database.js';
import type { Rows, TableName } from '../rows.js';

/** What every reader of tables needs. */
export interface Reading {
  readonly kind: 'sqlite' | 'postgres';
  readonly queries: Queries;
  readonly instance: () => Uint8Array;
}

/** A transaction under way. `usage` collects, for each owner, by how many sealed bytes it grows. */
export interface Writing extends Reading {
  readonly usage: Map<string, { readonly owner: Uint8Array; bytes: number }>;
}

export function addUsage(writing: Writing, owner: Uint8Array, bytes: number): void {
  const name = encodeHex(owner);
  const entry = writing.usage.get(name);
  if (entry === undefined) writing.usage.set(name, { owner, bytes });
  else entry.bytes += bytes;
}

/** Writes what {@link addUsage} collected; the last statement of a transaction. */
export async function storeUsage({ queries, usage }: Writing): Promise<void> {
  for (const { owner, bytes } of usage.values()) {
    if (bytes === 0) continue;
    await queries
      .insertInto('usage')
      .values({ owner, bytes })
      .onConflict((conflict) => conflict.column('owner').doUpdateSet({ bytes: sql`usage.bytes + ${bytes}` }))
      .execute();
  }
}

/** Inserts unless the primary key is taken; tells which. Unlike a failed insert this leaves a transaction usable. */
export async function insertNew<T extends TableName>(
  { queries }: Writing,
  table: T,
  row: Rows[T],
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await queries
    .insertInto(table)
    .values(toColumns(table, row) as never)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** @throws StateError `ROW_EXISTS`. */
export async function insertRow<T extends TableName>(
  writing: Writing,
  table: T,
  row: Rows[T],
): Promise<void> {
  if (!(await insertNew(writing, table, row))) throw rowExists(table);
  const { owner, sealed } = row as { owner?: Uint8Array; sealed: Uint8Array };
  if (owner !== undefined && COUNTED.has(table)) addUsage(writing, owner, sealed.length);
}

/** The tables whose bytes count against an owner's quota. */
const COUNTED: ReadonlySet<TableName> = new Set<TableName>([
  'sessions',
  'session_packets',
  'session_evidence',
  'keys',
  'requests',
  'attempts',
]);
