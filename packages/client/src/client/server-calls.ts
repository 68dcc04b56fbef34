import {
  addServer,
  type AddServerArgs,
  previewServer,
  type PreviewServerArgs,
  type ServerPreview,
} from '../introduction/add-server.js';
import { planRemoval, removeServer } from '../keys/remove-server.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords, showServerRecord } from '../servers/servers.js';
import type { Xid } from '@ckm/gordian';
import type { ClientRoom } from './client-room.js';

/** Servers that an owner has pinned. */
export interface ServerCalls {
  /** Looks who answers at an address. Writes nothing. @param args.name what it is to be called, if that is known */
  previewServer(url: string, args?: PreviewServerArgs): Promise<ServerPreview>;
  addServer(args: AddServerArgs): Promise<ServerRecord>;
  listServers(): Promise<readonly ServerRecord[]>;
  showServer(name: string): Promise<ServerRecord>;
  /**
   * The account of this owner at a pinned server, by which its operator tells him from others: the same for the words and every device.
   * Nobody is asked. @returns an XID, 32 bytes; null: none was opened there @throws StateError `DEVICE_UNKNOWN_THERE`
   */
  accountAt(name: string): Promise<Xid | null>;
  /** Checks that {@link ServerCalls.removeServer} would do. Writes nothing. */
  planRemoval(name: string): Promise<ServerRecord>;
  /** Forgets a server that no key needs. */
  removeServer(name: string): Promise<void>;
}

export function createServerCalls({ context, store, signer }: ClientRoom): ServerCalls {
  return {
    previewServer: (url, args) => previewServer(context, url, args),
    addServer: async (args) => {
      const record = await addServer(context, args);
      signer.forgetServers();
      return record;
    },
    listServers: () => listServerRecords(store),
    showServer: (name) => showServerRecord(store, name),
    accountAt: async (name) => {
      const { xid, accountSince } = await showServerRecord(store, name);
      return accountSince === null ? null : (await context.identityFor(xid)).xid;
    },
    planRemoval: (name) => planRemoval(store, name),
    removeServer: async (name) => {
      await removeServer(store, name);
      signer.forgetServers();
    },
  };
}
