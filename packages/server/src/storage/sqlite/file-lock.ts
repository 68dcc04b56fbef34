import { fromDriver } from '../codes.js';
import { openFile } from './driver.js';
import type { Handle } from './handle.js';

/**
 * Holds a file for whoever calls this, until it is let go or the process ends, however it ends. The lock is SQLite's on an empty
 * database: Node has none of its own.
 * @returns lets it go; null: somebody else holds it
 * @throws StorageError `STORAGE_…` when the file cannot be made
 */
export function lockFile(path: string): (() => void) | null {
  let handle: Handle | null = null;
  try {
    handle = openFile(path, { timeout: 0 });
    handle.exec('begin exclusive');
  } catch (error) {
    handle?.close();
    if ((error as { readonly code?: unknown }).code === 'SQLITE_BUSY') return null;
    throw fromDriver(error);
  }
  const held = handle;
  return () => held.close();
}
