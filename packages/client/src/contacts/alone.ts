import type { ContactView } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { newestParams } from '../keys/chain/key-chain.js';
import { listKeyRecords } from '../keys/keys.js';
import { listServerRecords } from '../servers/servers.js';

/** A contact at one server. */
export interface ContactAt extends ContactView {
  readonly server: string;
}

/** One contact that is enough alone for a key: no way back, but a way around the quorum. */
export interface AloneContact {
  /** An address; or `app`, `person`: all of that kind, which may be one and the same. */
  readonly who: string;
  readonly key: string;
  /** Names of servers at which it brings whoever has it back. */
  readonly servers: readonly string[];
  readonly needed: number;
}

/**
 * Contacts that serve at as many servers as some key needs: whoever has that one has the key, after a delay. No server can know; operators are different
 * people at different servers.
 */
export async function aloneContacts(
  { store }: Pick<ClientContext, 'store'>,
  contacts: readonly ContactAt[],
): Promise<readonly AloneContact[]> {
  const servers = await listServerRecords(store);
  const groups = new Map<string, Set<string>>();
  for (const one of contacts) {
    const who = nameOfContact(one);
    if (who !== null) groups.set(who, (groups.get(who) ?? new Set()).add(one.server));
  }
  const found: AloneContact[] = [];
  for (const record of await listKeyRecords(store)) {
    const { quorum, roster } = newestParams(record);
    for (const [who, at] of groups) {
      const names = servers
        .filter(({ name, xid }) => at.has(name) && roster.some((one) => equalBytes(one.serverId, xid)))
        .map(({ name }) => name);
      if (names.length >= quorum.needed)
        found.push({ who, key: record.name, servers: names, needed: quorum.needed });
    }
  }
  return found;
}

/** What one contact is called that may serve at several servers; null: operators are different people at different servers. */
export function nameOfContact({ kind, name }: Pick<ContactAt, 'kind' | 'name'>): string | null {
  if (kind === 'operator') return null;
  return kind === 'mail' ? name : WHO[kind];
}

const WHO = { totp: 'app', xid: 'person' } as const;
