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
import type { ClientRoom } from './client-room.js';

/** Servers that an owner has pinned. */
export interface ServerCalls {
  /** Looks who answers at an address. Writes nothing. @param args.name what it is to be called, if that is known */
  previewServer(url: string, args?: PreviewServerArgs): Promise<ServerPreview>;
  addServer(args: AddServerArgs): Promise<ServerRecord>;
  listServers(): Promise<readonly ServerRecord[]>;
  showServer(name: string): Promise<ServerRecord>;
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
    planRemoval: (name) => planRemoval(store, name),
    removeServer: async (name) => {
      await removeServer(store, name);
      signer.forgetServers();
    },
  };
}
