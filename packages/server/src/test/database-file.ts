import { openFile } from '../storage/sqlite/driver.js';

/** A database file as somebody with access to the disk opens it. */
export interface DatabaseFile {
  prepare(sql: string): {
    run(...values: unknown[]): { readonly changes: number };
    get(...values: unknown[]): unknown;
    all(...values: unknown[]): unknown[];
  };
  exec(sql: string): void;
  close(): void;
}

/** With the SQLite that runs here: the locks of two in one process would not know each other. */
export function openDatabaseFile(file: string): DatabaseFile {
  const handle = openFile(file, { timeout: 5_000 });
  return {
    prepare: (sql) => {
      const statement = handle.prepare(sql);
      return {
        run: (...values) => statement.run(values),
        get: (...values) => statement.all(values)[0],
        all: (...values) => statement.all(values),
      };
    },
    exec: (sql) => handle.exec(sql),
    close: () => handle.close(),
  };
}
