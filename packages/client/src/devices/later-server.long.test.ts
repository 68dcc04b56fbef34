// @module-tag long
import { reveal, secret, type Secret } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { draftDevice } from '../owner/device-secrets.js';
import { memoryStore } from '../store/memory-store.js';
import {
  createTestNetwork,
  messageOf,
  OWNER_SEED,
  ownerClient,
  type TestNetwork,
} from '../test/test-network.js';
import { makeDeviceOffer } from './offer.js';
import { joinedDevice, openWelcome } from './welcome.js';

let network: TestNetwork;
afterEach(() => network.close());

const random = (length: number) => new Uint8Array(randomBytes(length));
const copyOf = (device: Secret<Uint8Array>) => secret(reveal(device, 'test').slice());
const typed = () => secret(OWNER_SEED.slice());

/** A folder of a device, which learns of servers. */
function folderOf(device: Secret<Uint8Array>) {
  const store = memoryStore();
  let kept = copyOf(device);
  return {
    device: () => copyOf(kept),
    become: (later: Secret<Uint8Array>) => void (kept = copyOf(later)),
    open: () =>
      ownerClient(network.send, () => network.now, {
        seed: { device: copyOf(kept) },
        store,
        keepDevice: (later: Secret<Uint8Array>) => {
          kept = copyOf(later);
          return Promise.resolve();
        },
      }),
  };
}

test('a second device is brought to a later server by a new offer under the name that it has, and signs with what is made there', async () => {
  network = await createTestNetwork(4);
  const words = ownerClient(network.send, () => network.now);
  const [alpha, bravo, charlie, delta] = network.servers;
  for (const { name, url } of [alpha!, bravo!, charlie!]) await words.addServer({ name, url });
  const folders = [];
  for (const name of ['laptop', 'phone']) {
    const drawn = draftDevice(random);
    const { text } = makeDeviceOffer(drawn, name, network.now);
    const { welcome } = await words.addDevice({ offer: text, may: ['use', 'make', 'manage'] });
    await words.closeOffer(text);
    const { welcome: opened } = openWelcome(drawn, welcome);
    const folder = folderOf(joinedDevice(drawn, opened));
    const client = folder.open();
    await client.takeWelcome(opened);
    await client.close();
    folders.push(folder);
  }
  await words.close();
  const [laptop, phone] = folders;

  const first = laptop!.open();
  await first.addServer({ name: delta!.name, url: delta!.url, words: typed() });
  const { text } = makeDeviceOffer(phone!.device(), 'phone', network.now);
  const added = await first.addDevice({ offer: text, may: ['use', 'make', 'manage'] });
  expect(added.servers.map(({ server, outcome, error }) => [server, error?.code ?? outcome])).toEqual(
    ['alpha', 'bravo', 'charlie', 'delta'].map((name) => [name, 'done']),
  );
  await first.createKey({
    name: 'later',
    purpose: 'message',
    quorum: { needed: 2, of: 2 },
    servers: ['charlie', 'delta'],
  });
  const { devices } = await first.listDevices();
  expect(devices.map(({ name, at, missingAt }) => [name, at.length, missingAt])).toEqual([
    ['laptop', 4, []],
    ['phone', 4, []],
  ]);
  await first.close();

  const { welcome } = openWelcome(phone!.device(), added.welcome);
  phone!.become(joinedDevice(phone!.device(), welcome));
  const second = phone!.open();
  await second.takeWelcome(welcome);
  const { keys } = await second.fetchKeys();
  await second.keepKey(keys[0]!, { name: 'later' });
  expect(await second.sign({ key: 'later', ...messageOf('from the phone') })).toBeDefined();
  await second.close();
}, 120_000);

test('two devices that change the list at once both have what they wanted', async () => {
  network = await createTestNetwork(1);
  const one = await network.owner({ store: memoryStore() });
  const other = await network.owner({ store: memoryStore() });
  const offers = ['phone', 'tablet'].map(
    (name) => makeDeviceOffer(draftDevice(random), name, network.now).text,
  );
  let isBetween = false;
  network.server('alpha').tamper = async ({ name }, honest) => {
    if (name === 'device.update' && !isBetween) {
      isBetween = true;
      await other.addDevice({ offer: offers[1]!, may: ['use'] });
    }
    return honest();
  };
  const { servers } = await one.addDevice({ offer: offers[0]!, may: ['use'] });
  expect([isBetween, servers.map(({ outcome }) => outcome)]).toEqual([true, ['done']]);
  const names = (await other.listDevices()).devices.map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(['phone', 'tablet']));
});
