import type { Result } from '@ckm/api';
import type { SuiteBackend } from '@ckm/threshold';
import type { ServerClock } from '../clock.js';
import { accountFrozen } from '../accounts/account-frozen.js';
import type { Account } from '../accounts/accounts.js';
import type { Handler, ServerContext } from '../context.js';

/** Answers `server.describe`. */
export function createDescribeServer(
  { config, storage, clock }: ServerContext,
  time: Pick<ServerClock, 'machine'>,
  backends: readonly SuiteBackend[],
): Handler<'server.describe'> {
  return async ({ account }) => ({
    name: config.name,
    version: config.version,
    // Also where it has jumped and the server goes by another: so its owners see it.
    time: time.machine(),
    keys: await storage.read(({ keys }) => keys.countInUse(account.xid)),
    keyQuota: account.quota.keys,
    arithmetic: [...backends],
    ...frozenIn(account, clock()),
  });
}

function frozenIn(account: Account, now: number): Pick<Result<'server.describe'>, 'frozen'> {
  const standing = accountFrozen(account, now);
  if (standing === null) return {};
  const { id, until, thawAskedAt, device } = standing;
  return { frozen: { id, until, thawAskedAt, ...(device === undefined ? {} : { device }) } };
}
