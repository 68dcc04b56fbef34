import { lstatSync, unlinkSync } from 'node:fs';
import { AvailabilityError, withFile } from '@ckm/foundation';
import { configError } from '../../config/codes.js';
import { connectOperator } from '../../control/connect-operator.js';
import { assertSocketPath } from '../../control/socket-path.js';
import type { Phase } from '../../http/served.js';

/**
 * Where the operator's socket of a data directory is to be. One that a killed process left behind is removed.
 * @throws UsageError `SERVER_RUNNING` when it answers, `SERVER_STILL_STOPPING` when it stops, `CONFIG_INVALID` when its path is too long;
 * StorageError `FILE_…` when something else lies there.
 */
export async function claimControlSocket(dataDir: string): Promise<string> {
  const path = assertSocketPath(dataDir);
  // Not where it leads: a link that leads nowhere is in the way too.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return path;
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
  withFile(path, () => unlinkSync(path));
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
