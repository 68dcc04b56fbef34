// @module-tag long
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresPrograms, startPostgres } from '@ckm/testkit';
import { describe, expect, test } from 'vitest';
import { messageOf, startWithKey } from '../../control/test/keyed-servers.js';
import { isCompiled } from '../../test/child-server.js';
import type { TestServer } from '../../test/test-server.js';
import { moveServer } from './move-server.js';

const SCRIPT = join(import.meta.dirname, '../../test/child-move.mjs');
/** A mount namespace of its own, which ends with its last process; without being root inside a user namespace. */
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];
const MOUNT = 'mount -t tmpfs -o size=192k,mode=0700 tmpfs "$1"';

const disk = mkdtempSync(join(tmpdir(), 'ckm-small-'));
const isPossible =
  isCompiled &&
  postgresPrograms() !== null &&
  spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'sh', '-c', MOUNT, '-', disk]).status === 0;

describe.skipIf(!isPossible)(
  'a move to a disk that is full (skipped without unshare, mount, PostgreSQL or a compiled server)',
  () => {
    test('says that there is no room, and the server is where it was', async () => {
      const servers: TestServer[] = [];
      const cluster = await startPostgres();
      try {
        const keyed = await startWithKey(servers);
        const [alpha] = servers as [TestServer];
        const { dataDir } = alpha;
        await alpha.server.close();
        const there = { CKM_ALLOW_INSPECT: '1', CKM_DATABASE_URL: await cluster.createDatabase() };
        await moveServer({ dataDir, to: 'postgres', passphrase: null, variables: there });
        rmSync(join(dataDir, 'ckm.sqlite'));
        const onSmallDisk = `${MOUNT} && cp -a "$2/." "$1" && chmod 700 "$1" && shift 2 && exec "$@"`;
        const moving = [process.execPath, SCRIPT, disk, 'sqlite'];
        const { stdout } = spawnSync(
          NAMESPACE[0]!,
          [...NAMESPACE.slice(1), 'sh', '-c', onSmallDisk, '-', disk, dataDir, ...moving],
          { env: { PATH: process.env['PATH'] ?? '', ...there }, encoding: 'utf8' },
        );
        expect(stdout.trim().split('\n').at(-1)).toBe('STORAGE_FULL');
        expect(stdout).not.toContain('closed');
        await alpha.restart({ variables: there });
        await keyed.signer.sign(messageOf('where it was'), [1, 2]);
      } finally {
        for (const server of servers) await server.remove();
        await cluster.stop();
        rmSync(disk, { recursive: true, force: true });
      }
    }, 60_000);
  },
);
