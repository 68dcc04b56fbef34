// @module-tag long
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { connectOperator } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCeremony } from './courier.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const SOON = Math.floor(Date.now() / 1000) + 3600;
/** What docs/operating.md tells operators to back up. */
const BACKED_UP = ['config.json', 'storage.key', 'identity', 'ckm.sqlite'];

describe.skipIf(!canSpawnServers)(
  'a server restored from what an operator backs up (skipped when not compiled: npm run build)',
  () => {
    const servers: ServerProcess[] = [];
    beforeAll(async () => {
      servers.push(
        ...(await Promise.all(['alpha', 'bravo', 'charlie'].map((name) => spawnServer({ name })))),
      );
    });
    afterAll(async () => {
      for (const server of servers) await server.remove();
    });

    test('in the middle of making a key notices it, ends the ceremony, and never says two things in one round', async () => {
      const [alpha] = servers as [ServerProcess, ...ServerProcess[]];
      const callers = await Promise.all(servers.map((server) => server.as(alice)));
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      while (!ceremony.views.every((view) => view?.state === 'running')) await ceremony.next();
      await alpha.kill();
      // Opened once more and closed: everything is in the one file, as SQLite's own backup has it.
      await alpha.start();
      await connectOperator(alpha.dataDir).shutdown();
      await alpha.gone();
      const backup = mkdtempSync(join(tmpdir(), 'ckm-backup-'));
      for (const file of BACKED_UP) cpSync(join(alpha.dataDir, file), join(backup, file));
      await alpha.start();
      const said = (await ceremony.next())!;
      expect(said).toMatchObject({ slot: 1, call: 'deliver' });
      await alpha.kill();

      rmSync(alpha.dataDir, { recursive: true });
      cpSync(backup, alpha.dataDir, { recursive: true });
      rmSync(backup, { recursive: true });
      await alpha.start();
      expect(
        await callers[0]!.call('session.show', { sessionId: ceremony.sessionId, after: 0 }),
      ).toMatchObject({
        state: 'cancelled',
        reason: 'the database of this server was put back to an earlier state',
      });
      const deeds = (await connectOperator(alpha.dataDir).audit()).map(({ deed, detail }) => [deed, detail]);
      expect(deeds).toContainEqual([
        'server.rollback',
        expect.stringMatching(/^audit\.head is missing and the log has \d+ entries$/),
      ]);
      expect(existsSync(join(alpha.dataDir, 'audit.head'))).toBe(true);

      // Once is enough: the next start is an ordinary one.
      await alpha.kill();
      await alpha.start();
      const later = (await connectOperator(alpha.dataDir).audit()).map(({ deed }) => deed);
      expect(later.filter((deed) => deed === 'server.rollback')).toHaveLength(1);
      expect(later.at(-1)).toBe('server.start');
    }, 60_000);
  },
);
