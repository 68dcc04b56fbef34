import type { SuiteBackend } from '@ckm/threshold';
import type { Handler, ServerContext } from '../context.js';

/** Answers `server.describe`. */
export function createDescribeServer(
  { config, clock, storage }: ServerContext,
  backends: readonly SuiteBackend[],
): Handler<'server.describe'> {
  return async ({ account }) => ({
    name: config.name,
    version: config.version,
    time: clock(),
    keys: await storage.read(({ keys }) => keys.countInUse(account.xid)),
    keyQuota: account.quota.keys,
    arithmetic: [...backends],
  });
}
