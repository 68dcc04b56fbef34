import type { Call, ServerContext, Sessions } from '../context.js';
import { depositHandlers } from '../deposits/handlers.js';
import { deviceHandlers, type EndOfDevices } from '../devices/handlers.js';
import { keyDevices } from '../devices/key-devices.js';
import { createKeyWishes } from '../devices/key-wishes.js';
import { recoverDevices } from '../devices/recover.js';
import { isYoungKey } from '../devices/quarantine.js';
import { createQuarantineSweep } from '../devices/quarantine-sweep.js';
import { doubtSilence } from '../life/doubt.js';
import { askAsHeir, lookAtSilence } from '../life/cases.js';
import { createSilenceDesk } from '../life/silence-desk.js';
import { useAsHeir } from '../life/heir-use.js';
import type { LifeMeans } from '../life/means.js';
import { hearAlive, notingOwners, showLife } from '../life/hear-alive.js';
import { beginEveryLife, createLifeSweep } from '../life/life-sweep.js';
import { keepDrillsApart } from '../sessions/drills/apart.js';
import { drillHandlers } from '../sessions/drills/drill-keys.js';
import { createDkgRoom } from '../sessions/dkg/dkg-room.js';
import { createImportRoom } from '../sessions/import/import-room.js';
import { createExportRoom } from '../sessions/export/export-room.js';
import { hearExportVotes } from '../sessions/export/hear-votes.js';
import { noteExported } from '../sessions/export/note-exported.js';
import { createRepairRoom } from '../sessions/repair/repair-room.js';
import { createActiveKeys } from '../sessions/keys/active-keys.js';
import { changeHandlers } from '../sessions/functions/change-functions.js';
import { certifiedShareIn } from '../sessions/keys/certified-share.js';
import { headHandlers } from '../sessions/functions/head-functions.js';
import { keyFacts, keyHandlers } from '../sessions/functions/key-functions.js';
import { openHead, openIfWhole } from '../sessions/keys/stored/key-head.js';
import { noteTightened } from '../sessions/keys/stored/note-marks.js';
import { createReshareRoom } from '../sessions/reshare/reshare-room.js';
import { createChangeDesk, createOrderSweep } from '../sessions/changes/orders/change-desk.js';
import { endOrdersOf } from '../sessions/changes/orders/end-orders.js';
import { createShownSweep } from '../sessions/changes/chain/forget-shown.js';
import {
  forgetVotes,
  holdRecalled,
  releaseCount,
  releaseHead,
} from '../sessions/changes/votes/forget-votes.js';
import type { ChangeMeans } from '../sessions/changes/means.js';
import { createMembersMemory } from '../sessions/changes/members-memory.js';
import { createRetention } from '../sessions/retention.js';
import type { Room, RoomMeans } from '../sessions/room/room.js';
import { createSessionDesk } from '../sessions/session/session-desk.js';
import { endHeirSessionsOf, endSessionsOf } from '../sessions/functions/end-sessions.js';
import { sessionHandlers, sweepSessions, voidSessions } from '../sessions/functions/session-functions.js';
import { voteHandlers } from '../votes/handlers.js';
import { createKeySweep } from '../sessions/session/session-keys.js';
import type { SessionMeans } from '../sessions/session/session-revise.js';
import { createWaitingSweep } from '../sessions/session/waiting-sweep.js';
import { type Counter, createLifetime } from '../sessions/waiting-time.js';
import { createRequestDesk, sweepRequests } from '../requests/request-desk.js';
import { carryFreeze } from '../requests/carry-freeze.js';
import { type AccountFreezeMeans, askAccountThaw, freezeAccount } from '../requests/freeze-account.js';
import { askThaw, freezeKey } from '../requests/freeze-key.js';
import { hearThawVotes, thawStanding, thawWaits } from '../requests/thaw-key.js';
import { cancelRequest } from '../requests/cancel-request.js';
import { termsHandlers } from '../terms/handlers.js';
import type { TermsMeans } from '../terms/means.js';
import { createTermsSweep } from '../terms/sweep-terms.js';
import { isAssertionBy, isUsablePasskey } from '../votes/webauthn.js';
import { createFairQueue } from '../turns/fair-queue.js';
import { createReader } from '../requests/reading/reader.js';
import { createCostBudget } from '../accounts/cost-budget.js';
import { waysBackHandlers } from '../ways-back/handlers.js';
import { createWaysBackDesk } from '../ways-back/in-person.js';
import { createAskerKnown } from '../ways-back/known-asker.js';
import type { WaysBackMeans } from '../ways-back/means.js';
import { endContactsOf } from '../ways-back/set-contacts.js';
import { tellContacts } from '../ways-back/tell.js';
import { createWaysBackSweep, voidCases } from '../ways-back/sweep.js';
import { createPace } from '../crafts/pace.js';
import { createCrafts, everyCraft } from './crafts.js';
import { backupLog, lastBackupAt, noteBackupsUnknown } from './database/backup-marks.js';
import { checkKey } from '../requests/check-key.js';
import { prepareCraft } from '../requests/prepare-craft.js';
import { askRequest } from '../requests/ask-request.js';
import { hearRequestVotes } from '../requests/hear-votes.js';
import { endRequestsOf } from '../requests/end-requests.js';
import type { RequestMeans } from '../requests/means.js';
import type { Reader } from '../storage/storage.js';

