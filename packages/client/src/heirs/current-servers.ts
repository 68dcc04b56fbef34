import type { InvitingServer } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { RosterEntry } from '@ckm/threshold';
import { type ApproverKey, saveApproverKey } from '../approver/approver-key.js';
import { askServers } from '../approver/ask-servers.js';
import { firstOfMost } from '../approver/first-certificate.js';
import { type ApproverMeans, epochKnown } from '../approver/look.js';
import type { ServerLink } from '../carrier/server-link.js';
import { fetchIntroduction } from '../introduction/identity-card.js';
import { changesOf, newestParams, notedChain } from '../keys/chain/key-chain.js';
import { learn, orNothing } from '../keys/chain/learn-chain.js';
import { shortId } from '../store/track.js';
import { heirLink } from './heir-link.js';

/**
 * A key with the servers that hold it now: whoever was invited knows those of then, and the word of each of today is wanted. The certificates that any of them shows
 * lead from the one that is known here, or from one of just the invited servers that enough of them show, and nobody else says who they are.
 */
export async function withCurrentServers(
  means: ApproverMeans,
  me: Identity,
  key: ApproverKey,
): Promise<ApproverKey> {
  const known = await withFirst(means, me, key);
  const first = epochKnown(known);
  const { certificate } = known;
  if (certificate === null || first === null) return key;
  const meant = { keyId: key.keyId, first: first.transcriptHash };
  const { heard } = await askServers(means, me, known, (link) =>
    learn(heirLink(link, meant, key.name), key.keyId, notedChain({ certificate })),
  );
  const chains = heard.map(({ said }) => said);
  const [newest] = chains.toSorted((one, other) => changesOf(other).length - changesOf(one).length);
  if (newest === undefined) return known;
  const { roster } = newestParams(newest);
  const isSame =
    roster.length === key.servers.length && roster.every((entry) => knownIn(key, entry) !== undefined);
  if (isSame && key.certificate !== null) return key;
  const servers = await Promise.all(roster.map(async (entry) => knownIn(key, entry) ?? reach(means, entry)));
  const current = { ...known, servers: servers.filter((one) => one !== null) };
  await saveApproverKey(means.store, current);
  return current;
}

/** The key with its first certificate, where enough of the invited servers show one and the same. */
async function withFirst(means: ApproverMeans, me: Identity, key: ApproverKey): Promise<ApproverKey> {
  if (key.certificate !== null) return key;
  const { heard } = await askServers(means, me, key, (link) =>
    firstAt(heirLink(link, { keyId: key.keyId, first: null }, key.name), key),
  );
  const first = firstOfMost(
    key,
    heard.map(({ said }) => said),
  );
  if (first === null || !first.isWordOfEnough) return key;
  return { ...key, certificate: first.certificate, isShown: true };
}

async function firstAt(link: ServerLink, { keyId }: ApproverKey): Promise<Uint8Array | null> {
  const shown = await orNothing(() => link.call('key.chain', { keyId, after: null }));
  return shown?.certificates[0] ?? null;
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
