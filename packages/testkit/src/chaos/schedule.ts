import { createChaosServer, type ChaosServer } from './chaos-server.js';
import { type Database, postgresDatabase, sqliteDatabase } from './databases.js';
import { createNetwork } from './network.js';
import { createObserver } from './observer.js';
import { createOwner } from './owner.js';
import { createSeeded } from './seeded.js';
import type { PostgresCluster } from '../postgres.js';

/** What one schedule came to. */
export interface ChaosReport {
  readonly seed: string;
  readonly database: 'sqlite' | 'postgres';
  /** Empty: nothing happened that may not. */
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly keys: number;
  readonly signatures: number;
  /** Nonce commitments for which a share left a server. */
  readonly shares: number;
  /** Epochs that came into use behind the first one of their key. */
  readonly epochs: number;
  /** What owners did with keys and was done, how often. */
  readonly done: ReadonlyMap<string, number>;
}

const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];
const OWNERS = ['alice', 'bob'];
/** Long enough that no message of the faulty time is valid any more, short enough that no session expires. */
const PEACE_SECONDS = 1_000;

/**
 * Two owners make keys with four servers, sign with them and change who holds them, while everything around them fails as the seed says; then
 * all of it works again, and the invariants are checked. The same seed gives the same choices; what PostgreSQL and timers
 * do in between is theirs.
 */
export async function runSchedule(seed: string, cluster: PostgresCluster | null): Promise<ChaosReport> {
  const seeded = createSeeded(seed);
  let now = 1_800_000_000;
  const violations: string[] = [];
  const observer = createObserver();
  const servers: ChaosServer[] = [];
  const database = (dataDir: string): Promise<Database> =>
    cluster === null ? Promise.resolve(sqliteDatabase(dataDir)) : postgresDatabase(cluster);
  try {
    for (const name of NAMES) {
      const server = await createChaosServer({ name, now: () => now, seeded: seeded.fork(name), database });
      servers.push(server);
      await server.start();
    }
    const network = createNetwork({
      servers,
      seeded: seeded.fork('network'),
      observer,
      tick: () => {
        now += seeded.oneIn(3) ? 1 : 0;
      },
      crashed: ({ name }, error) =>
        violations.push(`${name} does not start: ${String((error as Error).stack)}`),
    });
    const owners = OWNERS.map((name) =>
      createOwner({
        name,
        seed: seeded.fork(name).bytes(32),
        servers,
        network,
        seeded: seeded.fork(`${name} acts`),
        now: () => now,
        pass: (seconds) => {
          now += seconds;
        },
        violate: (what) => violations.push(what),
      }),
    );
    await Promise.all(owners.map((owner) => owner.live()));
    await network.stopFaults();
    now += PEACE_SECONDS;
    for (const owner of owners) await owner.settle();
    await verifyServers(servers, violations);
    return {
      seed,
      database: cluster === null ? 'sqlite' : 'postgres',
      violations: [...violations, ...observer.violations],
      faults: network.faults,
      keys: owners.reduce((sum, { keys }) => sum + keys.length, 0),
      signatures: owners.reduce((sum, { signed }) => sum + signed, 0),
      shares: observer.shares(),
      epochs: observer.epochs(),
      done: sumOf(owners.map(({ done }) => done)),
    };
  } finally {
    for (const server of servers) await server.remove();
  }
}

function sumOf(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const [name, count] of counts.flatMap((one) => [...one])) sum.set(name, (sum.get(name) ?? 0) + count);
  return sum;
}

async function verifyServers(servers: readonly ChaosServer[], violations: string[]): Promise<void> {
  for (const server of servers) {
    const { context } = server.open();
    const audit = await context.audit.verify(context.storage);
    if (!audit.ok)
      violations.push(`${server.name}: its audit log is broken at ${audit.brokenAt}: ${audit.why}`);
    for (const bug of server.bugs) violations.push(`${server.name} reported a defect of its own: ${bug}`);
  }
}
