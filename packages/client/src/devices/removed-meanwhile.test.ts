import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { draftDevice } from '../owner/device-secrets.js';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, ownerClient, type TestNetwork } from '../test/test-network.js';
import { randomBytes } from 'node:crypto';
import { makeDeviceOffer } from './offer.js';

let network: TestNetwork;
afterEach(() => network.close());

const random = (length: number) => new Uint8Array(randomBytes(length));

/** Two places of one owner; the first has let a phone in while charlie did not answer. */
async function withPhone() {
  network = await createTestNetwork(3);
  const store = memoryStore();
  const open = () => ownerClient(network.send, () => network.now, { store });
  const first = await network.owner({ store });
  const second = await network.owner({ store: memoryStore() });
  network.cut('charlie');
  const { text } = makeDeviceOffer(draftDevice(random), 'phone', network.now);
  const { servers } = await first.addDevice({ offer: text, may: ['use'] });
  expect(servers.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'unsent']);
  network.makeHonest();
  return { second, open };
}

/** As any command does that has asked servers. */
async function lookAround(client: Client): Promise<void> {
  await client.status({ isRemembered: true });
  await client.close();
}

const listed = async (client: Client) => (await client.listDevices()).devices.map(({ at }) => at.length);

describe('a device that a server has not heard of yet', () => {
  test('is let in there when it answers', async () => {
    const { second, open } = await withPhone();
    await lookAround(open());
    expect(await listed(second)).toEqual([3]);
  });

  test('P1: stays out once it was removed elsewhere, however late the server is told that it was let in', async () => {
    const { second, open } = await withPhone();
    const { servers } = await second.removeDevice({ name: 'phone' });
    expect(servers.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
    await lookAround(open());
    expect(await listed(second)).toEqual([]);
    expect((await second.listDevices()).unsent).toEqual([]);
    const later = open();
    expect((await later.listDevices()).unsent).toEqual([]);
    await later.close();
  });

  test('waits where nobody who was told of it says whether it is still in', async () => {
    const { second, open } = await withPhone();
    for (const name of ['alpha', 'bravo']) network.cut(name);
    await lookAround(open());
    network.makeHonest();
    expect(await listed(second)).toEqual([2]);
    await lookAround(open());
    expect(await listed(second)).toEqual([3]);
  });
});

test('P1: a device that is removed while another place of the owner calls it otherwise stays out', async () => {
  const { second, open } = await withPhone();
  const first = open();
  let isRemoved = false;
  network.server('alpha').tamper = async ({ name }, honest) => {
    if (name !== 'device.update' || isRemoved) return honest();
    isRemoved = true;
    await second.removeDevice({ name: 'phone' });
    return honest();
  };
  await first.renameDevice({ name: 'phone', wanted: 'tablet' });
  expect(isRemoved).toBe(true);
  await first.close();
  expect(await listed(second)).toEqual([]);
});
