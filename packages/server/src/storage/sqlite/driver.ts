import BetterSqlite3 from 'better-sqlite3';
import { storageError } from '../codes.js';

export type Handle = BetterSqlite3.Database;
export type Statement = BetterSqlite3.Statement;

/** What the driver's binaries ask of Node-API; an older one they end, with the whole process. Node has it since 22.14 and 23.6. */
const LEAST_NODE_API = 10;

/**
 * Opens a file with the driver.
 * @throws StorageError `STORAGE_DRIVER_MISSING`; else what the driver throws
 */
export function openFile(path: string, options: { readonly timeout: number }): Handle {
  assertDriverRuns();
  return new BetterSqlite3(path, options);
}

/** @param nodeApi as in `process.versions` @throws StorageError `STORAGE_DRIVER_MISSING` */
export function assertDriverRuns(nodeApi = process.versions['napi']): void {
  if (Number(nodeApi) >= LEAST_NODE_API) return;
  throw storageError(
    'STORAGE_DRIVER_MISSING',
    `the SQLite library that is installed does not run on Node ${process.versions.node}`,
    'use Node 22.14 or newer (24 is recommended)',
  );
}
