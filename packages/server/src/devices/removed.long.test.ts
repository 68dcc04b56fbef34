// @module-tag long
import {
  deviceId,
  deviceKey,
  DEVICE_PRIVILEGES,
  FUNCTION_NAMES,
  type FunctionName,
  mayStillStop,
  nextDevices,
  parseDevices,
  signDevices,
} from '@ckm/api';
import { createMessageId, type Identity, sealMessage, unsealMessage } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { authenticate } from '../messages/authenticate.js';
import { readCounted, writeYoung } from './counted-devices.js';
import {
  alice,
  closeServers,
  codeOf,
  DAY,
  deviceOf,
  HOUR,
  openWaysBack,
  random,
  stranger,
  type WaysBackWorld,
} from '../ways-back/test/people.js';

afterEach(closeServers);

const [laptop, phone, tablet] = [deviceOf(101), deviceOf(102), deviceOf(103)];
const [thief, other] = [stranger(66), stranger(67)];
const entry = (who: Identity) => deviceKey(who.publicKeys, DEVICE_PRIVILEGES);

/** A laptop in wrong hands, and a phone that it takes out; none of them is young. */
async function atWar(): Promise<WaysBackWorld> {
  const world = await openWaysBack();
  await world.have(laptop, phone);
  await world.pass(4 * DAY);
  return world;
}

/** A device signs lists of these devices, brought together. */
async function change(world: WaysBackWorld, by: Identity, ...lists: (readonly Identity[])[]): Promise<void> {
  let last = await world.list();
  const documents = lists.map((keys) => {
    const signed = signDevices(nextDevices(last, keys.map(entry), deviceId(by.publicKeys)), by);
    last = parseDevices(signed.document);
    return signed;
  });
  await world.device(by).call('device.update', { documents });
}

const show = (world: WaysBackWorld) => world.device(laptop).call('device.show', { after: null });
const refuse = (world: WaysBackWorld, by: Identity, who: Identity) =>
  codeOf(world.device(by).call('recovery.veto', { caseId: who.xid, reason: '' }));
const GONE = 'this device is not there';

