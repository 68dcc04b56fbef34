import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientStore } from '../store/client-store.js';
import { copyDisk } from './disks.js';
import { copyStore, type TestNetwork } from './test-network.js';

/** A moment of all servers and of the records of one machine of their owner, to which they come back as often as need be. */
export interface Moment {
  /** Clock and disks of all servers as they were then, everybody honest. @returns the records of then */
  back(): Promise<ClientStore>;
  /** One server alone, as `ckm server restore` does with a backup of then. */
  restore(name: string): Promise<void>;
  drop(): void;
}

/** @param store of the machine */
export async function keepMoment(network: TestNetwork, store: ClientStore): Promise<Moment> {
  const { now } = network;
  const records = await copyStore(store);
  const folders = new Map<string, string>();
  for (const server of network.servers) folders.set(server.name, await copyDisk(server));

  async function put(name: string): Promise<void> {
    const server = network.server(name);
    const worn = server.bare.dataDir;
    const dataDir = mkdtempSync(join(tmpdir(), 'ckm-moment-'));
    cpSync(folders.get(name)!, dataDir, { recursive: true });
    await server.restart({ dataDir });
    rmSync(worn, { recursive: true, force: true });
  }

  return {
    async back() {
      network.makeHonest();
      network.now = now;
      for (const { name } of network.servers) await put(name);
      return copyStore(records);
    },
    async restore(name) {
      await put(name);
      await network.server(name).bare.sessions.voidOpen('the database is an older one');
    },
    drop() {
      for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true });
    },
  };
}
