// @module-tag long
import {
  deviceId,
  deviceKey,
  type DeviceKey,
  DEVICE_PRIVILEGES,
  type DevicesDocument,
  devicesBehind,
  firstDevices,
  nextDevices,
  signDevices,
  type SignedDevices,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { alice, createBareServers } from '../sessions/test/bare-servers.js';
import { type BareCaller, type BareServer, TEST_TIME } from '../sessions/test/bare-server.js';
import { QUARANTINE_SECONDS } from './quarantine.js';

const network = createBareServers();
afterEach(() => network.close());

const HOUR = 3_600;
/** Between one sweep and the next: no longer than what counts. */
const STEP = 1_200;

const deviceOf = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)), alice.xid);
const [laptop, phone, tablet, thief] = [101, 102, 103, 104].map(deviceOf) as [
  Identity,
  Identity,
  Identity,
  Identity,
];
const entry = (who: Identity): DeviceKey => deviceKey(who.publicKeys, DEVICE_PRIVILEGES);

/** One server, whose time passes while it runs. */
async function open() {
  let now = TEST_TIME;
  let server: BareServer = await network.open({ now: () => now });
  let words = await server.as(alice);
  const first = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const world = {
    as: (who: Identity): BareCaller => (who === alice ? words : server.asDevice(who)),
    list: async (): Promise<DevicesDocument> => {
      const { links } = await world.as(alice).call('device.show', { after: null });
      return devicesBehind(first, links);
    },
    /** Has a key sign the next list, with those who are on it and without those. */
    change: async (who: Identity, came: readonly Identity[], gone: readonly Identity[] = []) => {
      const before = await world.list();
      const ids = gone.map(({ publicKeys }) => deviceId(publicKeys).join());
      const keys = [...before.keys.filter(({ id }) => !ids.includes(id.join())), ...came.map(entry)];
      const signed = signDevices(nextDevices(before, keys, deviceId(who.publicKeys)), who);
      return world.as(who).call('device.update', { documents: [signed] });
    },
    see: async (who: Identity) => {
      const { generation, number } = await world.list();
      return world.as(who).call('device.seen', { generation, number });
    },
    pass: async (seconds: number) => {
      for (let left = seconds; left > 0; left -= STEP) {
        now += Math.min(STEP, left);
        await server.sessions.sweep();
      }
    },
    /** The server is off for so long. */
    off: async (seconds: number) => {
      now += seconds;
      server = await network.restart(server);
      words = await server.as(alice);
      await server.sessions.sweep();
    },
    isYoung: async (who: Identity) => {
      const { since } = await world.as(who).call('device.show', { after: null });
      const own = since.find(({ id }) => id.join() === deviceId(who.publicKeys).join());
      return own?.youngUntil !== undefined;
    },
  };
  return world;
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

/** A laptop that is not young any more. */
async function withOldLaptop() {
  const world = await open();
  await world.change(alice, [laptop]);
  await world.pass(QUARANTINE_SECONDS);
  expect(await world.isYoung(laptop)).toBe(false);
  return world;
}

describe('P2: a device that is new', () => {
  test('P2: takes nothing from an older one for three days from when another one has seen it: 71 hours, and 73', async () => {
    const world = await withOldLaptop();
    await world.change(alice, [tablet]);
    await world.change(laptop, [thief]);
    await world.see(tablet);
    // The tablet is young itself, and the laptop has brought it: neither says that anybody else knows of it.
    await world.see(laptop);
    await world.pass(71 * HOUR);
    expect(await code(world.change(thief, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
    await world.pass(2 * HOUR);
    // The tablet came with the words, and is old by now.
    expect(await world.isYoung(tablet)).toBe(false);
    expect(await code(world.change(thief, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
    await world.see(tablet);
    await world.pass(71 * HOUR);
    expect(await code(world.change(thief, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
    await world.pass(2 * HOUR);
    expect(await code(world.change(thief, [], [laptop]))).toBe('OK');
  });

  test('that nobody else has seen is young for thirty days, and time that a server was off counts nothing', async () => {
    const world = await withOldLaptop();
    await world.change(laptop, [phone]);
    await world.off(40 * 24 * HOUR);
    await world.pass(4 * 24 * HOUR);
    expect(await code(world.change(phone, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
    await world.pass(26 * 24 * HOUR + 2 * HOUR);
    expect(await code(world.change(phone, [], [laptop]))).toBe('OK');
  });

  test('adds others, takes itself out, and what came with it or after it; the words take anybody', async () => {
    const world = await withOldLaptop();
    await world.change(laptop, [thief]);
    await world.change(thief, [tablet]);
    expect(await code(world.change(tablet, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
    expect(await code(world.change(thief, [], [tablet]))).toBe('OK');
    expect(await code(world.change(thief, [], [thief]))).toBe('OK');
    await world.change(laptop, [phone]);
    const signed = async () => {
      const before = await world.list();
      return signDevices(nextDevices(before, [entry(phone)], alice.xid), alice);
    };
    // Whoever brings it.
    expect(await code(world.as(phone).call('device.update', { documents: [await signed()] }))).toBe('OK');
  });

  test('uses up no more than half of the numbers, so that an older one is left some to take it out with', async () => {
    const world = await withOldLaptop();
    await world.change(laptop, [thief]);
    let before = await world.list();
    const send = (many: readonly SignedDevices[]) =>
      world.as(thief).call('device.update', { documents: [...many] });
    for (let left = 511 - before.number; left > 0; left -= 32) {
      const many = Array.from({ length: Math.min(32, left) }, () => {
        before = nextDevices(before, before.keys, deviceId(thief.publicKeys));
        return signDevices(before, thief);
      });
      await send(many);
    }
    const next = signDevices(nextDevices(before, before.keys, deviceId(thief.publicKeys)), thief);
    expect([before.number, await code(send([next]))]).toEqual([511, 'DEVICE_TOO_YOUNG']);
    const without = nextDevices(before, [entry(laptop)], deviceId(laptop.publicKeys));
    const removal = world.as(laptop).call('device.update', { documents: [signDevices(without, laptop)] });
    expect(await code(removal)).toBe('OK');
  });

  test('is as young as before where it is taken out and put back', async () => {
    const world = await withOldLaptop();
    await world.change(alice, [phone]);
    await world.pass(70 * HOUR);
    await world.change(laptop, [], [phone]);
    await world.change(laptop, [phone]);
    await world.pass(4 * HOUR);
    expect(await code(world.change(phone, [], [laptop]))).toBe('DEVICE_TOO_YOUNG');
  });
});
