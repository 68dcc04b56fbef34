// @module-tag long
import { deviceKey, hashDevices, nextDevices, type SignedDevices, signDevices } from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyStore, createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';
import { letPhoneIn, type ListedPhone } from './test/listed-phone.js';

let network: TestNetwork;
let phone: ListedPhone;
beforeEach(async () => {
  network = await createTestNetwork(3);
});
afterEach(() => network.close());

const EVERY = [0, 1, 2];
const dummy = (byte: number) =>
  deviceKey(createIdentity(secret(new Uint8Array(32).fill(byte))).publicKeys, ['use']);
const namesAt = async (at: number) =>
  (await phone.listAt(at))?.keys.map(({ id }) => encodeHex(id)).toSorted() ?? null;
const own = () => encodeHex(phone.identity.xid);
const places = () =>
  Promise.all(
    EVERY.map(async (at) => {
      const list = await phone.listAt(at);
      return list === null ? null : encodeHex(hashDevices(list));
    }),
  );
const bring = (at: number, link: SignedDevices) =>
  phone.callers[at]!.call('key.devices', { keyId: phone.keyId, links: [link], after: null });
const signedByPhone = async (...keys: readonly ReturnType<typeof dummy>[]) =>
  signDevices(nextDevices((await phone.listAt(0))!, keys, phone.identity.xid), phone.identity);

/** The phone is on the list of the key, at every server. */
async function listed(): Promise<void> {
  phone = await letPhoneIn(network, ['use', 'manage']);
  await phone.work();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual(EVERY.map(() => [own()]));
}

test('two places of the owner that let a device in at once do not leave two lists', async () => {
  phone = await letPhoneIn(network, ['use']);
  const stores = [phone.store, await copyStore(phone.store)];
  const clients = await Promise.all(stores.map((store) => network.owner({ store })));
  for (const client of clients) await client.sign({ key: 'savings', ...messageOf('a day’s work') });
  // Alpha hears the second of them first, as soon as both are on their way.
  let second = () => {};
  const isSecond = new Promise<void>((done) => (second = done));
  let came = 0;
  network.server('alpha').tamper = async ({ name, parameters }, honest) => {
    const { links = [] } = parameters as { readonly links?: readonly SignedDevices[] };
    if (name !== 'key.devices' || links.length === 0) return honest();
    if (++came === 1) await Promise.race([isSecond, new Promise((done) => setTimeout(done, 500))]);
    return honest().finally(second);
  };
  await Promise.all(clients.map((client) => client.close()));
  const now = await places();
  expect(now[0]).not.toBeNull();
  expect(new Set(now).size).toBe(1);
});

test('a phone that has made two lists on purpose is taken off both with the words', async () => {
  await listed();
  const [mine] = (await phone.listAt(0))!.keys;
  const [one, other] = [await signedByPhone(mine!, dummy(1)), await signedByPhone(mine!, dummy(2))];
  await bring(0, one);
  for (const at of [1, 2]) await bring(at, other);
  const words = await network.owner({ store: phone.store });
  await words.removeDevice({ name: 'phone' });
  await words.close();
  for (const at of EVERY) expect(await namesAt(at)).not.toContain(own());
  expect(new Set(await places()).size).toBe(1);
});

test('what one server shows that takes others off, and a device signed, is not handed on to the others', async () => {
  await listed();
  const words = await network.owner({ store: phone.store });
  const mine = (await phone.listAt(0))!.keys[0]!;
  // Somebody else is on it, too.
  const both = await signedByPhone(mine, dummy(3));
  for (const at of EVERY) await bring(at, both);
  const before = await places();
  const alone = signDevices(
    nextDevices((await phone.listAt(0))!, [mine], phone.identity.xid),
    phone.identity,
  );
  network.server('alpha').tamper = async ({ name }, honest) => {
    const said = (await honest()) as { readonly links: readonly SignedDevices[] };
    return name === 'key.devices' && said.links.length > 0
      ? { ...said, links: [...said.links, alone] }
      : said;
  };
  await words.sign({ key: 'savings', ...messageOf('a day’s work') });
  await words.close();
  network.makeHonest();
  expect(await places()).toEqual(before);
});

test('one server that has not heard of a removal brings the device back nowhere', async () => {
  await listed();
  network.cut('charlie', 'device.update');
  const words = await network.owner({ store: phone.store });
  const { servers } = await words.removeDevice({ name: 'phone' });
  expect(servers.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'unsent']);
  await words.close();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual([[], [], []]);
  // The phone says it once more where it is still answered.
  await phone.wish().catch(() => undefined);
  await phone.work();
  await phone.work();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual([[], [], []]);
});

test('a removal whose process died before the key’s servers heard of it is carried out by the next command', async () => {
  await listed();
  const words = await network.owner({ store: phone.store });
  for (const name of ['alpha', 'bravo', 'charlie'])
    network.server(name).tamper = async (asked, honest) => {
      if (asked.name === 'key.devices') throw new Error('the process died');
      return honest();
    };
  await expect(words.removeDevice({ name: 'phone' })).rejects.toThrow('internal error');
  network.makeHonest();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual(EVERY.map(() => [own()]));
  await phone.work();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual([[], [], []]);
});

test('a device that was called otherwise is taken off, and one of whose removal no server of a key has heard is taken off by the next command', async () => {
  await listed();
  const words = await network.owner({ store: phone.store });
  await words.renameDevice({ name: 'phone', wanted: 'tablet' });
  for (const name of ['alpha', 'bravo', 'charlie']) network.cut(name, 'key.devices');
  const { servers } = await words.removeDevice({ name: 'tablet' });
  expect(servers.map(({ outcome }) => outcome)).toEqual(Array(3).fill('unsent'));
  network.makeHonest();
  expect(await namesAt(0)).toEqual([own()]);
  await phone.work();
  expect(await Promise.all(EVERY.map(namesAt))).toEqual([[], [], []]);
  await expect(words.removeDevice({ name: 'tablet' })).rejects.toMatchObject({ code: 'DEVICE_UNKNOWN' });
  await words.close();
});
