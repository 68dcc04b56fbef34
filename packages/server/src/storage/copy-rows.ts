import { equalBytes } from '@ckm/foundation';
import { storageError } from './codes.js';
import { COLUMNS } from './database.js';
import type { MetaRow, Reader, Rows, SeenMessage, TableName, Transaction } from './storage.js';

/** Every table, in an order in which it can be filled: what refers to a row comes behind it. */
const TABLES = Object.keys(COLUMNS) as TableName[];
const PAGE = 100;

/** Rows of `meta` that belong to one database and not to what is in it. */
export type OwnNames = readonly string[];

/** Told after each page how many rows were gone through. */
export type CountRows = (rows: number) => void;

/**
 * Copies every row of one database into another one, which is empty, as it is stored; also messages that were answered.
 * @param own rows of `meta` that stay behind
 * @returns how many rows
 * @throws StorageError `STORAGE_…`
 */
export async function copyRows(
  from: Reader,
  to: Transaction,
  own: OwnNames,
  count: CountRows = () => undefined,
): Promise<number> {
  let copied = 0;
  for (const table of TABLES) {
    for await (const rows of pagesOf(from, table, own)) {
      await to.sealed.insertAll(table, rows);
      count((copied += rows.length));
    }
  }
  for await (const messages of messagesIn(from)) {
    await to.messages.insertAll(messages);
    count((copied += messages.length));
  }
  return copied;
}

/**
 * Compares two databases row by row, column by column.
 * @param own rows of `meta` that are not compared
 * @returns how many rows are the same in both
 * @throws StorageError `STORAGE_COPY_DIFFERS` when any is not
 */
export async function compareRows(
  one: Reader,
  other: Reader,
  own: OwnNames,
  count: CountRows = () => undefined,
): Promise<number> {
  let compared = 0;
  for (const table of TABLES) {
    compared += await compare(pagesOf(one, table, own), pagesOf(other, table, own), table, (rows) =>
      count(compared + rows),
    );
  }
  return compared + (await compare(messagesIn(one), messagesIn(other), 'seen_messages', count));
}

async function compare(
  ones: AsyncIterable<readonly object[]>,
  others: AsyncIterable<readonly object[]>,
  table: string,
  count: CountRows,
): Promise<number> {
  const rest = rowsIn(others);
  let compared = 0;
  for await (const rows of ones) {
    for (const row of rows) {
      const { value } = await rest.next();
      if (value === undefined || !isSame(row, value)) throw differs(table);
    }
    count((compared += rows.length));
  }
  if ((await rest.next()).value !== undefined) throw differs(table);
  return compared;
}

async function* rowsIn(pages: AsyncIterable<readonly object[]>): AsyncGenerator<object, undefined> {
  for await (const rows of pages) yield* rows;
}

function isSame(one: object, other: object): boolean {
  const [values, others] = [Object.entries(one), other as Readonly<Record<string, unknown>>];
  if (values.length !== Object.keys(others).length) return false;
  return values.every(([name, value]) => {
    const against = others[name];
    if (value instanceof Uint8Array) return against instanceof Uint8Array && equalBytes(value, against);
    return value === against;
  });
}

async function* pagesOf(
  { sealed }: Pick<Reader, 'sealed'>,
  table: TableName,
  own: OwnNames,
): AsyncGenerator<readonly Rows[TableName][]> {
  // Two databases sort text each in their own way; there is little of it.
  if (table === 'meta') {
    yield await metaOf({ sealed }, own);
    return;
  }
  for (let after: Rows[TableName] | null = null; ;) {
    const rows: readonly Rows[TableName][] = await sealed.page<TableName>(table, after, PAGE);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

async function metaOf({ sealed }: Pick<Reader, 'sealed'>, own: OwnNames): Promise<readonly MetaRow[]> {
  const rows: MetaRow[] = [];
  for (let page: readonly MetaRow[] | null = null; page === null || page.length === PAGE;) {
    page = await sealed.page('meta', rows.at(-1) ?? null, PAGE);
    rows.push(...page);
  }
  const names = rows.filter(({ name }) => !own.includes(name));
  return names.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function* messagesIn({ messages }: Pick<Reader, 'messages'>): AsyncGenerator<readonly SeenMessage[]> {
  for (let after: SeenMessage | null = null; ;) {
    const page: readonly SeenMessage[] = await messages.list(after, PAGE);
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)!;
  }
}

function differs(table: string) {
  return storageError(
    'STORAGE_COPY_DIFFERS',
    `the copy of the database is not what it was made of (${table})`,
    'see that nothing else uses either database, then do the same again',
  );
}
