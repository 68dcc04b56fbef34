import { equalBytes } from '@ckm/foundation';
import { type Correspondent, wipeIdentity, type Xid } from '@ckm/gordian';
import { createServerLink, type LinkMeans, type ServerLink } from '../carrier/server-link.js';
import { fetchIntroduction } from '../introduction/identity-card.js';
import { identityChanged } from '../servers/identity-changed.js';
import { type DepositSecret, depositIdentity } from './deposit-secret.js';
import type { DepositPlace } from './deposit-envelope.js';

/** A server that keeps shares, pinned or found by what lies at another one. */
export interface ShareServer extends Correspondent, DepositPlace {
  readonly xid: Xid;
  readonly authority: string | null;
}

/** What speaks to servers without an owner: whoever has lost everything has none. */
export type ShareMeans = LinkMeans;

/** Speaks to one server as the owner of shares, for as long as work goes on. */
export async function speakForShares<T>(
  means: ShareMeans,
  secret: DepositSecret,
  server: ShareServer,
  work: (link: ServerLink, account: Xid) => Promise<T>,
): Promise<T> {
  const identity = depositIdentity(secret, server.xid);
  try {
    return await work(createServerLink(means, identity, server), identity.xid);
  } finally {
    wipeIdentity(identity);
  }
}

/**
 * The server at a place, with the keys that it shows.
 * @param authority certificates (PEM) that vouch for it on the way; null: those that the machine knows
 * @throws AccessError `SERVER_IDENTITY_CHANGED`, `SERVER_IDENTITY_INVALID`; as `fetchIntroduction`
 */
export async function serverAt(
  means: ShareMeans,
  { name, url, xid }: DepositPlace,
  authority: string | null,
): Promise<ShareServer> {
  const address = means.carrier.parseAddress(url);
  const seen = await fetchIntroduction(means.carrier, address, means.timeoutMs, authority);
  if (!equalBytes(seen.xid, xid)) throw identityChanged(name);
  return { name, url: address, xid, publicKeys: seen.publicKeys, authority };
}
