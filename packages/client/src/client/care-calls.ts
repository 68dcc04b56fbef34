import { namesOf } from '../servers/ask-all.js';
import {
  type KeyRepair,
  planRepair,
  repairKey,
  type RepairKeyArgs,
  type RepairPlan,
} from '../keys/repair/repair-key.js';
import {
  closeExport,
  exportKey,
  type ExportPlan,
  type KeyExport,
  planExport,
} from '../keys/export/export-key.js';
import { stopExport, type StoppedExport } from '../keys/export/stop-export.js';
import { stopRepair, type StoppedRepair } from '../keys/repair/stop-repair.js';
import {
  type KeyRestoration,
  planRestoration,
  restoreKey,
  type RestoreKeyArgs,
} from '../keys/restore-key.js';
import { clearDrills, planClearing, type ServerDrillKeys } from '../drills/clear-drills.js';
import {
  type Drill,
  type DrillArgs,
  drillDue,
  drillKey,
  type DrillPlan,
  planDrill,
  scheduleDrills,
} from '../drills/drill.js';
import { type DrillRecord, readDrills } from '../drills/drill-record.js';
import { checkDue, checkKey, type KeyCheck, scheduleChecks } from '../keys/checks/check-key.js';
import { freezeKey, type KeyFreeze, thawKey } from '../keys/freezes/freeze-key.js';
import { giveAlive, type ToldAlive } from '../life/tell-alive.js';
import { type AccountFreezes, freezeAccount, thawAccount } from '../life/freeze-account.js';
import { type PreparedFreeze, prepareFreeze } from '../life/freeze-paper.js';
import { tellExported } from '../keys/export/tell-exported.js';
import { type KeyVerification, type ServerVerdict, verifyKey } from '../keys/verify-key.js';
import { catchUp } from '../keys/changes/catch-up.js';
import { assureHeads } from '../keys/heads/assure-head.js';
import { afterSettled } from '../keys/changes/after-settled.js';
import type { OnProgress } from '../progress/progress.js';
import type { ClientRoom } from './client-room.js';

/** What keeps a key safe: checks, drills, signs of life, freezes, repairs, and the way out of its servers. */
export interface CareCalls {
  verifyKey(name: string, on?: OnProgress): Promise<KeyVerification>;
  /**
   * Has every server of a key prove that it holds its share, and puts the outcome on record. The key is used for nothing.
   * @param silent servers that are known to hang: nobody waits for them once more
   */
  checkKey(name: string, silent?: readonly string[]): Promise<KeyCheck>;
  /** When a key is to be checked next. @returns UnixSeconds; null: never */
  checkDue(name: string): Promise<number | null>;
  /** How often a key is to be checked. @param everySeconds null: never @returns when it is due then */
  scheduleChecks(name: string, everySeconds: number | null): Promise<number | null>;
  /** What a drill will ask of whom. Nothing is sent or written. @throws StateError `DRILL_IMPOSSIBLE` */
  planDrill(args: DrillArgs): Promise<DrillPlan>;
  /** Rehearses with a key made for it that a server which lost its share gets it back and signs, or goes on with that. */
  drillKey(args: DrillArgs, on?: OnProgress): Promise<Drill>;
  /** How many keys of drills every server holds for this owner, whichever client made them. */
  planClearing(): Promise<readonly ServerDrillKeys[]>;
  /** Has every server forget them, but for those of drills that go on here. */
  clearDrills(): Promise<readonly ServerDrillKeys[]>;
  /** When the next drill of a key is due. @returns UnixSeconds; null: never */
  drillDue(name: string): Promise<number | null>;
  /** How often a key is to be drilled. @param everySeconds null: never @returns when it is due then */
  scheduleDrills(name: string, everySeconds: number | null): Promise<number | null>;
  /** What is on record of the drills of a key. */
  pastDrills(name: string): Promise<DrillRecord>;
  /**
   * Has every server of a key do nothing with it for a while; said again it is the same freeze.
   * @param seconds at most seven days; null: as long as a freeze on record, or else 72 hours
   */
  freezeKey(name: string, seconds: number | null): Promise<KeyFreeze>;
  /**
   * Has one server, or each on record, do nothing more for this owner for a while. Where it is so for as long already, nothing is said.
   * @param server null: all
   * @param seconds at most seven days; null: 72 hours
   */
  freezeAccount(server: string | null, seconds: number | null): Promise<AccountFreezes>;
  /** Asks their operators to end that. @param server null: all */
  thawAccount(server: string | null): Promise<AccountFreezes>;
  prepareFreeze(name: string): Promise<PreparedFreeze>;
  /** @param name of a key that has heirs; absent: all of them */
  alive(name?: string): Promise<readonly ToldAlive[]>;
  /** Asks the operators of a key that is frozen to end that. */
  thawKey(name: string): Promise<KeyFreeze>;
  /** Names of the servers that {@link CareCalls.restoreKey} would ask. Nothing is sent. */
  planRestoration(args: RestoreKeyArgs): Promise<readonly string[]>;
  /** Has every server of a key that lost its share recover it from the certificate. */
  restoreKey(args: RestoreKeyArgs, on?: OnProgress): Promise<KeyRestoration>;
  /**
   * Who would be asked to give a server its lost share back. Others are asked whether they can help; nothing is written.
   * @param options `follows`: where nothing comes of it because servers settled on another certificate than the one on record, that is taken over first, and written
   */
  planRepair(args: RepairKeyArgs, options?: { readonly follows?: boolean }): Promise<RepairPlan>;
  /** Has a server that lost its share of a key get it back: from the certificate if it can, else from a quorum of the others. */
  repairKey(args: RepairKeyArgs, on?: OnProgress): Promise<KeyRepair>;
  /** Stops every repair of a server's share, whichever device began it. */
  stopRepair(args: Pick<RepairKeyArgs, 'name' | 'server'>): Promise<StoppedRepair>;
  /** What taking a key out of its servers would ask of whom. @throws UsageError `KEY_NOT_EXPORTABLE` */
  planExport(name: string): Promise<ExportPlan>;
  /** Asks every server of a key to give its share out, or goes on with that: called again until the key is here. */
  exportKey(name: string, on?: OnProgress): Promise<KeyExport>;
  /** Takes what an export was sealed to off the records, once what came of it is kept elsewhere. */
  closeExport(name: string): Promise<void>;
  /** Stops every export of a key, whichever device began it. */
  stopExport(name: string): Promise<StoppedExport>;
}

