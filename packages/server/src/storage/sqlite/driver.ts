import type { SqliteUsed } from '../storage.js';
import { openWithAddon } from './addon-driver.js';
import { openWithNode } from './node-driver.js';

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

/** What the addon's binaries ask of Node-API; an older one they end, with the whole process. Node has it since 22.14 and 23.6. */
const LEAST_NODE_API = 10;

/** @param nodeApi as in `process.versions` */
export function sqliteLibrary(nodeApi = process.versions['napi']): SqliteUsed['library'] {
  return Number(nodeApi) >= LEAST_NODE_API ? 'better-sqlite3' : 'node';
}

/**
 * Opens a file, with the SQLite that runs here.
 * @param options `timeout`: how many milliseconds to wait for whoever has it locked
 * @throws what the driver throws
 */
export const openFile: OpenFile = (path, options) =>
  (sqliteLibrary() === 'node' ? openWithNode : openWithAddon)(path, options);
