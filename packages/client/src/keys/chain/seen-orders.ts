import type { OpenOrder } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { hashOrder, membersNeeded, type Quorum } from '@ckm/threshold';
import type { ServerRecord } from '../../servers/server-record.js';
import { shortId } from '../../store/track.js';
import { changeIdOf, type ChangeRecord } from './change-record.js';
import { type KeyChain, newestParams } from './key-chain.js';

/** An order about who holds a key next, as its servers show it to every client of the owner. */
export interface SeenOrder {
  /** First eight hex digits of its hash, by which it is taken back. */
  readonly id: string;
  /** 32 bytes. Its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
  /** The owner's name of the key. */
  readonly key: string;
  readonly keyId: Uint8Array;
  /** The epoch whose members decide. */
  readonly epoch: number;
  /**
   * `open`: it is on record here, and goes on. `over`: it was taken back here, or came to its end, and these servers have not heard.
   * `strange`: it was not given here; another client of the owner did, or a thief.
   */
  readonly origin: 'open' | 'over' | 'strange';
  /** Who shows it. */
  readonly servers: readonly string[];
  /** Who holds the key now; null: the order follows an epoch that is not on record here yet. */
  readonly old: Membership | null;
  readonly next: Membership;
  /** Servers that do not hold the key now, and those that would not any more; none where `old` is null. */
  readonly joining: readonly SeenMember[];
  readonly leaving: readonly SeenMember[];
  /** Whose operators are asked, and have not answered. */
  readonly asking: readonly string[];
  /** UnixSeconds: when enough of them may take part to decide; null: there is no time to wait for. */
  readonly readyAt: number | null;
  /** Whether a server shows it as one by the words, on which fewer servers decide than ever do: any device takes it back. */
  readonly byWords: boolean;
}

/** Who holds a key, and how many of them it takes. */
export interface Membership {
  readonly quorum: Quorum;
  readonly members: readonly SeenMember[];
}

/** A server as an order names it. */
export interface SeenMember {
  /** As its owner calls it; null: it is not on record here. */
  readonly name: string | null;
  /** 32 bytes. Its likeness in words is how people compare servers. */
  readonly xid: Uint8Array;
}

/** What one server shows of a key. */
export interface ShownOrder {
  /** As its owner calls it. */
  readonly server: string;
  readonly shown: OpenOrder;
}

/** A key as it is on record. */
interface NamedChain extends KeyChain {
  readonly name: string;
}

/** What is on record of the owner's own side. */
export interface OrderRecords {
  readonly servers: readonly ServerRecord[];
  readonly changes: readonly ChangeRecord[];
}

/**
 * The orders that servers show for a key, each once, by what it says and not by what a server calls it. What is of another key, or
 * follows an epoch that is over, counts for nothing and is left out.
 */
export function seenOrders(
  record: NamedChain,
  all: readonly ShownOrder[],
  records: OrderRecords,
): readonly SeenOrder[] {
  const { keyId, epoch } = newestParams(record);
  const byHash = new Map<string, ShownOrder[]>();
  for (const one of all) {
    const { order } = one.shown;
    if (!equalBytes(order.keyId, keyId) || order.epoch < epoch) continue;
    const hash = encodeHex(hashOrder(order));
    byHash.set(hash, [...(byHash.get(hash) ?? []), one]);
  }
  return [...byHash.values()].map((shown) => seenOrder(record, shown, records));
}

function seenOrder(
  record: NamedChain,
  shown: readonly ShownOrder[],
  { servers, changes }: OrderRecords,
): SeenOrder {
  const { order } = shown[0]!.shown;
  const orderHash = hashOrder(order);
  const params = newestParams(record);
  const memberOf = (xid: Uint8Array): SeenMember => ({
    name: servers.find((one) => equalBytes(one.xid, xid))?.name ?? null,
    xid,
  });
  const next = order.roster.map(({ serverId }) => memberOf(serverId));
  const now = params.roster.map(({ serverId }) => memberOf(serverId));
  const isKnown = order.epoch === params.epoch;
  const without = (some: readonly SeenMember[], others: readonly SeenMember[]) =>
    isKnown ? some.filter(({ xid }) => !others.some((one) => equalBytes(one.xid, xid))) : [];
  const given = changes.find((one) => equalBytes(changeIdOf(one), orderHash));
  // When as many may take part as decide, whatever a few of them say.
  const times = shown.map(({ shown: { readyAt } }) => readyAt ?? 0).toSorted((a, b) => a - b);
  const { quorum, flags } = params;
  const byWords = shown.some((one) => one.shown.byWords === true);
  const ever = isKnown ? membersNeeded(quorum, flags.strict) : Math.floor(shown.length / 2) + 1;
  const deciding = byWords ? Math.min(ever, quorum.needed) : ever;
  const readyAt = times[Math.min(deciding, times.length) - 1]!;
  return {
    id: shortId(orderHash),
    orderHash,
    key: record.name,
    keyId: params.keyId,
    epoch: order.epoch,
    origin: given === undefined ? 'strange' : given.state === 'open' ? 'open' : 'over',
    servers: shown.map(({ server }) => server),
    old: isKnown ? { quorum, members: now } : null,
    next: { quorum: order.quorum, members: next },
    joining: without(next, now),
    leaving: without(now, next),
    asking: shown.flatMap(({ server, shown: { asked } }) => (asked ? [server] : [])),
    readyAt: readyAt === 0 ? null : readyAt,
    byWords,
  };
}
