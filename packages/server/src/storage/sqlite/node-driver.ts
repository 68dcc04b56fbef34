import type * as Library from 'node:sqlite';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { storageError } from '../codes.js';
import type { Handle, OpenFile, Statement } from './handle.js';

type Value = null | number | bigint | string | Uint8Array;

/** With the SQLite of Node itself: where the one that CKM brings does not run. */
export const openWithNode: OpenFile = (path, { timeout }) => {
  const database = named(() => new (library().DatabaseSync)(path));
  try {
    named(() => database.exec(`pragma busy_timeout = ${timeout}`));
    return handleOf(database);
  } catch (error) {
    database.close();
    throw error;
  }
};

function handleOf(database: DatabaseSync): Handle {
  let open = true;
  const exec = (sql: string) => named(() => database.exec(sql));
  return {
    library: 'node',
    get open() {
      return open;
    },
    prepare: (sql) =>
      statementOf(
        sql,
        named(() => database.prepare(sql)),
      ),
    exec,
    rollback: () => {
      try {
        exec('rollback');
      } catch (error) {
        // Of this Node nobody learns whether a transaction is open; to undo where none is, is the one thing refused like this.
        if ((error as { readonly code?: unknown }).code !== 'SQLITE_ERROR') throw error;
      }
    },
    close: () => {
      open = false;
      database.close();
    },
  };
}

function statementOf(sql: string, statement: StatementSync): Statement {
  return {
    reader: answersRows(sql),
    all: (values) => named(() => statement.all(...(values as Value[]))),
    run: (values) => {
      const { changes, lastInsertRowid } = named(() => statement.run(...(values as Value[])));
      return { changes: Number(changes), lastInsertRowid };
    },
    iterate: (values) => named(() => statement.all(...(values as Value[]))[Symbol.iterator]()),
  };
}

/**
 * Told by the text, since Node 22.13 does not say it. Whatever is not known as a change is asked for rows: where that is wrong a
 * count is missing, and never a row.
 */
export function answersRows(sql: string): boolean {
  return !/^\s*(insert|update|delete|replace)\b/i.test(sql) || /\breturning\b/i.test(sql);
}

let loaded: typeof Library | undefined;

/**
 * Node says on standard error that it is experimental; a server says in its own words which SQLite it uses.
 * @throws StorageError `STORAGE_DRIVER_MISSING`
 */
function library(): typeof Library {
  if (loaded !== undefined) return loaded;
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    loaded = process.getBuiltinModule('node:sqlite') as typeof Library | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
  if (loaded !== undefined) return loaded;
  throw storageError(
    'STORAGE_DRIVER_MISSING',
    `no SQLite runs on Node ${process.versions.node}`,
    'use Node 24, or 22.14 at least',
  );
}

/** Names of the results that are told apart: https://sqlite.org/rescode.html. The low byte of a number is what all its kinds share. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'ERROR',
  5: 'BUSY',
  6: 'LOCKED',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  19: 'CONSTRAINT',
  26: 'NOTADB',
  // 10 | (3 << 8)
  778: 'IOERR_WRITE',
};

/** What SQLite refuses has a number here, and everywhere else a name. */
function named<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { errcode } = error as { readonly errcode?: number };
    if (!(error instanceof Error) || errcode === undefined) throw error;
    const name = NAMES[errcode] ?? NAMES[errcode & 0xff] ?? errcode;
    throw Object.assign(new Error(error.message, { cause: error }), { code: `SQLITE_${name}` });
  }
}