describe('L9: a device that another one has removed', () => {
  test('L9: says no to a recovery for seven days that the server runs, and does nothing else', async () => {
    const world = await atWar();
    const app = await world.totp();
    await change(world, laptop, [laptop]);
    expect((await show(world)).stops).toEqual([
      { id: new Uint8Array(deviceId(phone.publicKeys)), until: world.now + 7 * DAY },
    ]);
    await world.prove(thief, 'totp', app.name, { code: app.code() });
    const { cases } = await world.device(phone).call('recovery.list', {});
    expect(cases).toMatchObject([{ state: 'waiting' }]);
    expect(await codeOf(world.device(phone).call('device.show', { after: null }))).toBe(GONE);
    expect(await codeOf(world.device(phone).call('contact.list', {}))).toBe(GONE);
    expect(await refuse(world, phone, thief)).toBe('OK');
    expect((await world.show(thief)).state).toBe('vetoed');
    // A year in which the server was off is no day.
    await world.off(365 * DAY);
    await world.pass(7 * DAY - HOUR);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe('OK');
    await world.pass(2 * HOUR);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe(GONE);
    expect((await show(world)).stops).toBeUndefined();
  });

  test('L9: is heard under its own key for what stops, and turned away like a stranger for all else', async () => {
    const world = await atWar();
    const knock = async (who: Identity, name: FunctionName) => {
      const { context } = world.server;
      const { now } = world;
      const bytes = sealMessage({
        sender: who,
        recipient: context.identity,
        id: createMessageId(random),
        date: now,
        expiresAt: now + 60,
        function: name,
        body: new Uint8Array(1),
        namesKey: true,
        random,
      });
      const limits = { maxAgeSeconds: 60, maxSkewSeconds: 60, maxBytes: 4_096, maxDepth: 8 };
      return codeOf(
        authenticate(context, unsealMessage({ recipient: context.identity, bytes, now, ...limits })),
      );
    };
    const stopping = FUNCTION_NAMES.filter(mayStillStop);
    expect(stopping).toEqual([
      'account.freeze',
      'key.freeze',
      'terms.show',
      'terms.veto',
      'recovery.list',
      'recovery.veto',
    ]);
    await change(world, laptop, [laptop]);
    for (const name of FUNCTION_NAMES) {
      const said = stopping.includes(name) ? 'OK' : 'MESSAGE_NOT_AUTHENTICATED';
      expect([name, await knock(phone, name), await knock(tablet, name)]).toEqual([
        name,
        said,
        'MESSAGE_NOT_AUTHENTICATED',
      ]);
    }
    await world.have(laptop);
    for (const name of stopping) expect(await knock(phone, name)).toBe('MESSAGE_NOT_AUTHENTICATED');
  });

  test('L9: is a stranger as soon as the words speak, and once it is let in again it is a device like others', async () => {
    const world = await atWar();
    await change(world, laptop, [laptop], [laptop, phone]);
    expect((await show(world)).stops).toBeUndefined();
    expect(await codeOf(world.device(phone).call('device.show', { after: null }))).toBe('OK');
    const { generation, number } = await world.list();
    await world.words().call('device.seen', { generation, number });
    await world.pass(4 * DAY);
    await change(world, laptop, [laptop]);
    // It was old once more: its days are counted anew.
    expect((await show(world)).stops).toMatchObject([{ until: world.now + 7 * DAY }]);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe('OK');
    await world.have(laptop);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe(GONE);
    expect((await show(world)).stops).toBeUndefined();
  });

  test('L9: keeps its seven days, counted from the first time, whatever lists the device that took it out makes of it: in again and out at once, together or one by one, or in with half of another key', async () => {
    const world = await atWar();
    const app = await world.totp();
    await change(world, laptop, [laptop]);
    await world.pass(2 * DAY);
    await change(world, laptop, [laptop, phone]);
    await change(world, laptop, [laptop]);
    await change(world, laptop, [laptop, phone], [laptop]);
    const half = { ...phone, publicKeys: { ...phone.publicKeys, agreement: laptop.publicKeys.agreement } };
    await change(world, laptop, [laptop, half]);
    expect((await show(world)).stops).toEqual([
      { id: new Uint8Array(deviceId(phone.publicKeys)), until: world.now + 5 * DAY },
    ]);
    await world.prove(thief, 'totp', app.name, { code: app.code() });
    expect(await refuse(world, phone, thief)).toBe('OK');
    await change(world, laptop, [laptop]);
    await world.off(0);
    await world.pass(5 * DAY - HOUR);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe('OK');
    await world.pass(2 * HOUR);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe(GONE);
  });

  test('L9: keeps the days that were counted in a row named as rows were before, also where it is let in again and taken out', async () => {
    const world = await atWar();
    await change(world, laptop, [laptop]);
    await world.pass(2 * DAY);
    const { storage, vault } = world.server.context;
    const named = await storage.transact(async (transaction) => {
      const rows = [...(await readCounted(vault, transaction, alice.xid, true)).values()];
      for (const { row, record } of rows) {
        await transaction.youngDevices.remove(alice.xid, row.id);
        await writeYoung(vault, transaction, alice.xid, null, deviceId(phone.publicKeys), record);
      }
      return rows.length;
    });
    expect(named).toBe(1);
    const left = { until: world.now + 5 * DAY };
    expect((await show(world)).stops).toMatchObject([left]);
    await change(world, laptop, [laptop, phone]);
    await change(world, laptop, [laptop]);
    expect((await show(world)).stops).toMatchObject([left]);
    await world.pass(5 * DAY + HOUR);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe(GONE);
  });

  test('L9: is not pushed out of the sixteen by devices that whoever removes it let in before, old as they may be by then', async () => {
    const world = await openWaysBack();
    await world.have(laptop, phone, tablet);
    await world.pass(4 * DAY);
    const many = Array.from({ length: 13 }, (_, i) => deviceOf(180 + i));
    const seenByTablet = async (...keys: readonly Identity[]) => {
      await change(world, laptop, keys);
      const { generation, number } = await world.list();
      await world.device(tablet).call('device.seen', { generation, number });
      await world.pass(3 * DAY + HOUR);
    };
    await seenByTablet(laptop, phone, tablet, ...many);
    await change(world, laptop, [laptop, phone, tablet]);
    await seenByTablet(laptop, phone, tablet, ...many.slice(0, 4).map((_, i) => deviceOf(200 + i)));
    await change(world, laptop, [laptop]);
    for (const one of [phone, tablet])
      expect(await codeOf(world.device(one).call('recovery.list', {}))).toBe('OK');
  });

  test('L9: leaves room for those that were there: whoever lets devices in and takes them out fills none of it', async () => {
    const world = await atWar();
    const many = Array.from({ length: 16 }, (_, i) => deviceOf(180 + i));
    for (const one of many) await change(world, laptop, [laptop, phone, one], [laptop, phone]);
    expect((await show(world)).stops).toBeUndefined();
    await change(world, laptop, [laptop, phone, tablet]);
    await change(world, laptop, [laptop]);
    const { stops } = await show(world);
    expect(stops!.map(({ id }) => id)).toEqual([new Uint8Array(deviceId(phone.publicKeys))]);
    expect(await refuse(world, phone, other)).toBe('RECOVERY_UNKNOWN');
    expect(await refuse(world, tablet, other)).toBe(GONE);
  });
});
