import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { listChanges } from '../chain/change-record.js';
import { newestParams } from '../chain/key-chain.js';
import { type SeenOrder, seenOrders, type ShownOrder } from '../chain/seen-orders.js';
import { heldKeysOf } from '../fetch/unrecorded.js';
import type { KeyRecord } from '../key-record.js';
import { listKeyRecords, loadKeyRecord } from '../keys.js';
import { unrecordedMember } from '../roster.js';

/** Orders about keys, as far as servers say. */
export interface OpenOrders {
  readonly orders: readonly SeenOrder[];
  /** Keys that servers answer nothing with, because they have seen two certificates of one epoch, and which servers. */
  readonly forked: readonly { readonly key: string; readonly servers: readonly string[] }[];
  /** Servers that did not say whether there are any. */
  readonly silent: readonly string[];
}

export interface OpenOrdersArgs {
  /** One key alone; left out: all. */
  readonly name?: string;
  /** Longest wait for all of them. Default: as for everything. */
  readonly timeoutMs?: number;
}

/**
 * Asks servers which orders about who holds a key next wait there, whichever client of the owner gave them.
 * @throws UsageError `KEY_UNKNOWN`
 */
export async function readOpenOrders(
  context: ClientContext,
  { name, timeoutMs = context.timeoutMs }: OpenOrdersArgs = {},
): Promise<OpenOrders> {
  const { store } = context;
  const keys = name === undefined ? await listKeyRecords(store) : [await loadKeyRecord(store, name)];
  const servers = await listServerRecords(store);
  const asked = servers.filter(({ xid }) => isOfOne(keys, xid));
  const answers = await Promise.all(
    asked.map(async (server) => ({
      server,
      shown: await shownBy(context, server, { name, keys, timeoutMs }),
    })),
  );
  const records = { servers, changes: await listChanges(store) };
  const orders = keys.flatMap((key) => {
    const id = encodeHex(newestParams(key).keyId);
    const shown = answers.flatMap((one) => one.shown?.orders.get(id) ?? []);
    return seenOrders(key, shown, records);
  });
  const forked = keys.flatMap(({ name: keyName, ...key }) => {
    const id = encodeHex(newestParams(key).keyId);
    const at = answers.flatMap(({ server, shown }) => (shown?.forked.has(id) === true ? [server.name] : []));
    return at.length === 0 ? [] : [{ key: keyName, servers: at }];
  });
  return {
    orders,
    forked,
    silent: answers.flatMap(({ server, shown }) => (shown === null ? [server.name] : [])),
  };
}

function isOfOne(keys: readonly KeyRecord[], xid: Uint8Array): boolean {
  const wanted = encodeHex(xid);
  return keys.some((key) => newestParams(key).roster.some(({ serverId }) => encodeHex(serverId) === wanted));
}

/** What one server shows, by the hex id of the key; null: it does not say. */
async function shownBy(
  context: ClientContext,
  server: ServerRecord,
  {
    name,
    keys,
    timeoutMs,
  }: { readonly name: string | undefined; readonly keys: readonly KeyRecord[]; readonly timeoutMs: number },
): Promise<Shown | null> {
  const held =
    name === undefined
      ? await heldKeysOf(context, server, { timeoutMs })
      : await oneKeyOf(context, server, newestParams(keys[0]!).keyId, timeoutMs);
  if (held instanceof CkmError) return null;
  const orders = held.keys.flatMap(({ keyId, order }) =>
    order === undefined ? [] : [[encodeHex(keyId), { server: server.name, shown: order }] as const],
  );
  const forked = held.keys.flatMap(({ keyId, forked: epoch }) =>
    epoch === undefined ? [] : [encodeHex(keyId)],
  );
  return { orders: new Map(orders), forked: new Set(forked) };
}

/** What a server shows of keys, by their ids in hex. */
interface Shown {
  readonly orders: ReadonlyMap<string, ShownOrder>;
  readonly forked: ReadonlySet<string>;
}

async function oneKeyOf(context: ClientContext, server: ServerRecord, keyId: Uint8Array, timeoutMs: number) {
  try {
    const link = await context.linkTo(server);
    return { keys: [(await link.call('key.show', { keyId }, { timeoutMs })).key] };
  } catch (error) {
    if (error instanceof CkmError) return error;
    throw error;
  }
}

/** What became of an order that was taken back, by server. */
export interface CancelledOrder {
  /** They have taken it back, or did not know it. */
  readonly at: readonly string[];
  /** They have gone on to another epoch: the order may have been carried out. */
  readonly decided: readonly string[];
  /** They have taken it back, and old members had bound themselves before: what was locked then may come all the same. */
  readonly bound: readonly string[];
  /** They did not say so: it may wait there. */
  readonly silent: readonly string[];
}

/**
 * Takes an order back at every server of the key, at those that show it, and at those that would join, whichever client of the owner
 * gave it.
 */
export async function cancelOrder(context: ClientContext, order: SeenOrder): Promise<CancelledOrder> {
  const { old, next, servers: showing } = order;
  const concerned = [...(old?.members ?? []), ...next.members].map(({ xid }) => encodeHex(xid));
  const recorded = await listServerRecords(context.store);
  const servers = recorded.filter(
    ({ name, xid }) => showing.includes(name) || concerned.includes(encodeHex(xid)),
  );
  // Those that decide are known from the certificate, though this client never added them: without them it goes on.
  const deciding = newestParams(await loadKeyRecord(context.store, order.key)).roster.filter(
    ({ serverId }) => !recorded.some(({ xid }) => equalBytes(xid, serverId)),
  );
  return cancelAt(context, [...servers, ...deciding.map(unrecordedMember)], order);
}

/** Takes an order back at these servers. */
export async function cancelAt(
  context: ClientContext,
  servers: readonly ServerRecord[],
  { keyId, epoch, orderHash }: Pick<SeenOrder, 'keyId' | 'epoch' | 'orderHash'>,
): Promise<CancelledOrder> {
  const ask = async (server: ServerRecord): Promise<Outcome> => {
    try {
      const link = await context.linkTo(server);
      const view = await link.call('change.cancel', { keyId, epoch, orderHash }, { timeoutMs: CANCEL_MS });
      return view.locked === null ? 'cancelled' : 'bound';
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
      if (NOT_THERE.includes(error.code)) return 'cancelled';
      const { epoch: at } = error.facts;
      const isAhead = error.code === 'KEY_EPOCH_DIFFERS' && typeof at === 'number' && at > epoch;
      return isAhead || error.code === 'KEY_LEFT' ? 'decided' : 'silent';
    }
  };
  const outcomes = await Promise.all(servers.map(async (server) => ({ server, outcome: await ask(server) })));
  const those = (...wanted: readonly Outcome[]) =>
    outcomes.flatMap(({ server, outcome }) => (wanted.includes(outcome) ? [server.name] : []));
  return {
    at: those('cancelled', 'bound'),
    decided: those('decided'),
    bound: those('bound'),
    silent: those('silent'),
  };
}

type Outcome = 'cancelled' | 'bound' | 'decided' | 'silent';

/** Longest wait for one server that is told of a cancelled change. */
const CANCEL_MS = 3_000;

/** What a server answers that does not have that order. */
const NOT_THERE: readonly string[] = ['CHANGE_UNKNOWN', 'KEY_UNKNOWN'];
