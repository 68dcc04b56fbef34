import BetterSqlite3 from 'better-sqlite3';
import type { OpenFile } from './handle.js';

/** With the SQLite that CKM brings. */
export const openWithAddon: OpenFile = (path, options) => {
  const database = new BetterSqlite3(path, options);
  return {
    library: 'better-sqlite3',
    get open() {
      return database.open;
    },
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => void database.exec(sql),
    rollback: () => {
      if (database.inTransaction) database.exec('rollback');
    },
    close: () => void database.close(),
  };
};
