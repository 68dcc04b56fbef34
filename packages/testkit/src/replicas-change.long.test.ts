// @module-tag long
import type { ChangeWish } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMortalOwner, type MortalOwner } from './mortal-owners.js';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const KEY = 'letters';
/** One after the other. */
const WISHES: readonly ChangeWish[] = [
  { kind: 'replace-server', server: 'charlie', by: 'delta' },
  { kind: 'add-server', server: 'charlie' },
  { kind: 'requorum', quorum: { needed: 3, of: 4 }, servers: ['alpha', 'bravo', 'charlie', 'delta'] },
  { kind: 'remove-server', server: 'bravo' },
  { kind: 'requorum', quorum: { needed: 2, of: 3 }, servers: ['alpha', 'charlie', 'delta'] },
];
const PATIENCE = { timeout: 60_000, interval: 20 };
/** They sign without a rest. */
const settings = { quota: { requestsPerMinute: 1_000_000, costPerMinute: 10_000_000 } };
const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(postgresPrograms() === null ? ['no initdb: set CKM_POSTGRES_BIN'] : []),
];

describe.skipIf(missing.length > 0)(
  `alpha, two processes on one PostgreSQL, and three others, whose key changes hands while it signs${missing.length > 0 ? ` (skipped: ${missing.join(', ')})` : ''}`,
  () => {
    let cluster: PostgresCluster;
    const replicas: ServerProcess[] = [];
    const others: ServerProcess[] = [];
    const isDown = new Set<ServerProcess>();
    const statuses = new Set<number>();
    /** Who orders changes, and asks the two processes of alpha by turns. */
    let owner: MortalOwner;
    /** Who sign, at devices of their own: one asks the first process of alpha, one the second. */
    const signers: MortalOwner[] = [];
    let groupKey: string;
    let epoch = 0;

    beforeAll(async () => {
      cluster = await startPostgres();
      const environment = { CKM_DATABASE_URL: await cluster.createDatabase() };
      const one = await spawnServer({ name: 'alpha', settings, environment });
      replicas.push(one, await spawnServer({ name: 'alpha', settings, environment, replicaOf: one.dataDir }));
      for (const name of ['bravo', 'charlie', 'delta']) others.push(await spawnServer({ name, settings }));
      const all = [...replicas, ...others];
      const onStatus = (status: number) => void statuses.add(status);
      let turn = 0;
      const byTurns = (processes: readonly ServerProcess[]) => {
        const up = processes.filter((process) => !isDown.has(process));
        return up[turn++ % up.length]!;
      };
      owner = await createMortalOwner(all, { choose: byTurns, onStatus });
      await owner.client.createKey({
        name: KEY,
        purpose: 'message',
        quorum: { needed: 2, of: 3 },
        servers: ['alpha', 'bravo', 'charlie'],
        policy: { changes: 'automatic', changeDelay: 0 },
      });
      groupKey = encodeHex((await owner.client.showKey(KEY)).public.groupKey);
      for (const i of [0, 1]) {
        const signer = await createMortalOwner(all, { choose: (some) => some[i] ?? some[0]!, onStatus });
        signers.push(signer);
        const { keys } = await signer.client.fetchKeys();
        for (const key of keys) await signer.client.keepKey(key, { name: KEY });
      }
    }, 120_000);
    afterAll(async () => {
      for (const one of [owner, ...signers]) await one.close();
      for (const server of [...replicas, ...others]) await server.remove();
      await cluster.stop();
    });

    /** How many signatures each of them has. */
    let counts: number[];
    let stop: () => Promise<void>;
    beforeEach(() => {
      const over = new AbortController();
      counts = signers.map(() => 0);
      const signing = signers.map(async (signer, i) => {
        while (!over.signal.aborted) {
          expect((await signer.sign(KEY)).signers.length).toBeGreaterThan(1);
          counts[i]!++;
        }
      });
      // What fails is told at the end, and nobody signs any more.
      const all = Promise.all(signing).catch((error: unknown) => {
        over.abort();
        return error;
      });
      stop = async () => {
        over.abort();
        expect(await all).toEqual(signers.map(() => undefined));
      };
    });
    afterEach(() => stop());

    const made = () => counts.reduce((sum, count) => sum + count, 0);

    /** Waits until each of them has signed some more. */
    async function bothSign(): Promise<void> {
      const before = [...counts];
      await vi.waitFor(() => {
        expect(counts.every((count, i) => count > before[i]! + 1)).toBe(true);
      }, PATIENCE);
    }

    async function change(wish: ChangeWish, on: (text: string) => void = () => undefined): Promise<void> {
      const changed = await owner.client.changeKey({ name: KEY, wish }, ({ text }) => on(text));
      expect(changed).toMatchObject({ epoch: ++epoch, isAsOrdered: true, behind: [] });
      expect(changed.forgetting.map(({ outcome }) => outcome)).toEqual(
        changed.forgetting.map(() => 'forgot'),
      );
    }

    /** By the one process of alpha and by the other one: each server is in the newest epoch, and in no other. */
    async function lookEverywhere(): Promise<void> {
      await bothSign();
      // What one process has prepared for signing the other one does not know: whoever signs stays at one of them.
      for (const one of signers) {
        const { verdicts, ...looked } = await one.look(KEY);
        expect([...new Set(verdicts)]).toEqual(['holds']);
        expect(looked).toMatchObject({ epoch, groupKey });
      }
    }

    test('it signs before, meanwhile and afterwards by either of them, each server is in one epoch, and no answer is an error of a server', async () => {
      await bothSign();
      let meanwhile = 0;
      for (const wish of WISHES) {
        const before = made();
        await change(wish);
        meanwhile += made() - before;
        await lookEverywhere();
      }
      expect(meanwhile).toBeGreaterThan(0);
      expect([...statuses].filter((status) => status !== 200)).toEqual([]);
    }, 120_000);

    test.each([
      [0, 'asking who takes part'],
      [1, 'asking for offers'],
      [0, 'asking servers to decide'],
      [1, 'storing the new shares'],
      [0, 'forgetting old shares'],
    ] as const)(
      'kill -9 of process %i of alpha at "%s": the other one goes on with the change',
      async (i, at) => {
        const replica = replicas[i]!;
        const { servers } = await owner.client.verifyKey(KEY);
        const members = servers.map((one) => one.server);
        const server = members.find((name) => name !== 'alpha')!;
        const by = others.find(({ name }) => !members.includes(name))!.name;
        let death: Promise<void> | undefined;
        await change({ kind: 'replace-server', server, by }, (text) => {
          if (text !== at || death !== undefined) return;
          isDown.add(replica);
          death = replica.kill();
        });
        expect(death).toBeDefined();
        await death;
        await replica.start();
        isDown.delete(replica);
        await lookEverywhere();
      },
      120_000,
    );
  },
);
