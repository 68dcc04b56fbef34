import { join } from 'node:path';
import { configError } from '../config/codes.js';
import { CONTROL_SOCKET } from './connect-operator.js';

/** What `sun_path` holds on Linux, less its end. */
const MAX_SOCKET_PATH = 107;

/** Where the operator's socket of a data directory is to be. @throws UsageError `CONFIG_INVALID` when that path is too long */
export function assertSocketPath(dataDir: string): string {
  const path = join(dataDir, CONTROL_SOCKET);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  throw configError(
    'CONFIG_INVALID',
    `the path of the data directory has more than ${MAX_SOCKET_PATH - CONTROL_SOCKET.length - 1} bytes: too long for a socket in it`,
    'choose a shorter one',
  );
}
