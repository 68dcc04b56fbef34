import { MOST_DEVICE_BYTES } from '@ckm/client';
import { secret } from '@ckm/foundation';
import { once } from 'node:events';
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Home } from '../home/home.js';
import { locateHome } from '../home/home.js';
import { writeSeedPrint } from '../home/seed-print.js';
import { type Scratch, scratchFolder } from '../test/scratch.js';
import { keptSeed } from './kept-seed.js';
import { askKeeper, keeperSocket, lockKeeper } from './keeper-socket.js';
import { type Keeper, type KeeperOptions, startKeeper } from './keeper.js';

let scratch: Scratch;
let home: Home;
let keeper: Keeper | undefined;
let bytes: Uint8Array;

beforeEach(() => {
  scratch = scratchFolder();
  home = locateHome(scratch.path, {});
  bytes = new Uint8Array(32).fill(7);
});
afterEach(async () => {
  keeper?.end();
  await keeper?.ended;
  scratch.remove();
});

async function keep(more: Partial<KeeperOptions> = {}): Promise<void> {
  keeper = await startKeeper({
    socketPath: keeperSocket(home),
    seed: secret(bytes),
    lifetimeMs: 60_000,
    ...more,
  });
}

test('a keeper answers on a socket that nobody but its owner can open, and says how long it still does', async () => {
  await keep();
  expect(statSync(keeperSocket(home)).mode & 0o777).toBe(0o600);
  expect(await askKeeper(home, 'seed')).toEqual(new Uint8Array(32).fill(7));
  expect(Number(Buffer.from((await askKeeper(home, 'left'))!).toString())).toBeGreaterThan(50);
});

test('a keeper that is locked wipes the seed and answers nobody', async () => {
  await keep();
  await askKeeper(home, 'lock');
  await keeper!.ended;
  expect(bytes).toEqual(new Uint8Array(32));
  expect(existsSync(keeperSocket(home))).toBe(false);
  expect(await askKeeper(home, 'seed')).toBeNull();
});

test('a keeper ends by itself when its time is over', async () => {
  await keep({ lifetimeMs: 50 });
  await keeper!.ended;
  expect(bytes).toEqual(new Uint8Array(32));
});

test('a keeper hands out nothing after its time, even before a late timer has ended it', async () => {
  let now = 0;
  await keep({ monotonic: () => now });
  now = 60_001;
  expect(await askKeeper(home, 'seed')).toEqual(new Uint8Array(0));
});

test(
  'a keeper ends when the machine was suspended: the wall clock leaps ahead of the steps of the machine',
  { tags: 'slow' },
  async () => {
    let leap = 0;
    await keep({ wall: () => Date.now() + leap });
    leap = 3_600_000;
    await keeper!.ended;
    expect(bytes).toEqual(new Uint8Array(32));
  },
);

test('keptSeed takes nothing from a keeper of another seed than the one the folder belongs to', async () => {
  await keep();
  expect(await keptSeed(home)).toBeNull();
  await writeSeedPrint(home, secret(new Uint8Array(32).fill(8)));
  expect(await keptSeed(home)).toBeNull();
  await writeSeedPrint(home, secret(new Uint8Array(32).fill(7)));
  expect(await keptSeed(home)).not.toBeNull();
});

test('a keeper hands out nothing at once after a suspend, also when the clock had been set back before', async () => {
  let [now, clock] = [0, 1_000_000];
  await keep({ monotonic: () => now, wall: () => clock });
  clock -= 300_000;
  expect(await askKeeper(home, 'seed')).toEqual(new Uint8Array(32).fill(7));
  now += 1;
  clock += 60_000;
  expect(await askKeeper(home, 'seed')).toEqual(new Uint8Array(0));
});

test(
  'a keeper whose socket was taken away ends by itself: no lock could reach it',
  { tags: 'slow' },
  async () => {
    await keep();
    unlinkSync(keeperSocket(home));
    await keeper!.ended;
    expect(bytes).toEqual(new Uint8Array(32));
  },
);

test(
  'lockKeeper says whether a keeper ran, and never that none did while one keeps silent',
  { tags: 'slow' },
  async () => {
    expect(await lockKeeper(home)).toBe(false);
    const silent = createServer(() => undefined).listen(keeperSocket(home));
    await once(silent, 'listening');
    await expect(lockKeeper(home)).rejects.toMatchObject({ code: 'KEEPER_SILENT' });
    silent.close();
  },
);

test('a file in the place of the socket is not overwritten', async () => {
  writeFileSync(join(scratch.path, 'unlocked.sock'), 'mine');
  await expect(keep()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(bytes).toEqual(new Uint8Array(32));
});

test('askKeeper takes the longest device, and gives up on whoever answers more', async () => {
  await keep({ seed: secret(new Uint8Array(MOST_DEVICE_BYTES).fill(1)) });
  expect(await askKeeper(home, 'seed')).toHaveLength(MOST_DEVICE_BYTES);
  await lockKeeper(home);
  await keep({ seed: secret(new Uint8Array(MOST_DEVICE_BYTES + 1).fill(1)) });
  expect(await askKeeper(home, 'seed')).toBeNull();
});
