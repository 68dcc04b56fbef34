import { deviceKey, firstDevices, nextDevices, signDevices } from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { carryChange } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { alice, createBareServers, makeKey, SOON } from '../sessions/test/bare-servers.js';
import { TEST_TIME, testPerson } from '../sessions/test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

test('a device that uses keys refreshes one, and orders nobody else into it; a device that manages does', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const [server, words] = [servers[0]!, callers[0]!];
  const [phone, laptop] = [101, 102].map((byte) =>
    createIdentity(secret(new Uint8Array(32).fill(byte)), alice.xid),
  );
  const keys = [deviceKey(phone!.publicKeys, ['use']), deviceKey(laptop!.publicKeys, ['manage'])];
  const first = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const signed = signDevices(nextDevices(first, keys, alice.xid), alice);
  await words.call('device.update', { documents: [signed] });
  const { order } = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  const { policy } = await words.call('key.show', { keyId });
  const mallory = testPerson(9);
  const friend = { serverId: new Uint8Array(mallory.xid), identityKey: mallory.publicKeys.signing.bytes };
  const members = { ...order, roster: [order.roster[0]!, friend] };
  const propose = (device: typeof phone, what: typeof order) =>
    server.asDevice(device!).call('change.propose', { order: what, chain: [], policy });
  await expect(propose(laptop, order)).rejects.toMatchObject({ code: 'DEVICE_MAY_NOT' });
  await expect(propose(phone, members)).rejects.toMatchObject({ code: 'DEVICE_MAY_NOT' });
  expect(await propose(phone, order)).toMatchObject({ state: 'ready' });
  expect(await propose(laptop, members)).toMatchObject({ state: 'waiting' });
});

test('an order ends with the device that gave it, and its operator sees which device that is; what the words or another device ordered goes on', async () => {
  const { servers, callers } = await network.openMany(2);
  const made = [await makeKey(callers), await makeKey(callers), await makeKey(callers)];
  const [server, words] = [servers[0]!, callers[0]!];
  const [laptop, tablet] = [101, 102].map((byte) =>
    createIdentity(secret(new Uint8Array(32).fill(byte)), alice.xid),
  );
  const keys = [laptop!, tablet!].map(({ publicKeys }) => deviceKey(publicKeys, ['use', 'make', 'manage']));
  const first = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const both = nextDevices(first, keys, alice.xid);
  await words.call('device.update', { documents: [signDevices(both, alice)] });
  const speakers = [server.asDevice(laptop!), server.asDevice(tablet!), words];
  const mallory = testPerson(9);
  const friend = { serverId: new Uint8Array(mallory.xid), identityKey: mallory.publicKeys.signing.bytes };
  const hashes: string[] = [];
  for (const [i, { keyId }] of made.entries()) {
    const { order } = await carryChange({ servers: callers, keyId, expiresAt: SOON });
    const { policy } = await words.call('key.show', { keyId });
    const members = { ...order, roster: [order.roster[0]!, friend] };
    const view = await speakers[i]!.call('change.propose', { order: members, chain: [], policy });
    expect(view.state).toBe('waiting');
    hashes.push(encodeHex(view.orderHash));
  }
  const waiting = async () => {
    const { changes } = await server.sessions.changeDesk.list();
    const by = changes.map(
      (one) => [encodeHex(one.orderHash), one.by === null ? null : encodeHex(one.by)] as const,
    );
    return Object.fromEntries(by);
  };
  const [idOfLaptop, idOfTablet] = keys.map(({ id }) => encodeHex(id));
  expect(await waiting()).toEqual({ [hashes[0]!]: idOfLaptop, [hashes[1]!]: idOfTablet, [hashes[2]!]: null });
  const without = nextDevices(both, [keys[1]!], alice.xid);
  await words.call('device.update', { documents: [signDevices(without, alice)] });
  expect(await waiting()).toEqual({ [hashes[1]!]: idOfTablet, [hashes[2]!]: null });
  // A device that may do less orders nothing any more either.
  const less = nextDevices(without, [deviceKey(tablet!.publicKeys, ['use'])], alice.xid);
  await words.call('device.update', { documents: [signDevices(less, alice)] });
  expect(await waiting()).toEqual({ [hashes[2]!]: null });
});

test('what fewer servers are to decide is ordered by the words and by no device; each device takes it back, and it waits seven days', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const [server, words] = [servers[0]!, callers[0]!];
  const phone = createIdentity(secret(new Uint8Array(32).fill(101)), alice.xid);
  const first = firstDevices(server.context.identity.xid, alice.xid, alice.publicKeys);
  const signed = signDevices(nextDevices(first, [deviceKey(phone.publicKeys, ['manage'])], alice.xid), alice);
  await words.call('device.update', { documents: [signed] });
  const { order } = await carryChange({ servers: callers, keyId, expiresAt: SOON });
  const { policy } = await words.call('key.show', { keyId });
  const device = server.asDevice(phone);
  const asked = { order, chain: [], policy, byWords: true as const };
  await expect(device.call('change.propose', asked)).rejects.toMatchObject({ code: 'WORDS_ONLY' });
  // What a device has ordered, or goes on with, is not what the words order.
  const { orderHash } = await words.call('change.propose', { order, chain: [], policy });
  const view = await words.call('change.propose', { ...asked, goesOn: true });
  expect(view).toMatchObject({ orderHash, state: 'waiting', byWords: true });
  expect(view.readyAt! - TEST_TIME).toBe(7 * 86_400);
  const promise = { keyId, epoch: 0, orderHash, attempt: 1, shown: [], recall: null, locked: [] };
  await expect(words.call('change.promise', promise)).rejects.toMatchObject({
    code: 'CHANGE_REFUSED',
    facts: { reason: 'early' },
  });
  expect(await device.call('change.propose', { order, chain: [], policy })).toMatchObject({ byWords: true });
  expect((await device.call('key.show', { keyId })).key.order).toMatchObject({ byWords: true });
  expect(await device.call('change.cancel', { keyId, epoch: 0, orderHash })).toMatchObject({ state: 'over' });
  const anew = await words.call('change.propose', asked);
  expect(anew).toMatchObject({ state: 'waiting', byWords: true });
  expect(anew.readyAt! - TEST_TIME).toBe(7 * 86_400);
});
