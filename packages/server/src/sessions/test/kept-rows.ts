import { join } from 'node:path';
import type { DatabaseFile } from '../../test/database-file.js';
import { tamperWith } from '../../test/rooms.js';
import type { BareCaller, BareServer } from './bare-server.js';
import { alice, type BareServers } from './bare-servers.js';

const TABLES = ['keys', 'key_epochs', 'shares', 'changes', 'tightenings'] as const;

type Row = Readonly<Record<string, unknown>>;

/** Every row of one key, as whoever can write to the database of its server keeps them. */
type KeptRows = ReadonlyMap<string, readonly Row[]>;

/** Servers of a test, by their places. */
interface Running {
  readonly servers: BareServer[];
  /** As Alice. */
  readonly callers: BareCaller[];
}

/** Keeps all rows of a key of Alice's, while the server is off. */
export async function keepRows(
  network: BareServers,
  running: Running,
  place: number,
  keyId: Uint8Array,
): Promise<KeptRows> {
  const kept = new Map<string, readonly Row[]>();
  await whileOff(network, running, place, (database) => {
    for (const table of TABLES)
      kept.set(table, database.prepare(`select * from ${table} where key_id = ?`).all(keyId) as Row[]);
  });
  return kept;
}

/** Puts them back while the server is off; its log, its files and all other rows stay as they are. */
export function putRowsBack(
  network: BareServers,
  running: Running,
  place: number,
  keyId: Uint8Array,
  kept: KeptRows,
): Promise<void> {
  return whileOff(network, running, place, (database) => {
    for (const table of TABLES) {
      database.prepare(`delete from ${table} where key_id = ?`).run(keyId);
      for (const row of kept.get(table)!) insert(database, table, row);
    }
  });
}

async function whileOff(
  network: BareServers,
  { servers, callers }: Running,
  place: number,
  work: (database: DatabaseFile) => void,
): Promise<void> {
  const server = servers[place]!;
  await server.stop();
  tamperWith(join(server.dataDir, 'ckm.sqlite'), work);
  servers[place] = await network.restart(server);
  callers[place] = await servers[place].as(alice);
}

function insert(database: DatabaseFile, table: string, row: Row): void {
  const names = Object.keys(row);
  const places = names.map(() => '?');
  const into = `insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`;
  database.prepare(into).run(...Object.values(row));
}
