import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords, showServerRecord } from '../servers/servers.js';
import { type NotReached, reach } from './ask-everybody.js';
import { wrongCount } from './csr-errors.js';
import type { DepositPlace } from './deposit-envelope.js';
import type { ShareServer } from './share-server.js';
import { THREE_OF_FIVE, TWO_OF_THREE } from './split-secret.js';

/** Every pinned server. */
export function pinnedServers(context: ClientContext): Promise<readonly ServerRecord[]> {
  return listServerRecords(context.store);
}

/**
 * The servers that shares go to: those that are named, else the three that were pinned first.
 * @throws UsageError `DEPOSIT_SERVERS`, `SERVER_UNKNOWN`
 */
export async function chooseServers(
  context: ClientContext,
  names: readonly string[] | undefined,
): Promise<readonly ServerRecord[]> {
  const named = await namedServers(context, names);
  const chosen = named ?? (await oldestPinned(context)).slice(0, TWO_OF_THREE.of);
  if (chosen.length === TWO_OF_THREE.of || chosen.length === THREE_OF_FIVE.of) return chosen;
  throw wrongCount(chosen.length);
}

/**
 * Two more than those that have a share.
 * @throws UsageError `DEPOSIT_SERVERS`, `SERVER_UNKNOWN`
 */
export async function chooseTwoMore(
  context: ClientContext,
  places: readonly DepositPlace[],
  names: readonly string[] | undefined,
): Promise<readonly ServerRecord[]> {
  const isNew = ({ xid }: ServerRecord) => !places.some((place) => equalBytes(place.xid, xid));
  const named = await namedServers(context, names);
  const more = (named ?? (await oldestPinned(context))).filter(isNew);
  const wanted = THREE_OF_FIVE.of - places.length;
  const chosen = named === null ? more.slice(0, wanted) : more;
  if (chosen.length === wanted) return chosen;
  throw wrongCount(places.length + chosen.length);
}

async function namedServers(
  context: ClientContext,
  names: readonly string[] | undefined,
): Promise<readonly ServerRecord[] | null> {
  if (names === undefined) return null;
  const once = [...new Set(names)];
  return Promise.all(once.map((name) => showServerRecord(context.store, name)));
}

async function oldestPinned(context: ClientContext): Promise<readonly ServerRecord[]> {
  const pinned = await pinnedServers(context);
  return pinned.toSorted((a, b) => a.addedAt - b.addedAt);
}

export function placeOf({ name, url, xid }: DepositPlace): DepositPlace {
  return { name, url, xid };
}

/** The servers at places, as they are pinned; those that are not as they show themselves. */
export async function reachAll(
  context: ClientContext,
  places: readonly DepositPlace[],
): Promise<{ readonly servers: readonly ShareServer[]; readonly lost: readonly NotReached[] }> {
  const pinned = await pinnedServers(context);
  const reached = await Promise.all(
    places.map((place) => reach(context, place, { pinned, authority: null })),
  );
  return {
    servers: reached.flatMap((one) => ('error' in one ? [] : [one])),
    lost: reached.filter((one) => 'error' in one),
  };
}
