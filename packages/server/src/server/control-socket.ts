import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { AvailabilityError } from '@ckm/foundation';
import { configError } from '../config/codes.js';
import { connectOperator, CONTROL_SOCKET } from '../control/connect-operator.js';
import type { Phase } from '../http/served.js';

/** What `sun_path` holds on Linux, less its end. */
const MAX_SOCKET_PATH = 107;

/**
 * Where the operator's socket of a data directory is to be. One that a killed process left behind is removed.
 * @throws UsageError `SERVER_RUNNING` when it answers, `SERVER_STILL_STOPPING` when it stops, `CONFIG_INVALID` when its path is too long.
 */
export async function claimControlSocket(dataDir: string): Promise<string> {
  const path = join(dataDir, CONTROL_SOCKET);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw configError(
      'CONFIG_INVALID',
      'the path of the data directory is too long for a socket',
      'choose a shorter one',
    );
  }
  if (!existsSync(path)) return path;
  const phase = await phaseOf(dataDir);
  if (phase === 'stopping') {
    throw configError(
      'SERVER_STILL_STOPPING',
      `the server in ${dataDir} is stopping`,
      'wait until it has stopped, then start it again',
    );
  }
  if (phase !== null) {
    throw configError(
      'SERVER_RUNNING',
      `a server is running in ${dataDir}`,
      'stop it first',
      undefined,
      {},
      { kind: 'stopServer' },
    );
  }
  unlinkSync(path);
  return path;
}

/** Null: nobody answers. */
async function phaseOf(dataDir: string): Promise<Phase | null> {
  try {
    return (await connectOperator(dataDir).status()).phase;
  } catch (error) {
    return error instanceof AvailabilityError ? null : 'ready';
  }
}
