import type { ServerContext, Sessions } from '../context.js';
import { createDkgRoom } from '../sessions/dkg/dkg-room.js';
import { createRepairRoom } from '../sessions/repair/repair-room.js';
import { createActiveKeys } from '../sessions/keys/active-keys.js';
import { keyFacts, keyHandlers, openIfWhole } from '../sessions/functions/key-functions.js';
import { noteTightened, openHead } from '../sessions/keys/stored-key.js';
import { createRetention } from '../sessions/retention.js';
import type { Room, RoomMeans } from '../sessions/room.js';
import { createSessionDesk } from '../sessions/session-desk.js';
import { sessionHandlers, sweepSessions, voidSessions } from '../sessions/functions/session-functions.js';
import { createKeySweep } from '../sessions/session-keys.js';
import type { SessionMeans } from '../sessions/session-revise.js';
import { createWaitingSweep } from '../sessions/waiting-sweep.js';
import { createRequestDesk, sweepRequests } from '../requests/request-desk.js';
import { cancelRequest } from '../requests/cancel-request.js';
import { createFairQueue } from '../turns/fair-queue.js';
import { createReader } from '../requests/reading/reader.js';
import { createCostBudget } from '../accounts/cost-budget.js';
import { createPace } from '../crafts/pace.js';
import { createCrafts, everyCraft } from './crafts.js';
import { prepareCraft } from '../requests/prepare-craft.js';
import { askRequest } from '../requests/ask-request.js';
import type { RequestMeans } from '../requests/means.js';

/** Every kind of ceremony this server takes part in. Another one is one more room. */
const roomsOf: RoomsOf = (context) => [createDkgRoom(context), createRepairRoom(context)];

/** Makes the rooms of a server, each with what it alone needs to decide. */
export type RoomsOf = (context: ServerContext) => readonly Room[];

/**
 * Everything that advances a protocol: making keys, signing with them. Called once at start, when the database is open;
 * from here on whatever an earlier life of this server published is void.
 * @param rooms for tests: other kinds of ceremonies
 */
export async function openSessions(context: ServerContext, rooms: RoomsOf = roomsOf): Promise<Sessions> {
  const keys = createActiveKeys(context);
  const crafts = createCrafts(context);
  const reader = createReader();
  const requestMeans: RequestMeans = {
    context,
    keys,
    crafts,
    reader,
    pace: createPace(),
    costs: createCostBudget(context.config.quota.costPerMinute),
    large: createFairQueue({ inAll: Number.POSITIVE_INFINITY, forEach: 1 }),
  };
  const server: SessionMeans = {
    context,
    means: meansOf(context),
    rooms: rooms(context),
    charge: (account, reading) => requestMeans.costs.charge(account, { reading, attempt: 0 }),
  };
  const retention = createRetention(context);
  const sweepKeys = createKeySweep(context);
  const sweepWaiting = createWaitingSweep(server);
  await sweepSessions(server);
  return {
    handlers: {
      ...sessionHandlers(server),
      ...keyHandlers(server),
      'craft.prepare': (call, parameters) => prepareCraft(requestMeans, call, parameters),
      'request.ask': (call, request) => askRequest(requestMeans, call, request),
      'request.cancel': (call, parameters) => cancelRequest(requestMeans, call, parameters),
    },
    desk: createRequestDesk(context),
    sessionDesk: createSessionDesk(server),
    keyFacts: (row) => keyFacts(row, openHead(context, row)),
    keyFactsIfWhole: (row) => {
      const head = openIfWhole(context, row);
      return head === null ? null : keyFacts(row, head);
    },
    noteTightened: (transaction, row, stored) => noteTightened(context, transaction, row, stored),
    voidOpen: (reason) => voidSessions(server, reason),
    async sweep() {
      await sweepSessions(server);
      await sweepWaiting();
      await sweepRequests(context);
      await retention.sweep();
      await sweepKeys();
      for (const craft of everyCraft(crafts)) craft.sweep();
    },
    close() {
      for (const craft of everyCraft(crafts)) craft.close();
      reader.close();
      keys.wipe();
    },
  };
}

function meansOf({ identity, random, clock, staticSeeds, config }: ServerContext): RoomMeans {
  return { identity, random, clock, staticSeeds, publicUrl: config.publicUrl };
}
