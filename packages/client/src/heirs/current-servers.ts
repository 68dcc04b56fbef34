import type { InvitingServer } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { RosterEntry } from '@ckm/threshold';
import { type ApproverKey, saveApproverKey } from '../approver/approver-key.js';
import { askServers } from '../approver/ask-servers.js';
import type { ApproverMeans } from '../approver/look.js';
import { firstEpoch } from '../approver/matter.js';
import type { ServerLink } from '../carrier/server-link.js';
import { fetchIntroduction } from '../introduction/identity-card.js';
import { changesOf, type KeyChain, newestParams, notedChain } from '../keys/chain/key-chain.js';
import { learn, orNothing } from '../keys/chain/learn-chain.js';
import { shortId } from '../store/track.js';
import { heirLink } from './heir-link.js';

/**
 * A key with the servers that hold it now: whoever was invited knows those of then, and the word of each of today is wanted. The certificates that any of them shows
 * lead from the one that is known here, or from one that names the invited servers alone, and nobody else says who they are.
 */
export async function withCurrentServers(
  means: ApproverMeans,
  me: Identity,
  key: ApproverKey,
): Promise<ApproverKey> {
  const { heard } = await askServers(means, me, key, (link) =>
    chainAt(heirLink(link, { keyId: key.keyId, first: null }, key.name), key),
  );
  const chains = heard.flatMap(({ said }) => said ?? []);
  const [newest] = chains.toSorted((one, other) => changesOf(other).length - changesOf(one).length);
  if (newest === undefined) return key;
  const { roster } = newestParams(newest);
  const isSame =
    roster.length === key.servers.length && roster.every((entry) => knownIn(key, entry) !== undefined);
  if (isSame && key.certificate !== null) return key;
  const servers = await Promise.all(roster.map(async (entry) => knownIn(key, entry) ?? reach(means, entry)));
  const current = { ...key, certificate: newest.certificate, servers: servers.filter((one) => one !== null) };
  await saveApproverKey(means.store, current);
  return current;
}

/** Null: it shows none that follows from what is known here. */
async function chainAt(link: ServerLink, key: ApproverKey): Promise<KeyChain | null> {
  const certificate = key.certificate ?? (await firstAt(link, key));
  return certificate === null ? null : learn(link, key.keyId, notedChain({ certificate }));
}

async function firstAt(link: ServerLink, key: ApproverKey): Promise<Uint8Array | null> {
  const shown = await orNothing(() => link.call('key.chain', { keyId: key.keyId, after: null }));
  const first = shown?.certificates[0];
  return first !== undefined && firstEpoch(first, key, 'server') !== null ? first : null;
}

function knownIn({ servers }: ApproverKey, { serverId }: RosterEntry): InvitingServer | undefined {
  return servers.find(({ xid }) => equalBytes(xid, serverId));
}

/** A server that came to the key later, at the address that is certified. Null: it does not answer there, or another one does. */
async function reach(
  { carrier, timeoutMs }: ApproverMeans,
  { serverId, url }: RosterEntry,
): Promise<InvitingServer | null> {
  try {
    const { xid, publicKeys } = await fetchIntroduction(carrier, url, timeoutMs, null);
    return equalBytes(xid, serverId) ? { name: shortId(xid), url, publicKeys, xid, authority: null } : null;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}
