// What tests of whole servers take one apart with; nothing that ships imports it (architecture.test.ts).
export type { Events } from '../events.js';
export { loadConfig } from '../config/load-config.js';
export { readEnv } from '../config/env.js';
export { openServer, type OpenServer, type OpenServerOptions } from '../server/open-server.js';
export { openStorage, SQLITE_FILE } from '../server/database/open-storage.js';
export { sqliteLibrary } from '../storage/sqlite/driver.js';
export type { Reader, Storage, Transaction } from '../storage/storage.js';
export { findKeySource } from '../vault/key-source.js';
export { createKeyDesk } from '../control/desks/key-desk.js';