export function createCareCalls({ context, store, readKey, signer, acting, silent }: ClientRoom): CareCalls {
  return {
    verifyKey: async (name, on = silent) => {
      const key = await readKey(name);
      const verified = await verifyKey(context, key, on);
      await tellExported(context, key);
      // One that joined and did not see how it ended has nothing of the key yet.
      const hasChanged = key.newest.params.epoch > 0;
      const isBehind = ({ verdict }: ServerVerdict) =>
        verdict === 'behind' || verdict === 'forked' || (hasChanged && verdict === 'lost');
      if (!verified.servers.some(isBehind) || !(await catchUp(context, key))) return verified;
      return verifyKey(context, await readKey(name), on);
    },
    checkKey: (name, silent) => acting(checkKey(context, readKey, name, silent)),
    checkDue: async (name) => checkDue(context, await readKey(name)),
    scheduleChecks: async (name, everySeconds) => scheduleChecks(context, await readKey(name), everySeconds),
    planDrill: (args) => planDrill(context, readKey, args),
    drillKey: (args, on = silent) => acting(drillKey(context, readKey, args, on)),
    planClearing: () => planClearing(context),
    clearDrills: () => acting(clearDrills(context)),
    drillDue: async (name) => drillDue(context, await readKey(name)),
    scheduleDrills: async (name, everySeconds) => scheduleDrills(context, await readKey(name), everySeconds),
    pastDrills: async (name) => readDrills(store, (await readKey(name)).keyId),
    freezeKey: (name, seconds) => acting(freezeKey(context, readKey, name, seconds)),
    freezeAccount: (server, seconds) => freezeAccount(context, server, seconds),
    thawAccount: (server) => thawAccount(context, server),
    prepareFreeze: (name) => prepareFreeze(context, readKey, name),
    alive: (name) => giveAlive(context, readKey, name),
    thawKey: (name) => acting(thawKey(context, readKey, name)),
    planRestoration: async ({ name, servers }) =>
      namesOf(await planRestoration(context, await readKey(name), servers)),
    restoreKey: async (args, on = silent) => {
      const key = await readKey(args.name);
      const restoration = await restoreKey(context, key, args, on);
      // The others say how far the key is, while they are there: without that nothing that came back is used.
      const isBack = restoration.servers.some(({ outcome }) => outcome === 'restored');
      if (isBack) await assureHeads(context, key);
      signer.forgetServers();
      return restoration;
    },
    planRepair: (args, { follows = false } = {}) => {
      const plan = async () => planRepair(context, await readKey(args.name), args);
      return follows ? afterSettled(context, readKey, args.name, plan) : plan();
    },
    repairKey: async (args, on = silent) => {
      const repair = await acting(
        afterSettled(context, readKey, args.name, async () =>
          repairKey(context, await readKey(args.name), args, on),
        ),
      );
      signer.forgetServers();
      return repair;
    },
    stopRepair: (args) => stopRepair(context, readKey, args),
    planExport: async (name) => planExport(context, await readKey(name)),
    exportKey: (name, on = silent) =>
      acting(afterSettled(context, readKey, name, async () => exportKey(context, await readKey(name), on))),
    closeExport: async (name) => acting(closeExport(context, await readKey(name))),
    stopExport: async (name) => acting(stopExport(context, await readKey(name))),
  };
}
