// @module-tag long
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { isCompiled, spawnServer } from '../test/child-server.js';
import { NOON, person } from '../test/rooms.js';
import {
  clientOf,
  problemIn,
  startTestServer,
  type TestClient,
  type TestServer,
} from '../test/test-server.js';
import { initServer } from './setup/init-server.js';

const HOUR = 3_600;
const DAY = 24 * HOUR;

let alpha: TestServer | undefined;
afterEach(async () => {
  await alpha?.remove();
  alpha = undefined;
});

/** A server whose machine has a clock of its own, `alpha.now`, beside the time that passes; and an owner. */
async function start(): Promise<{ server: TestServer; client: TestClient; passed: { seconds: number } }> {
  const passed = { seconds: 0 };
  const elapsed = { ms: () => passed.seconds * 1_000, addSleep: () => undefined };
  const server = (alpha = await startTestServer({ start: { elapsed } }));
  return { server, client: await server.as(person(1)).join(), passed };
}

/** A day goes by, on the machine's clock too. */
function waitADay({ server, passed }: Pick<Awaited<ReturnType<typeof start>>, 'server' | 'passed'>): void {
  passed.seconds += DAY;
  server.now += DAY;
}

/** A message of somebody whose clock says this. */
async function askAt(client: TestClient, date: number): Promise<string> {
  const answer = await client.post(client.seal('key.list', { after: null }, { date, expiresAt: date + 60 }));
  return answer.status === 200 ? 'answered' : problemIn(answer).code;
}

const jumpOf = async ({ dataDir }: TestServer) => (await connectOperator(dataDir).status()).open!.clockJump;

describe('a server whose clock jumps while it runs', () => {
  test('ahead: says so in log and status, shows owners its clock, answers those whose clock is right, and recovers with the clock', async () => {
    const { server, client } = await start();
    server.now += HOUR;
    await server.sweep();
    expect(server.log()).toMatch(/"level":50.*CLOCK_JUMPED.*jumped ahead by 3600 s/);
    expect(await jumpOf(server)).toBe(HOUR);
    const metrics = await connectOperator(server.dataDir).metrics();
    expect(metrics).toContain('ckm_clock_jump_seconds 3600');
    expect(await askAt(client, NOON)).toBe('answered');
    server.now -= HOUR;
    await server.sweep();
    expect(server.log()).toContain('the clock of this machine is right again');
    expect([await jumpOf(server), await askAt(client, NOON)]).toEqual([0, 'answered']);
    expect(server.log()).not.toContain('goes by that from now on');
  });

  test('ahead, to the right time: is followed when two owners of before agree with it', async () => {
    const { server, client, passed } = await start();
    const other = await server.as(person(2)).join();
    waitADay({ server, passed });
    server.now += HOUR;
    for (let i = 0; i < 3; i++)
      expect(await client.ask('server.describe', {})).toMatchObject({ time: NOON + DAY + HOUR });
    expect(await jumpOf(server)).toBe(HOUR);
    await other.ask('server.describe', {});
    expect(server.log()).toContain('goes by that from now on');
    expect([await jumpOf(server), await askAt(client, NOON + DAY)]).toEqual([0, 'MESSAGE_EXPIRED']);
  });

  test('ahead: whoever opens accounts then, as many as he likes, does not make the server follow', async () => {
    const { server, client, passed } = await start();
    waitADay({ server, passed });
    server.now += HOUR;
    for (const number of [2, 3, 4]) {
      const stranger = await server.as(person(number)).join();
      await stranger.ask('server.describe', {});
    }
    expect([await jumpOf(server), await askAt(client, NOON + DAY)]).toEqual([HOUR, 'answered']);
  });

  test('ahead: a stranger who says the same is answered, and the server goes on by the time before', async () => {
    const { server, client } = await start();
    server.now += HOUR;
    await server.as(person(2)).join();
    expect([await jumpOf(server), await askAt(client, NOON)]).toEqual([HOUR, 'answered']);
  });

  test('ahead: a recorded message is no reason to follow, and is not answered again', async () => {
    const { server, client } = await start();
    const recorded = client.seal('key.list', { after: null });
    expect((await client.post(recorded)).status).toBe(200);
    server.now += HOUR;
    const again = await client.post(recorded);
    server.now -= HOUR;
    expect(() => client.read('key.list', again)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_REPLAYED' }) as Error,
    );
    expect(server.log()).not.toContain('goes by that from now on');
  });

  test('back: tells owners who go by the new time that it did, and never turns back itself', async () => {
    const { server, client } = await start();
    server.now -= HOUR;
    await server.sweep();
    expect(server.log()).toMatch(/CLOCK_JUMPED.*jumped back by 3600 s.*CKM_ACCEPT_CLOCK=1/);
    expect(await askAt(client, NOON - HOUR)).toBe('CLOCK_JUMPED');
    expect(await askAt(client, NOON)).toBe('answered');
    server.now += HOUR;
    await server.sweep();
    expect(server.log()).toContain('the clock of this machine is right again');
  });

  test.skipIf(!isCompiled)('in a process of its own (skipped when not compiled)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ckm-clock-'));
    const [dataDir, offset, preload] = ['alpha', 'offset', 'clock.cjs'].map((name) => join(folder, name));
    writeFileSync(offset!, '0');
    writeFileSync(
      preload!,
      `const now = Date.now; Date.now = () => now() + Number(require('fs').readFileSync(${JSON.stringify(offset)}, 'utf8'));`,
    );
    const settings = { name: 'alpha', accounts: 'open' as const, listen: { host: '127.0.0.1', port: 0 } };
    await initServer({ dataDir: dataDir!, settings });
    const env = { CKM_ALLOW_INSPECT: '1' };
    const child = await spawnServer(dataDir!, { node: ['--require', preload!], env });
    try {
      const client = await (await clientOf(child.first.url!, person(1))).join();
      writeFileSync(offset!, String(HOUR * 1_000));
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
      for (let i = 0; i < 100 && !child.output().includes('CLOCK_JUMPED'); i++) await sleep(200);
      expect(child.output()).toMatch(/jumped ahead by (3600|3599|3601) s/);
      writeFileSync(offset!, '0');
      expect(await client.ask('key.list', { after: null })).toMatchObject({ keys: [] });
      for (let i = 0; i < 100 && !child.output().includes('right again'); i++) await sleep(200);
      expect(child.output()).toContain('the clock of this machine is right again');
    } finally {
      await child.end('SIGTERM');
      rmSync(folder, { recursive: true });
    }
  });
});
