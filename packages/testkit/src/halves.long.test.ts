// @module-tag long
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeviceDeed, DeviceSaid } from './device-main.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';
import { canMakeNetworks, makeTwoNetworks, type TwoNetworks } from './two-networks.js';

const isPossible = canSpawnServers && canMakeNetworks();
if (!isPossible)
  process.stderr.write('halves.test: no networks of its own may be made here (unshare, ip); not tried\n');

const DEVICE = join(import.meta.dirname, '../dist/device-main.js');
const HALVES = [
  ['alpha', 'bravo'],
  ['charlie', 'delta'],
] as const;
/** Where the cable is pulled out: before either device asks this. */
const STEPS = {
  lock: 'asking servers to decide',
  yield: 'asking them to give way',
  commit: 'storing the new shares',
} as const;
/** Servers enter one try every ten minutes. Seconds. */
const BETWEEN_TRIES = 660;
const NAME = 'letters';

describe.skipIf(!isPossible)('servers and devices in processes of their own, in two networks', () => {
  let folder: string;
  let networks: TwoNetworks;
  let servers: ServerProcess[];
  /** How far the clocks of all processes that are started from now on are ahead. Seconds. */
  let ahead = 0;
  beforeAll(async () => {
    networks = await makeTwoNetworks();
  });
  afterAll(() => networks.remove());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ckm-halves-'));
    pass(0);
    for (const which of ['0', '1']) mkdirSync(join(folder, which));
    servers = await Promise.all(
      HALVES.flatMap((names, which) =>
        names.map((name) =>
          spawnServer({ name, settings: settingsIn(which as 0 | 1), under: under(which as 0 | 1) }),
        ),
      ),
    );
  }, 60_000);
  afterEach(async () => {
    networks.mend();
    for (const server of servers) await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const settingsIn = (which: 0 | 1) => ({
    listen: { host: networks.addresses[which], port: 7000 + (port++ % 1000) },
  });
  let port = 0;

  /** In that network, with a clock that is as far ahead as it is said then. */
  function under(which: 0 | 1): readonly string[] {
    // Servers refuse modules that are brought from outside but in a test.
    const late = `CKM_ALLOW_INSPECT=1 NODE_OPTIONS="$(cat '${join(folder, 'clock')}')" exec "$0" "$@"`;
    return [...networks.inside(which), 'sh', '-c', late];
  }

  /** Time passes: for whoever is started from then on. */
  function pass(seconds: number): void {
    ahead = seconds === 0 ? 0 : ahead + seconds;
    const bent = `const D=Date,by=${ahead * 1000};globalThis.Date=class extends D{constructor(...a){a.length?super(...a):super(D.now()+by)}static now(){return D.now()+by}}`;
    writeFileSync(
      join(folder, 'clock'),
      ahead === 0 ? '' : `--import=data:text/javascript,${encodeURIComponent(bent)}`,
    );
  }

  /** Has a device of one half do something. */
  function device(which: 0 | 1, deed: DeviceDeed): Promise<DeviceSaid> {
    const own = join(folder, String(which));
    const [program, ...before] = [...under(which), process.execPath, DEVICE, own, JSON.stringify(deed)];
    return new Promise((resolve, reject) => {
      const child = spawn(program!, before, { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      let wrong = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (wrong += text));
      child.once('close', (status) => {
        if (status === 0) resolve(JSON.parse(said.trim().split('\n').at(-1)!) as DeviceSaid);
        else reject(new Error(`a device ended with ${status}: ${wrong}`));
      });
    });
  }

  const both = <T>(work: (which: 0 | 1) => Promise<T>) => Promise.all([work(0), work(1)]);

  /** Both begin a refresh, and stand still at a step; the cable is pulled out there, and both go on. */
  async function breakAt(pauseAt: string): Promise<readonly DeviceSaid[]> {
    const work = both((which) => device(which, { does: 'refresh', name: NAME, pauseAt }));
    const over = new AbortController();
    void Promise.allSettled([work]).then(() => over.abort());
    const isThere = (which: string) => existsSync(join(folder, which, 'at'));
    for (let look = 0; look < 1_500 && !over.signal.aborted && !['0', '1'].every(isThere); look++)
      await pause(20);
    expect(['0', '1'].filter(isThere).length).toBeGreaterThan(0);
    networks.cut();
    for (const which of ['0', '1']) writeFileSync(join(folder, which, 'go'), '');
    return work;
  }

  async function restartServers(): Promise<void> {
    await Promise.all(
      servers.map(async (server) => {
        await server.stop();
        await server.start();
      }),
    );
  }

  test.each(Object.entries(STEPS))(
    'V33a, V33c: where the cable is pulled out before %s, both halves sign and go on, and are one key when it is in again',
    async (_step, pauseAt) => {
      const known = servers.map(({ name, url }) => ({ name, url: url() }));
      expect(await device(0, { does: 'make', name: NAME, servers: known })).toMatchObject({ code: null });
      expect(await device(1, { does: 'find', name: NAME, servers: known })).toMatchObject({ code: null });
      const born = await device(0, { does: 'show', name: NAME });
      const said = [...(await breakAt(pauseAt))];
      // Each half goes on for itself, and signs: in the old epoch or in the new one.
      said.push(...(await both((which) => device(which, { does: 'refresh', name: NAME }))));
      for (const which of [0, 1] as const) {
        const without = HALVES[1 - which]!;
        expect(await device(which, { does: 'sign', name: NAME, without })).toMatchObject({ code: null });
      }
      networks.mend();
      // Who is through asks no more: it would begin another change.
      const waiting = new Set<0 | 1>([0, 1]);
      for (let tries = 0; tries < 6 && waiting.size > 0; tries++) {
        if (tries > 0) {
          pass(BETWEEN_TRIES);
          await restartServers();
        }
        for (const which of waiting) {
          const now = await device(which, { does: 'refresh', name: NAME });
          said.push(now);
          if (now.code === null) waiting.delete(which);
        }
      }
      const told = JSON.stringify(said);
      expect([...waiting], told).toEqual([]);
      expect(told).not.toContain('KEY_FORKED');
      const shown = await both((which) => device(which, { does: 'show', name: NAME }));
      const { groupKey } = born;
      const { transcriptHash } = shown[0];
      for (const one of shown)
        expect(one).toMatchObject({ code: null, epoch: 1, groupKey, transcriptHash, isSound: true });
      for (const without of [...HALVES, ['alpha', 'charlie']] as const)
        expect(await device(0, { does: 'sign', name: NAME, without })).toMatchObject({ code: null });
      for (const server of servers) expect(server.output()).not.toContain('KEY_FORKED');
    },
    240_000,
  );
});