/** Every kind of ceremony this server takes part in. Another one is one more room. */
const roomsOf: RoomsOf = (context, counting) => [
  createDkgRoom(context),
  createImportRoom(context),
  createRepairRoom(context),
  createReshareRoom({ context, counting }),
  createExportRoom(context),
];

/**
 * Makes the rooms of a server, each with what it alone needs to decide.
 * @param counting this process, by which delays are counted
 */
export type RoomsOf = (context: ServerContext, counting: () => Counter) => readonly Room[];

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
  const counting = createCounting(context);
  const server: SessionMeans = {
    context,
    means: meansOf(context),
    rooms: rooms(context, counting),
    counting,
    charge: (account, reading) => requestMeans.costs.charge(account, { reading, attempt: 0 }),
  };
  const devices = { context, ends: endsOf(server), counting };
  const waysBack: WaysBackMeans = {
    context,
    counting,
    isYoung: (reader, call) => isYoungKey(context, reader, counting(), call),
    recover: (transaction, account, keys, notes) =>
      recoverDevices(devices, transaction, account, keys, notes),
  };
  const changes: ChangeMeans = {
    context,
    counting,
    charge: server.charge,
    lastBackupAt: (reader) => lastBackupAt(reader, context.vault),
    backupLog: (reader) => backupLog(reader, context.vault),
    pastMembers: createMembersMemory(),
  };
  const terms: TermsMeans = {
    context,
    counting,
    charge: server.charge,
    isYoung: (reader, call) => isYoungKey(context, reader, counting(), call),
    isAssertion: isAssertionBy,
    isUsablePasskey,
  };
  const retention = createRetention(context);
  const sweepKeys = createKeySweep(context);
  const sweepOrders = createOrderSweep(changes);
  const sweepShown = createShownSweep(context);
  const sweepWaiting = createWaitingSweep(server);
  const sweepTerms = createTermsSweep(terms);
  const sweepWaysBack = createWaysBackSweep(waysBack);
  const sweepYoung = createQuarantineSweep(context, counting);
  const wishes = createKeyWishes();
  const life: LifeMeans = {
    context,
    counting,
    heard: new Set(),
    watched: new Map(),
    tellOwner: (transaction, owner, what) => tellContacts(waysBack, transaction, owner, what),
    // What is left to do behind it is to count it, for which nobody waits here.
    endBegun: async (transaction, key) => void (await endHeirSessionsOf(server, transaction, key)),
  };
  const freezing: AccountFreezeMeans = {
    context,
    tellOwner: (transaction, owner, what) => tellContacts(waysBack, transaction, owner, what),
  };
  const sweepLife = createLifeSweep(life);
  const isYoung = (reader: Reader, call: Call) => isYoungKey(context, reader, counting(), call);
  await sweepSessions(server);
  const ofKeys = keepDrillsApart({
    ...sessionHandlers(server),
    ...keyHandlers(changes),
    ...headHandlers(server),
    ...changeHandlers(changes),
    ...drillHandlers(context),
    ...termsHandlers(terms),
    'key.exported': (call, asked) => noteExported(changes, call, asked),
    'key.check': (call, question) => checkKey(requestMeans, call, question),
    'key.freeze': (call, statement) => freezeKey(context, call, statement),
    'key.thaw': (call, which) => askThaw(context, call, which),
    'key.life': (call, which) => showLife(life, call, which),
    'key.devices': (call, lists) => keyDevices({ context, counting, wishes }, call, lists),
    'craft.prepare': (call, parameters) => prepareCraft(requestMeans, call, parameters),
    'request.ask': (call, request) => askRequest(requestMeans, call, request),
    'request.cancel': (call, parameters) => cancelRequest(requestMeans, call, parameters),
  });
  return {
    handlers: {
      ...notingOwners(life, ofKeys),
      ...deviceHandlers(devices),
      'account.freeze': (call, statement) => freezeAccount(freezing, call, statement),
      'account.thaw': (call) => askAccountThaw(freezing, call),
      ...waysBackHandlers(waysBack),
      ...depositHandlers({ context, isYoung }),
      ...voteHandlers(context, {
        request: (name) => hearRequestVotes(context, name),
        export: (name) => hearExportVotes(server, name),
        thaw: (name) => hearThawVotes(context, name),
      }),
      'freeze.carry': (call, carried) => carryFreeze(context, call, carried),
      'alive.carry': (call, carried) => hearAlive(life, call, carried),
      'heir.look': (call, meant) => lookAtSilence(life, call, meant),
      'heir.ask': (call, asked) => askAsHeir(life, call, asked),
      'heir.doubt': (call, meant) => doubtSilence(life, call, meant),
      // What an heir does is no sign of life of the owner.
      'heir.use': (call, asked) => useAsHeir(life, ofKeys, call, asked),
    },
    silenceDesk: createSilenceDesk(life),
    desk: createRequestDesk(context),
    sessionDesk: createSessionDesk(server),
    changeDesk: createChangeDesk(changes),
    waysBackDesk: createWaysBackDesk(waysBack),
    askerKnown: createAskerKnown(context),
    keyFacts: (row) => keyFacts(row, openHead(context, row), context.clock()),
    keyFactsIfWhole: (row) => {
      const head = openIfWhole(context, row);
      return head === null ? null : keyFacts(row, head, context.clock());
    },
    certifiedShare: (row) => certifiedShareIn(row, openIfWhole(context, row)),
    noteTightened: async (transaction, key, stored) => {
      const row = (await holdRecalled(context, transaction, key))!;
      await noteTightened(context, transaction, row, stored);
    },
    thaw: (transaction, row, freezes) =>
      thawStanding(context, transaction, row, openHead(context, row), freezes, 'agreed'),
    thawWaits: (from, row, freezes) => thawWaits(context, from, row, openHead(context, row), freezes),
    releaseHead: (transaction, key) => releaseHead(context, transaction, key),
    releaseCount: (transaction, key) => releaseCount(context, transaction, key),
    voidOpen: async (reason) => {
      await forgetVotes(context);
      await voidCases(waysBack);
      await beginEveryLife(life);
      await context.storage.transact((transaction) => noteBackupsUnknown(transaction, context.vault));
      return voidSessions(server, reason);
    },
    async sweep() {
      counting();
      await sweepSessions(server);
      await sweepWaiting();
      await sweepOrders();
      await sweepShown();
      await sweepYoung();
      await sweepLife();
      await sweepTerms();
      await sweepWaysBack();
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

/** What ends with a device of an account. */
function endsOf(server: SessionMeans): readonly EndOfDevices[] {
  const { context, counting } = server;
  return [
    async (transaction, owner, devices) => {
      await endContactsOf({ context, counting }, transaction, owner, devices);
      return async () => undefined;
    },
    async (transaction, owner, devices) => {
      await endOrdersOf(server, transaction, owner, devices);
      return async () => undefined;
    },
    (transaction, owner, devices) => endSessionsOf(server, transaction, owner, devices),
    (transaction, owner, devices) => endRequestsOf(server.context, transaction, owner, devices),
  ];
}

const PROCESS_BYTES = 16;

/** One clock for everything that time alone grants. What passes in it stands still while a machine sleeps, and knows no date. */
function createCounting({ clock, storage, random, elapsed }: ServerContext): () => Counter {
  const lived = createLifetime(elapsed ?? (() => performance.now()));
  const process = random(PROCESS_BYTES);
  const isAlone = storage.kind === 'sqlite';
  return () => ({ now: clock(), lived: lived(), process, isAlone });
}

function meansOf({ identity, random, clock, staticSeeds, config }: ServerContext): RoomMeans {
  return { identity, random, clock, staticSeeds, publicUrl: config.publicUrl };
}
