import { cancelChange, type CancelledChange } from '../keys/changes/cancel-change.js';
import type { ChangedKey } from '../keys/changes/carry-change.js';
import { changeKey, type ChangeKeyArgs } from '../keys/changes/change-key.js';
import {
  type OpenOrders,
  type OpenOrdersArgs,
  readOpenOrders,
  cancelOrder,
  type CancelledOrder,
} from '../keys/changes/open-orders.js';
import type { SeenOrder } from '../keys/chain/seen-orders.js';
import { afterSettled } from '../keys/changes/after-settled.js';
import { type CancelledSettlement, cancelSettlement } from '../keys/forks/cancel-settlement.js';
import type { SettledKey } from '../keys/forks/end-fork.js';
import { readOrderedForks } from '../keys/forks/order-forks.js';
import type { Fork } from '../keys/forks/read-fork.js';
import { planSettlement, type SettlementPlan, type SettlementWish } from '../keys/forks/plan-settlement.js';
import { settleKey, type SettleKeyArgs } from '../keys/forks/settle-key.js';
import { type ChangePlan, planChange, plannedByWords } from '../keys/changes/plan-change.js';
import { type ChangeRecord, findChange, listChanges } from '../keys/chain/change-record.js';
import type { OnProgress } from '../progress/progress.js';
import type { ClientRoom } from './client-room.js';
import { parseReason } from './parse-reason.js';

/** Other servers for a key, or new shares for the same ones. */
export interface ChangeCalls {
  /** What a change of the servers of a key, or new shares for the same ones, will ask of whom. Nothing is sent. */
  planChange(args: ChangeKeyArgs): Promise<ChangePlan>;
  /**
   * Carries a change out, or goes on with it. The public key stays the same.
   * @throws StateError `CHANGE_PLAN_DIFFERS` where other servers or quorums would come of it than of the plan that was shown
   */
  changeKey(args: ChangeKeyArgs, on?: OnProgress): Promise<ChangedKey>;
  /** Changes of keys that are on record, oldest first. They are gone on with, and cancelled, like sessions. */
  listChanges(): Promise<readonly ChangeRecord[]>;
  /** The open one whose id, or the id of whose session, begins so; null: none. */
  findChange(id: string): Promise<ChangeRecord | null>;
  /** Takes a change back that is not decided. @throws StateError `SESSION_OVER` */
  cancelChange(change: ChangeRecord, reason: string): Promise<CancelledChange>;
  /** Orders about who holds a key next that servers say wait there, whichever client of the owner gave them. */
  openOrders(args?: OpenOrdersArgs): Promise<OpenOrders>;
  /** Takes such an order back at every server that can be reached. */
  cancelOrder(order: SeenOrder): Promise<CancelledOrder>;
  /** Certificates of one epoch of a key that contradict each other, as its servers show them: of the fork that is to be settled first; null: none. */
  showFork(name: string): Promise<Fork | null>;
  /** Which of them would count. Servers are asked; nothing is ordered or written. @throws StateError `KEY_NOT_FORKED` */
  planSettlement(args: SettlementWish): Promise<SettlementPlan>;
  /** Has the servers of a key settle which of them counts, or goes on with that. The public key stays the same. */
  settleKey(args: SettleKeyArgs, on?: OnProgress): Promise<SettledKey>;
  /** Takes such an order back at every server, whichever client of the owner gave it. */
  cancelSettlement(name: string): Promise<CancelledSettlement>;
}

export function createChangeCalls({
  context,
  store,
  readKey,
  signer,
  acting,
  silent,
}: ClientRoom): ChangeCalls {
  return {
    planChange: async ({ name, wish, byWords = false }) => {
      const key = await readKey(name);
      const plan = await planChange(context, key, wish);
      return byWords ? plannedByWords(context, key, plan) : plan;
    },
    changeKey: async (args, on = silent) => {
      const changed = await acting(
        afterSettled(context, readKey, args.name, () => changeKey(context, readKey, args, on)),
      );
      signer.forgetServers();
      return changed;
    },
    listChanges: () => listChanges(store),
    findChange: (id) => findChange(store, id),
    cancelChange: async (change, reason) => acting(cancelChange(context, change, parseReason(reason))),
    openOrders: (args) => readOpenOrders(context, args),
    cancelOrder: (order) => acting(cancelOrder(context, order)),
    showFork: async (name) => (await readOrderedForks(context, await readKey(name)))[0]?.fork ?? null,
    planSettlement: async (args) => planSettlement(context, await readKey(args.name), args),
    settleKey: async (args, on = silent) => {
      const settled = await acting(settleKey(context, readKey, args, on));
      signer.forgetServers();
      return settled;
    },
    cancelSettlement: async (name) => acting(cancelSettlement(context, await readKey(name))),
  };
}
