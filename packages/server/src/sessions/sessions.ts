import type { ServerContext, Sessions } from '../context.js';
import { dkgRoom } from './dkg/dkg-room.js';
import { createActiveKeys } from './keys/active-keys.js';
import { keyFacts, keyHandlers } from './keys/key-functions.js';
import { createRetention } from './retention.js';
import type { Room } from './room.js';
import { sessionHandlers, sweepSessions, voidSessions } from './session-functions.js';
import { fillPool } from '../crafts/frost/fill-pool.js';
import { createIssueBudget } from '../crafts/frost/issue-budget.js';
import { createNoncePool } from '../crafts/frost/nonce-pool.js';
import { createRequestDesk, sweepRequests } from '../requests/request-desk.js';
import { cancelRequest } from '../requests/cancel-request.js';
import { signRequest, type RequestMeans } from '../requests/ask-request.js';

/** Every kind of ceremony this server takes part in. Another one is one more room. */
const ROOMS: readonly Room[] = [dkgRoom];

/**
 * Everything that advances a protocol: making keys, signing with them. Called once at start, when the database is open;
 * from here on whatever an earlier life of this server published is void.
 */
export async function openSessions(context: ServerContext): Promise<Sessions> {
  const pool = createNoncePool(context);
  const keys = createActiveKeys(context);
  const signing: RequestMeans = { context, keys, pool, budget: createIssueBudget(context.clock) };
  const means = { context, rooms: ROOMS };
  const retention = createRetention(context);
  await sweepSessions(means);
  return {
    handlers: {
      ...sessionHandlers(means),
      ...keyHandlers(context),
      'key.pool': (call, parameters) => fillPool(signing, call, parameters),
      'sign.request': (call, request) => signRequest(signing, call, request),
      'sign.cancel': (call, parameters) => cancelRequest(signing, call, parameters),
    },
    desk: createRequestDesk(context),
    keyFacts: (row) => keyFacts(context, row),
    voidOpen: (reason) => voidSessions(means, reason),
    async sweep() {
      await sweepSessions(means);
      await sweepRequests(context);
      await retention.sweep();
      pool.sweep();
    },
    close() {
      const voided = pool.wipe();
      if (voided > 0) context.events.poolVoided({ count: voided });
      keys.wipe();
    },
  };
}
