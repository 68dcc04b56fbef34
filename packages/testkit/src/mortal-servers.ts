import { createMortalOwner, type MortalOwner } from './mortal-owners.js';
import { postgresPrograms, startPostgres } from './postgres.js';
import { spawnServer, type ServerProcess } from './server-process.js';

/** Where PostgreSQL is not installed every server is on SQLite. */
export const hasPostgres = postgresPrograms() !== null;

/** For the name of what is tried on both. */
export const ENGINES = `SQLite and ${hasPostgres ? 'PostgreSQL' : 'nothing else (PostgreSQL is not installed here)'}`;

/** Servers in processes of their own, which may be killed, and the owner of keys there. */
export interface MortalServers {
  readonly servers: readonly ServerProcess[];
  readonly owner: MortalOwner;
  close(): Promise<void>;
}

/** @param onPostgres those that are on PostgreSQL where it is installed; the others are on SQLite */
export async function startMortalServers(
  names: readonly string[],
  onPostgres: readonly string[] = [],
): Promise<MortalServers> {
  const cluster = hasPostgres && onPostgres.length > 0 ? await startPostgres() : null;
  const servers: ServerProcess[] = [];
  for (const name of names) {
    const isThere = cluster !== null && onPostgres.includes(name);
    const environment = isThere ? { CKM_DATABASE_URL: await cluster.createDatabase() } : {};
    servers.push(await spawnServer({ name, environment }));
  }
  const owner = await createMortalOwner(servers);
  return {
    servers,
    owner,
    async close() {
      await owner.close();
      for (const server of servers) await server.remove();
      await cluster?.stop();
    },
  };
}
