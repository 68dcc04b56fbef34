import type { SqliteUsed } from '../storage.js';
import { openWithAddon } from './addon-driver.js';
import type { OpenFile } from './handle.js';
import { openWithNode } from './node-driver.js';

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
