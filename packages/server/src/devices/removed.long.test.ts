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
import {
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
    expect(stopping).toEqual(['key.freeze', 'terms.show', 'terms.veto', 'recovery.list', 'recovery.veto']);
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
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe('OK');
    await world.have(laptop);
    expect(await codeOf(world.device(phone).call('recovery.list', {}))).toBe(GONE);
    expect((await show(world)).stops).toBeUndefined();
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
