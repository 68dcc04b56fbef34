// @module-tag long
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Haproxy, isHaproxyHere, startHaproxy } from './haproxy.js';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { createProxiedOwners } from './proxied-owners.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(postgresPrograms() === null ? ['no initdb: set CKM_POSTGRES_BIN'] : []),
  ...(isHaproxyHere() ? [] : ['no haproxy']),
];
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(`alpha as three processes behind HAProxy, and bravo${reason}`, () => {
  let cluster: PostgresCluster;
  let proxy: Haproxy;
  let bravo: ServerProcess;
  const replicas: ServerProcess[] = [];
  const { clients, add, sign, close } = createProxiedOwners();

  beforeAll(async () => {
    cluster = await startPostgres();
    const environment = { CKM_DATABASE_URL: await cluster.createDatabase() };
    replicas.push(await spawnServer({ name: 'alpha', environment }));
    for (let i = 1; i < 3; i++)
      replicas.push(await spawnServer({ name: 'alpha', environment, replicaOf: replicas[0]!.dataDir }));
    bravo = await spawnServer({ name: 'bravo' });
    proxy = await startHaproxy(
      replicas.map((replica) => new URL(replica.url()).host),
      'hdr(CKM-Route)',
    );
  }, 60_000);
  afterAll(async () => {
    await close();
    await proxy.stop();
    for (const server of [...replicas, bravo]) await server.remove();
    await cluster.stop();
  });

  test('six owners make keys and sign with them, each attempt at once: every one of them stays at its replica', async () => {
    const owners = await Promise.all(
      Array.from({ length: 6 }, () => add({ alpha: proxy.url, bravo: bravo.url() })),
    );
    for (let round = 0; round < 4; round++) {
      const results = await Promise.all(owners.map(sign));
      expect(results.map(({ attempts, faulty }) => `${attempts} ${faulty.length}`)).toEqual(
        owners.map(() => '1 0'),
      );
    }
  }, 60_000);

  test('one replica is killed with kill -9: as soon as the proxy has noticed, whoever was at it goes on at another', async () => {
    await replicas[1]!.kill();
    for (const client of clients) {
      // Until its health check has failed, the proxy answers 503 to those whose replica it was.
      const { signers } = await vi.waitFor(() => sign(client), { timeout: 30_000, interval: 200 });
      expect(signers.toSorted()).toEqual(['alpha', 'bravo']);
    }
    // Its map of routes settles, and from then on one attempt is enough again.
    for (const client of clients) {
      await vi.waitFor(async () => expect((await sign(client)).attempts).toBe(1), {
        timeout: 30_000,
        interval: 200,
      });
    }
  }, 60_000);
});
