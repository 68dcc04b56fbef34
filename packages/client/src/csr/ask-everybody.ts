import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { DepositPlace } from './deposit-envelope.js';
import type { DepositSecret } from './deposit-secret.js';
import { lookAtShares, type ShownShares } from './look-at-shares.js';
import { type ShareMeans, type ShareServer, serverAt } from './share-server.js';

/** Where to look for shares. */
export interface Whereabouts {
  /** Where to begin. */
  readonly from: readonly ShareServer[];
  /** Servers that are pinned: an envelope that names one of them is no reason to go to another address. */
  readonly pinned: readonly ShareServer[];
  /** Certificates (PEM) that vouch for servers that only an envelope names; null: those that the machine knows. */
  readonly authority: string | null;
}

/** A server that an envelope names, and that is not there, or is somebody else. */
export interface NotReached {
  readonly place: DepositPlace;
  readonly error: CkmError;
}

/** More are never followed: a set has five servers, and the one before it five others. */
const MOST_FOUND = 16;

/** Asks the servers where one begins, and everybody who is named in what they keep. */
export async function askEverybody(
  means: ShareMeans,
  secret: DepositSecret,
  { from, pinned, authority }: Whereabouts,
): Promise<{ readonly shown: readonly ShownShares[]; readonly lost: readonly NotReached[] }> {
  const shown: ShownShares[] = [];
  const lost: NotReached[] = [];
  const asked = new Set<string>(from.map(({ xid }) => encodeHex(xid)));
  let servers = from;
  while (servers.length > 0) {
    const answers = await Promise.all(servers.map((server) => lookAtShares(means, secret, server)));
    shown.push(...answers);
    const named = answers.flatMap(({ deposits }) => deposits.flatMap(({ places }) => places));
    const fresh = [...new Map(named.map((place) => [encodeHex(place.xid), place]))]
      .filter(([xid]) => !asked.has(xid))
      .slice(0, from.length + MOST_FOUND - asked.size);
    for (const [xid] of fresh) asked.add(xid);
    const reached = await Promise.all(fresh.map(([, place]) => reach(means, place, { pinned, authority })));
    lost.push(...reached.filter((one) => 'error' in one));
    servers = reached.flatMap((one) => ('error' in one ? [] : [one]));
  }
  return { shown, lost };
}

/** The server at a place, as it is pinned, else as it shows itself there. */
export async function reach(
  means: ShareMeans,
  place: DepositPlace,
  { pinned, authority }: Pick<Whereabouts, 'pinned' | 'authority'>,
): Promise<ShareServer | NotReached> {
  const known = pinned.find((one) => equalBytes(one.xid, place.xid));
  if (known !== undefined) return known;
  try {
    return await serverAt(means, place, authority);
  } catch (error) {
    if (error instanceof CkmError) return { place, error };
    throw error;
  }
}
