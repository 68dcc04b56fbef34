import type { InvitingServer, ListedMatter, Result, ShownMatter, VoteMatter } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import { createServerLink, type LinkMeans, type ServerLink } from '../carrier/server-link.js';
import { causeOf } from '../servers/causes.js';
import type { Identity } from '@ckm/gordian';
import type { ApproverKey } from './approver-key.js';

/** A server that gave no answer which could be used. */
export interface SilentHere {
  readonly server: string;
  readonly code: string;
  /** As in "does not answer". */
  readonly text: string;
}

/** What each server of a key said that answered, in the order of the servers. */
export interface Heard<T> {
  readonly heard: readonly { readonly server: InvitingServer; readonly said: T }[];
  readonly silent: readonly SilentHere[];
}

/** So many pages of 64 are read of one server: more than a few accounts can fill with what hides the rest, and fewer than a server answers in a minute. */
const MOST_PAGES = 24;

/** Asks all servers of a key at once, as somebody who shows who he is. */
export async function askServers<T>(
  means: LinkMeans,
  me: Identity,
  { servers }: Pick<ApproverKey, 'servers'>,
  ask: (link: ServerLink, server: InvitingServer) => Promise<T>,
): Promise<Heard<T>> {
  const heard: { server: InvitingServer; said: T }[] = [];
  const silent: SilentHere[] = [];
  await Promise.all(
    servers.map(async (server) => {
      try {
        heard.push({ server, said: await ask(createServerLink(means, me, server), server) });
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        silent.push({ server: server.name, code: error.code, text: causeOf(error) });
      }
    }),
  );
  const inOrder = servers.map(({ name }) => name);
  return {
    heard: heard.toSorted((a, b) => servers.indexOf(a.server) - servers.indexOf(b.server)),
    silent: silent.toSorted((a, b) => inOrder.indexOf(a.server) - inOrder.indexOf(b.server)),
  };
}

/**
 * Everything of one key that waits at one server, by its whole name: other accounts, and the same one, may ask for something else under its id.
 * @param known transcript hash of the first certificate of the key; null: none is known
 */
export async function listAt(
  link: ServerLink,
  of: { readonly keyId: Uint8Array; readonly known: Uint8Array | null },
): Promise<ReadonlyMap<string, ListedMatter>> {
  const found = new Map<string, ListedMatter>();
  let after: Uint8Array | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const listed: Result<'approval.list'> = await link.call(
      'approval.list',
      { after, of },
      { introduce: true },
    );
    for (const one of listed.matters) found.set(nameOfListed(one), one);
    if (listed.next === null) break;
    after = listed.next;
  }
  return found;
}

function nameOfListed({ matter, matterId, keyId }: ListedMatter): string {
  return `${matter} ${encodeHex(matterId)} ${encodeHex(keyId)}`;
}

/** What one server shows of a matter; null: it asks nobody about that, or not this approver. */
export async function showAt(
  link: ServerLink,
  of: { readonly matter: VoteMatter; readonly matterId: Uint8Array; readonly keyId: Uint8Array },
  known: Uint8Array | null,
): Promise<ShownMatter | null> {
  try {
    return await link.call('approval.show', { ...of, known }, { introduce: true });
  } catch (error) {
    if (error instanceof CkmError && error.code === 'MATTER_UNKNOWN') return null;
    throw error;
  }
}
