import type { Parameters, Result } from '@ckm/api';
import type { Call, ServerContext } from '../../context.js';
import type { ActiveKeys } from '../../sessions/keys/active-keys.js';
import type { IssueBudget } from './issue-budget.js';
import type { NoncePool } from './nonce-pool.js';

/** What commitments are made with. */
export interface FrostMeans {
  readonly context: ServerContext;
  readonly keys: ActiveKeys;
  readonly pool: NoncePool;
  readonly budget: IssueBudget;
}

/** Answers `key.pool`: fresh commitments for the client's store. @throws StateError `KEY_NOT_CERTIFIED` */
export async function fillPool(
  { context, keys, pool, budget }: FrostMeans,
  call: Call,
  { keyId, count }: Parameters<'key.pool'>,
): Promise<Result<'key.pool'>> {
  const key = await context.storage.read((reader) => keys.find(reader, call.account.xid, keyId));
  const commitments = [...pool.issue(key, budget.grant(key, count, 0))];
  context.events.poolFilled({ count: commitments.length });
  return { commitments };
}
