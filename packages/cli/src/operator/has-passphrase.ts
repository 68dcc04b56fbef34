import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether the storage key of a server lies under a passphrase. */
export function hasPassphrase(dataDir: string): boolean {
  return existsSync(join(dataDir, 'storage.key.sealed'));
}
