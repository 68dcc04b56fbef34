// @module-tag long
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ChangedKey, JOB_STEPS } from '@ckm/client';
import { CkmError, encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createMortalOwner, type MortalOwner } from './mortal-owners.js';
import { makeFolder, type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';
import { canMountFor, empty, fill, onSmallDisk } from './small-disk.js';

const KEY = 'letters';
const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];
/** What the owner is told as a change goes on, in order; of the session that moves shares its beginning. */
const STEPS = JOB_STEPS.change.filter((_, i) => i < 3 || i > 4);

/** It tries to write by itself every few seconds. */
const PATIENCE = { timeout: 60_000, interval: 100 };

const disk = makeFolder();
const isPossible = canSpawnServers && postgresPrograms() !== null && canMountFor(disk);

describe.skipIf(!isPossible)(
  'a change at a server whose PostgreSQL has no room left (skipped without root, unshare, mount, PostgreSQL or a compiled server)',
  () => {
    const servers: ServerProcess[] = [];
    let cluster: PostgresCluster;
    let owner: MortalOwner;
    let groupKey: string;
    /** The disk as PostgreSQL sees it. */
    let inside: string;
    beforeAll(async () => {
      cluster = await startPostgres({ under: onSmallDisk(disk) });
      const url = await cluster.createDatabase();
      await cluster.execute(`create tablespace small location '${disk}'`);
      await cluster.execute(`alter database ${/ckm_[0-9]+/.exec(url)![0]} set tablespace small`);
      inside = join(`/proc/${cluster.pid()}/root`, disk);
      for (const name of NAMES) {
        const environment = name === 'alpha' ? { CKM_DATABASE_URL: url } : {};
        servers.push(await spawnServer({ name, environment }));
      }
      owner = await createMortalOwner(servers);
      await owner.client.createKey({
        name: KEY,
        purpose: 'message',
        quorum: { needed: 2, of: 3 },
        servers: NAMES.slice(0, 3),
        policy: { changes: 'automatic', changeDelay: 0 },
      });
      groupKey = encodeHex((await owner.client.showKey(KEY)).public.groupKey);
    }, 120_000);
    afterAll(async () => {
      await owner.close();
      for (const server of servers) await server.remove();
      await cluster.stop();
      rmSync(disk, { recursive: true, force: true });
    });

    test('is told of as that from whichever step on, the others sign, no server is in two epochs, and the same command goes on when there is room', async () => {
      const readyz = async () => (await fetch(`${servers[0]!.url()}/readyz`)).status;
      let turn: readonly [string, string] = ['charlie', 'delta'];
      const told: string[] = [];
      for (const [i, step] of STEPS.entries()) {
        const [server, by] = turn;
        const wish = { kind: 'replace-server', server, by } as const;
        let isReached = false;
        const first = await changeUntilTold(wish, (text) => {
          if (isReached || text !== step) return;
          isReached = true;
          fill(inside);
        });
        expect([step, isReached]).toEqual([step, true]);
        if (first !== null) told.push(first);
        expect((await owner.sign(KEY, ['alpha'])).signers).toHaveLength(2);
        empty(inside);
        await vi.waitFor(async () => expect(await readyz()).toBe(200), PATIENCE);
        // The same command, from wherever that was.
        if (first !== null) expect([step, await changeUntilTold(wish)]).toEqual([step, null]);
        turn = [by, server];
        expect(await owner.look(KEY)).toEqual({
          epoch: i + 1,
          groupKey,
          verdicts: ['holds', 'holds', 'holds'],
          signers: 2,
        });
      }
      // What fails says why; what is decided is through for the others, and alpha is behind.
      const [failed, decided] = [false, true].map((is) =>
        told.filter((one) => one.startsWith('behind: ') === is),
      );
      expect(failed!.length).toBeGreaterThan(0);
      for (const words of failed!)
        expect(words).toMatch(/alpha( has a full disk|: the database has no room left)$/);
      for (const words of decided!) expect(words).toMatch(/^(behind: alpha; |behind: ; alpha silent)/);
      expect(servers[0]!.output()).toContain('STORAGE_FULL');
      await servers[0]!.kill();
      await servers[0]!.start();
      expect(servers[0]!.output()).not.toContain('"msg":"bug"');
      expect((await owner.sign(KEY, ['bravo'])).signers).toHaveLength(2);
    }, 240_000);

    type Wish = Parameters<MortalOwner['client']['changeKey']>[0]['wish'];

    /** Null: it is through. Else what keeps it, in words. */
    async function changeUntilTold(
      wish: Wish,
      on: (text: string) => void = () => undefined,
    ): Promise<string | null> {
      try {
        const changed = await owner.client.changeKey({ name: KEY, wish }, ({ text }) => on(text));
        return isThrough(changed) ? null : leftIn(changed);
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        return `${error.code}: ${error.message}`;
      }
    }
  },
);

function isThrough({ behind, forgetting }: ChangedKey): boolean {
  return behind.length === 0 && forgetting.every(({ outcome }) => outcome === 'forgot');
}

function leftIn({ behind, forgetting }: ChangedKey): string {
  return `behind: ${behind.join(', ')}; ${forgetting.map(({ server, outcome }) => `${server} ${outcome}`).join(', ')}`;
}
