// @module-tag long
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type PostgresCluster, postgresPrograms, startPostgres } from '@ckm/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KeyedServers, messageOf, startWithKey } from '../../control/test/keyed-servers.js';
import { isCompiled } from '../../test/child-server.js';
import type { TestServer } from '../../test/test-server.js';
import type { DatabaseKind } from './move-server.js';
import { startServer } from '../start-server.js';

const SCRIPT = join(import.meta.dirname, '../../test/child-move.mjs');
const HERE = { CKM_ALLOW_INSPECT: '1', CKM_LOG_LEVEL: 'silent' };
/** Where a move is killed: so many milliseconds behind the step that it says it has come to. */
const KILLED = ['copy', 'compare', 'closed', 'open'].flatMap((step) =>
  [0, 3, 20].map((ms) => ({ step, ms })),
);

describe.skipIf(postgresPrograms() === null || !isCompiled)(
  'a move that is ended by kill -9 (skipped without PostgreSQL or a compiled server)',
  () => {
    const servers: TestServer[] = [];
    let cluster: PostgresCluster;
    let keyed: KeyedServers;
    let there: Readonly<Record<string, string>>;
    beforeAll(async () => {
      cluster = await startPostgres({ durable: true });
      there = { ...HERE, CKM_DATABASE_URL: await cluster.createDatabase() };
      keyed = await startWithKey(servers);
      await servers[0]!.server.close();
    }, 60_000);
    afterAll(async () => {
      for (const server of servers) await server.remove();
      await cluster.stop();
    });

    /** @returns what it said last */
    function move(to: DatabaseKind, killed: (typeof KILLED)[number] | null): Promise<string> {
      const child = spawn(process.execPath, [SCRIPT, servers[0]!.dataDir, to], {
        env: { PATH: process.env['PATH'] ?? '', ...there },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = 'start\n';
      const look = async () => {
        if (killed === null || !said.includes(killed.step)) return;
        await pause(killed.ms);
        child.kill('SIGKILL');
      };
      child.stdout.on('data', (part: Buffer) => {
        said += part.toString();
        void look();
      });
      void look();
      return new Promise((resolve) => child.once('close', () => resolve(said.trim().split('\n').at(-1)!)));
    }

    /** The databases on which the server starts. */
    async function runsOn(): Promise<readonly DatabaseKind[]> {
      const kinds: DatabaseKind[] = [];
      const nowMs = () => servers[0]!.now * 1_000;
      for (const [kind, variables] of [
        ['sqlite', HERE],
        ['postgres', there],
      ] as const) {
        const { dataDir } = servers[0]!;
        const code = await startServer({ dataDir, variables, nowMs }).then(
          (server) => server.close().then(() => null),
          (error: { readonly code: string }) => error.code,
        );
        if (code === null) kinds.push(kind);
        else expect(['STORAGE_OTHER', 'STORAGE_MOVED', 'STORAGE_MOVE_BEGUN']).toContain(code);
      }
      return kinds;
    }

    test.each(['postgres', 'sqlite'] as const)(
      'at any step on its way to %s leaves one place to run at or none, and is finished by doing it again',
      async (to) => {
        const from = to === 'postgres' ? 'sqlite' : 'postgres';
        let hasClosed = false;
        for (const killed of KILLED) {
          await move(to, killed);
          const kinds = await runsOn();
          expect(kinds.length).toBeLessThanOrEqual(1);
          // Once it is closed the old place never runs again.
          if (hasClosed) expect(kinds).not.toContain(from);
          hasClosed ||= !kinds.includes(from);
          if (kinds.includes(to)) break;
        }
        expect(await move(to, null)).toBe('done');
        expect(await runsOn()).toEqual([to]);
        await servers[0]!.restart({ variables: to === 'postgres' ? there : HERE });
        await keyed.signer.sign(messageOf(`on ${to}`), [1, 2]);
        await servers[0]!.server.close();
      },
      120_000,
    );
  },
);
