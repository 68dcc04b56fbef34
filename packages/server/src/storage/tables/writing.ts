import { encodeHex } from '@ckm/foundation';
import { type Compilable, sql } from 'kysely';
import { rowExists } from '../codes.js';
import { columnsOf, type Queries, toColumns } from '../database.js';
import { prepared } from './prepared.js';
import type { Reading } from './reading.js';
import type { Rows, TableName } from '../rows.js';
import type { ExpiryCursor } from '../storage.js';

/** A transaction under way. `usage` collects, for each owner, by how many sealed bytes it grows. */
export interface Writing extends Reading {
  readonly usage: Map<string, { readonly owner: Uint8Array; bytes: number }>;
  /** What is to be done once it has committed. */
  readonly committed: (() => void)[];
}

export function addUsage(writing: Writing, owner: Uint8Array, bytes: number): void {
  const name = encodeHex(owner);
  const entry = writing.usage.get(name);
  if (entry === undefined) writing.usage.set(name, { owner, bytes });
  else entry.bytes += bytes;
}

/** What a deletion returns, so that its owner occupies so much less. */
export const SEALED_LENGTH = sql<number>`octet_length(sealed)`.as('bytes');

/** Takes deleted rows off what their owner occupies. */
export function takeUsage(
  writing: Writing,
  owner: Uint8Array,
  removed: readonly { readonly bytes: number }[],
): void {
  for (const { bytes } of removed) addUsage(writing, owner, -bytes);
}

/** Behind a place in the order of expiry, owner and id. */
export function isBehind({ expiresAt, owner, id }: ExpiryCursor, idColumn: 'session_id' | 'request_id') {
  return sql<boolean>`(expires_at, owner, ${sql.ref(idColumn)}) > (${expiresAt}, ${owner}, ${id})`;
}

/** Writes what {@link addUsage} collected; the last statement of a transaction. */
export async function storeUsage(writing: Writing): Promise<void> {
  for (const { owner, bytes } of writing.usage.values()) {
    if (bytes !== 0) await addToUsage(writing, owner, bytes);
  }
}

const addToUsage = prepared((queries, owner: Uint8Array, bytes: number) =>
  queries
    .insertInto('usage')
    .values({ owner, bytes })
    .onConflict((conflict) =>
      conflict.column('owner').doUpdateSet({ bytes: sql`usage.bytes + excluded.bytes` }),
    ),
);

/** Inserts unless the primary key is taken; tells which. Unlike a failed insert this leaves a transaction usable. */
export async function insertNew<T extends TableName>(
  writing: Writing,
  table: T,
  row: Rows[T],
): Promise<boolean> {
  const columns = toColumns(table, row) as Record<string, unknown>;
  const { changed } = await insertInto(table)(writing, ...Object.values(columns));
  return changed === 1;
}

type Insert = (writing: Writing, ...values: readonly unknown[]) => Promise<{ readonly changed: number }>;
const inserts = new Map<TableName, Insert>();

/** The insert of a whole row, its values in the order of its columns. */
function insertInto(table: TableName): Insert {
  const known = inserts.get(table);
  if (known !== undefined) return known;
  const columns = columnsOf(table);
  const build = (queries: Queries, ...values: readonly unknown[]): Compilable =>
    queries
      .insertInto(table)
      .values(Object.fromEntries(columns.map((column, at) => [column, values[at]])) as never)
      .onConflict((conflict) => conflict.doNothing());
  const insert = prepared(build, columns.length);
  inserts.set(table, insert);
  return insert;
}

/** @throws StateError `ROW_EXISTS`. */
export async function insertRow<T extends TableName>(
  writing: Writing,
  table: T,
  row: Rows[T],
): Promise<void> {
  if (!(await insertNew(writing, table, row))) throw rowExists(table);
  countUsage(writing, table, row);
}

/** Adds a row that was inserted to what its owner occupies. */
export function countUsage<T extends TableName>(writing: Writing, table: T, row: Rows[T]): void {
  const { owner, sealed } = row as { owner?: Uint8Array; sealed: Uint8Array };
  if (owner !== undefined && COUNTED.has(table)) addUsage(writing, owner, sealed.length);
}

/** The tables whose bytes count against an owner's quota. */
export const COUNTED: ReadonlySet<TableName> = new Set<TableName>([
  'sessions',
  'session_packets',
  'session_evidence',
  'keys',
  'key_epochs',
  'shares',
  'changes',
  'shown_epochs',
  'devices',
  'deposits',
  'terms',
  'totals',
  'key_devices',
  'requests',
  'attempts',
  'matters',
  'matter_payloads',
  'votes',
  'asked_people',
]);
