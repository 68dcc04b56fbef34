import { parseDevices } from '@ckm/api';
import { reveal, wipe } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createTestNetwork, type TestNetwork } from '../test/test-network.js';
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
