import { parseDevices } from '@ckm/api';
import { reveal, secret, wipe } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { makeDeviceOffer } from '../devices/offer.js';
import { joinedDevice, openWelcome } from '../devices/welcome.js';
import { draftDevice } from '../owner/device-secrets.js';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../test/test-network.js';
import { keyOfOwner } from './test/key-of-owner.js';

let network: TestNetwork;
afterEach(() => network.close());

test('the first device that takes the place of the words is on the list of each key that has an owner key, at all its servers', async () => {
  network = await createTestNetwork(3);
  const { client, keyId, callers } = await keyOfOwner(network);
  const device = await client.draftFirstDevice(null);
  network.cut('bravo', 'key.devices');
  expect((await client.admitFirstDevice(device, 'laptop')).map(({ outcome }) => outcome)).toEqual(
    Array(3).fill('done'),
  );
  const shown = async (at: number) => callers[at]!.call('key.devices', { keyId, links: [], after: null });
  const there = await shown(0);
  expect(there.inForce).toMatchObject({ generation: 0, number: 1 });
  expect(parseDevices(there.links[0]!.document).keys).toHaveLength(1);
  expect((await shown(1)).inForce).toBeNull();
  network.makeHonest();
  // Whoever asks next has bravo know it, too; and it is the same device.
  await client.admitFirstDevice(device, 'laptop');
  expect(await Promise.all([shown(1), shown(2)])).toEqual([there, there]);
  expect(reveal(device, 'test').length).toBeGreaterThan(32);
  wipe(device);
});

test('a server that shows a list of somebody else is not believed, and gets the right one', async () => {
  network = await createTestNetwork(3);
  const { client, keyId, callers } = await keyOfOwner(network);
  const device = await client.draftFirstDevice(null);
  await client.admitFirstDevice(device, 'laptop');
  const honest = await callers[0]!.call('key.devices', { keyId, links: [], after: null });
  network.server('alpha').tamper = async ({ name }, answer) => {
    const said = (await answer()) as { readonly links: readonly { readonly document: Uint8Array }[] };
    if (name !== 'key.devices') return said;
    const links = said.links.map((link) => ({ ...link, signature: new Uint8Array(64) }));
    return { ...said, links };
  };
  await client.admitFirstDevice(device, 'laptop');
  expect(await callers[1]!.call('key.devices', { keyId, links: [], after: null })).toEqual(honest);
  wipe(device);
});

test('a device that joins later says that it wants to be on the list, and whoever manages it puts it there: then its word is a sign of life', async () => {
  network = await createTestNetwork(3);
  const eve = {
    name: 'eve',
    xid: new Uint8Array(32).fill(5),
    keys: [{ kind: 'ed25519' as const, key: new Uint8Array(32).fill(6) }],
  };
  const wordsStore = memoryStore();
  const { client, keyId, callers } = await keyOfOwner(
    network,
    {
      approvers: [eve],
      silence: { afterSeconds: 30 * 86_400, grants: [{ who: 'eve', may: ['use'] }] },
    },
    wordsStore,
  );
  const phone = draftDevice((length) => crypto.getRandomValues(new Uint8Array(length)));
  const offer = makeDeviceOffer(phone, 'phone', network.now).text;
  const { welcome } = await client.addDevice({ offer, may: ['use'] });
  const opened = openWelcome(phone, welcome).welcome;
  const store = memoryStore();
  const own = () => ownerClient(network.send, () => network.now, { seed: { device: copy }, store });
  const joined = joinedDevice(phone, opened);
  let copy = secret(reveal(joined, 'test').slice());
  const first = own();
  await first.takeWelcome(opened);
  const { keys } = await first.fetchKeys();
  await first.keepKey(keys[0]!, { name: 'savings' });
  expect((await first.alive())[0]).toMatchObject({ outcome: 'unlisted' });
  await first.close();
  const listed = async () => {
    const { links } = await callers[0]!.call('key.devices', { keyId, links: [], after: null });
    return links.length === 0 ? 0 : parseDevices(links.at(-1)!.document).keys.length;
  };
  expect(await listed()).toBe(0);
  await client.sign({ key: 'savings', ...messageOf('a day’s work') });
  await client.close();
  expect(await listed()).toBe(1);
  copy = secret(reveal(joined, 'test').slice());
  const second = own();
  expect((await second.alive())[0]).toMatchObject({ outcome: 'told' });
  await second.close();
  const words = await network.owner({ store: wordsStore });
  await words.removeDevice({ name: 'phone' });
  expect(await listed()).toBe(0);
  await words.close();
});
