import type { SqliteUsed } from '../storage.js';

/** A statement that was prepared, as Kysely asks for it too. */
export interface Statement {
  /** Whether it answers rows. */
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): Ran;
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

export interface Ran {
  /** How many rows it inserted, updated or deleted. */
  readonly changes: number;
  readonly lastInsertRowid: number | bigint;
}

/** A database file that is open. What SQLite refuses is thrown with its name for that as `code`: `SQLITE_…`. */
export interface Handle {
  readonly library: SqliteUsed['library'];
  readonly open: boolean;
  prepare(sql: string): Statement;
  exec(sql: string): void;
  /** Undoes the transaction that is open, if one is. */
  rollback(): void;
  close(): void;
}

export type OpenFile = (path: string, options: { readonly timeout: number }) => Handle;
