// @module-tag long
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { createProxiedOwners } from './proxied-owners.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';
import { isWebProxyHere, startWebProxy, trust, type WebProxy } from './web-proxy.js';

const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(postgresPrograms() === null ? ['no initdb: set CKM_POSTGRES_BIN'] : []),
  ...(['nginx', 'caddy'] as const).filter((name) => !isWebProxyHere(name)).map((name) => `no ${name}`),
];
const reason = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;

describe.skipIf(missing.length > 0)(
  `alpha as two processes behind nginx and Caddy as docs/operating.md has them, and bravo${reason}`,
  () => {
    let cluster: PostgresCluster;
    let bravo: ServerProcess;
    let forget: () => void;
    const replicas: ServerProcess[] = [];
    const proxies: WebProxy[] = [];
    const { clients, add, sign, close } = createProxiedOwners();

    beforeAll(async () => {
      cluster = await startPostgres();
      const environment = { CKM_DATABASE_URL: await cluster.createDatabase(), CKM_TRUST_PROXY: '1' };
      replicas.push(await spawnServer({ name: 'alpha', environment }));
      replicas.push(await spawnServer({ name: 'alpha', environment, replicaOf: replicas[0]!.dataDir }));
      bravo = await spawnServer({ name: 'bravo' });
      const backends = replicas.map((replica) => new URL(replica.url()).host);
      proxies.push(await startWebProxy('nginx', { example: 'nginx, with replicas', backends }));
      proxies.push(await startWebProxy('caddy', { example: 'Caddy, with replicas', backends }));
      forget = trust(proxies[0]!.authority!);
    }, 60_000);
    afterAll(async () => {
      forget();
      await close();
      for (const proxy of proxies) await proxy.stop();
      for (const server of [...replicas, bravo]) await server.remove();
      await cluster.stop();
    });

    test.each([
      [0, 'nginx'],
      [1, 'Caddy'],
    ])(
      'proxies[%i], %s: five owners sign, each attempt at once: every one of them stays at its replica',
      async (at) => {
        // Of one, half of all would stay by luck; of five, one in thirty-two.
        for (let i = 0; i < 5; i++) await add({ alpha: proxies[at]!.url, bravo: bravo.url() });
        const owners = clients.slice(-5);
        for (let round = 0; round < 4; round++) {
          const results = await Promise.all(owners.map(sign));
          expect(results.map(({ attempts, faulty }) => `${attempts} ${faulty.length}`)).toEqual(
            owners.map(() => '1 0'),
          );
        }
      },
    );

    test('one replica is killed with kill -9: its owners go on at the other, through nginx and through Caddy', async () => {
      await replicas[1]!.kill();
      for (const client of clients) {
        const { signers } = await vi.waitFor(() => sign(client), { timeout: 10_000, interval: 200 });
        expect(signers.toSorted()).toEqual(['alpha', 'bravo']);
        await vi.waitFor(async () => expect((await sign(client)).attempts).toBe(1), { timeout: 10_000 });
      }
    });
  },
);
