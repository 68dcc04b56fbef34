import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { type ChildServer, isCompiled, spawnServer } from '../test/child-server.js';
import { person } from '../test/rooms.js';
import { clientOf } from '../test/test-server.js';
import { initServer } from './setup/init-server.js';

/** A mount namespace of its own, which ends with its last process; without being root inside a user namespace. */
const NAMESPACE = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-Urm'];
const MOUNT = 'mount -t tmpfs -o size=3m,mode=0700 tmpfs "$1"';

const folder = mkdtempSync(join(tmpdir(), 'ckm-full-'));
const isPossible =
  isCompiled &&
  spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'sh', '-c', MOUNT, '-', folder]).status === 0;

describe.skipIf(!isPossible)(
  'a server on a disk of 3 MiB (skipped without unshare, mount and a compiled server)',
  () => {
    let child: ChildServer | undefined;
    afterEach(async () => {
      await child?.end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    });

    test('that is full is not ready, still answers what is only asked, says why in its own words, and is ready again when there is room', async () => {
      const prepared = mkdtempSync(join(tmpdir(), 'ckm-prepared-'));
      const listen = { host: '127.0.0.1', port: 0 };
      await initServer({
        dataDir: join(prepared, 'alpha'),
        settings: { name: 'alpha', accounts: 'open', listen },
      });
      const onSmallDisk = `${MOUNT} && cp -a "$2/alpha" "$1" && shift 2 && exec "$@"`;
      child = await spawnServer(join(folder, 'alpha'), {
        under: [...NAMESPACE, 'sh', '-c', onSmallDisk, '-', folder, prepared],
      });
      rmSync(prepared, { recursive: true });
      const url = child.first.url!;
      const client = await (await clientOf(url, person(1))).join();
      const readyz = async () => (await fetch(`${url}/readyz`)).status;
      expect(await readyz()).toBe(200);

      // The disk as the server sees it.
      const inside = join(`/proc/${child.child.pid}/root`, folder);
      fill(inside);
      const codes: string[] = [];
      for (let i = 2; i < 40 && !codes.includes('STORAGE_FULL'); i++) {
        const stranger = await clientOf(url, person(i));
        codes.push(await stranger.join().then(() => 'OK', codeIn));
      }
      expect(codes.filter((code) => code !== 'OK')).toEqual(['STORAGE_FULL']);
      expect(await readyz()).toBe(503);
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
      expect((await connectOperator(join(inside, 'alpha')).status()).phase).toBe('ready');

      empty(inside);
      // It tries to write by itself every few seconds, and its answer serves for one.
      const until = Date.now() + 30_000;
      while ((await readyz()) !== 200 && Date.now() < until) await sleep(200);
      expect(await readyz()).toBe(200);
      await (await clientOf(url, person(99))).join();
      expect(child.output()).not.toContain('"msg":"bug"');
      expect(child.output()).toContain('STORAGE_FULL');
    });
  },
);

const PIECES = [262_144, 65_536, 16_384, 4_096, 512];
const ballast = (disk: string, size: number, i: number) => join(disk, `ballast-${size}-${i}`);

function fill(disk: string): void {
  for (const size of PIECES) {
    try {
      for (let i = 0; i < 64; i++) writeFileSync(ballast(disk, size, i), new Uint8Array(size));
    } catch {
      // Full, for pieces of this size.
    }
  }
}

function empty(disk: string): void {
  for (const size of PIECES) for (let i = 0; i < 64; i++) rmSync(ballast(disk, size, i), { force: true });
}

function codeIn(error: { code?: string; message: string }): string {
  return error.code ?? error.message.replace(/^\d+: /, '');
}
