// @module-tag long
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, describe } from 'vitest';
import { createRestores, words } from '../../backup/test/restores.js';
import { writeBackupFile } from '../../backup/write-backup-file.js';
import { messageOf, startWithKey } from '../../control/test/keyed-servers.js';
import { isCompiled } from '../../test/child-server.js';
import { PASSPHRASE, type TestServer } from '../../test/test-server.js';

const SCRIPT = join(import.meta.dirname, '../../test/child-restore.mjs');
/** A mount namespace of its own, which ends with its last process; without being root inside a user namespace. */
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];
const MOUNT = 'mount -t tmpfs -o size=64k,mode=0700 tmpfs "$1"';
/** Full at every size from nothing on, then for reading only, then with room; what is restored is kept. */
const STORY = `${MOUNT}
restore() { node "$3" "$2" "$1/alpha" "$4" "$5"; }
for size in 8k 16k 32k 64k 128k; do mount -o "remount,size=$size" "$1" && restore "$@"; done
mount -o remount,size=16m,ro "$1" && restore "$@"
mount -o remount,rw "$1" && restore "$@" && cp -a "$1/alpha" "$6"`;

const disk = mkdtempSync(join(tmpdir(), 'ckm-small-'));
const isPossible =
  isCompiled && spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'sh', '-c', MOUNT, '-', disk]).status === 0;

describe.skipIf(!isPossible)(
  'a restore to a disk that is full or takes nothing that is written (skipped without unshare, mount and a compiled server)',
  () => {
    test('says so, leaves nothing, and is a server that signs when there is room', async () => {
      const servers: TestServer[] = [];
      const keyed = await startWithKey(servers);
      const restores = createRestores(servers, () => keyed.keyId);
      try {
        await writeBackupFile(restores.file, await keyed.operator.backup(words()), words());
        const { dataDir } = restores.options();
        const now = String(servers[0]!.now + 60);
        const { stdout, stderr } = spawnSync(
          NAMESPACE[0]!,
          [
            ...NAMESPACE.slice(1),
            'sh',
            '-c',
            STORY,
            '-',
            disk,
            restores.file,
            SCRIPT,
            PASSPHRASE,
            now,
            dataDir,
          ],
          {
            env: { PATH: process.env['PATH'] ?? '', CKM_ALLOW_INSPECT: '1' },
            encoding: 'utf8',
          },
        );
        const said = stdout.trim().split('\n');
        expect(said, stderr).toHaveLength(7);
        for (const line of said.slice(0, 5)) expect(line).toMatch(/^(STORAGE_FULL|FILE_NO_ROOM) 0$/);
        expect(said[5]).toBe('FILE_READ_ONLY 0');
        expect(said[6]).toMatch(/^done [1-9]/);
        await restores.start(async ({ signer }) => {
          await (await signer()).sign(messageOf('as before'), [1, 2]);
        });
      } finally {
        restores.remove();
        for (const server of servers) await server.remove();
        rmSync(disk, { recursive: true, force: true });
      }
    }, 120_000);
  },
);
