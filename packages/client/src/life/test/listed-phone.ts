import { type DevicesDocument, type DevicePrivilege, parseDevices } from '@ckm/api';
import { reveal, secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { BareCaller } from '@ckm/server/test';
import { makeDeviceOffer } from '../../devices/offer.js';
import { joinedDevice, openWelcome } from '../../devices/welcome.js';
import { draftDevice, parseDevice } from '../../owner/device-secrets.js';
import { keyDeviceIdentity } from '../../seed/key-owner.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import { messageOf, ownerClient, type TestNetwork } from '../../test/test-network.js';
import type { Client } from '../../client.js';
import { keyOfOwner } from './key-of-owner.js';

/** A key whose words have let a phone in. */
export interface ListedPhone {
  readonly keyId: Uint8Array;
  /** Of the words. */
  readonly store: ClientStore;
  /** The account of the words at each server, in order of slots. */
  readonly callers: readonly BareCaller[];
  /** What the phone signs lists of the key with. */
  readonly identity: Identity;
  /** The phone says at every server that it wants to be on the list. */
  wish(): Promise<void>;
  /** The words do a day’s work, and keep lists. */
  work(): Promise<void>;
  /** As it is in force at the server of that slot; null: there is none. */
  listAt(at: number): Promise<DevicesDocument | null>;
}

export async function letPhoneIn(
  network: TestNetwork,
  may: readonly DevicePrivilege[],
): Promise<ListedPhone> {
  const store = memoryStore();
  const { client, keyId, callers } = await keyOfOwner(network, {}, store);
  const phone = draftDevice((length) => crypto.getRandomValues(new Uint8Array(length)));
  const offer = makeDeviceOffer(phone, 'phone', network.now).text;
  const { welcome } = await client.addDevice({ offer, may: [...may] });
  await client.close();
  const opened = openWelcome(phone, welcome).welcome;
  const joined = joinedDevice(phone, opened);
  const phoneStore = memoryStore();
  const open = () => {
    const device = secret(reveal(joined, 'test').slice());
    return ownerClient(network.send, () => network.now, { seed: { device }, store: phoneStore });
  };
  const first: Client = open();
  await first.takeWelcome(opened);
  const { keys } = await first.fetchKeys();
  await first.keepKey(keys[0]!, { name: 'savings' });
  // Each command that does something says that it wants to be on the list.
  await first.sign({ key: 'savings', ...messageOf('of the phone') });
  await first.close();
  return {
    keyId,
    store,
    callers,
    identity: keyDeviceIdentity(parseDevice(secret(reveal(joined, 'test').slice())).secret, keyId),
    wish: async () => {
      const again = open();
      await again.sign({ key: 'savings', ...messageOf('of the phone') });
      await again.close();
    },
    work: async () => {
      const words = await network.owner({ store });
      await words.sign({ key: 'savings', ...messageOf('a day’s work') });
      await words.close();
    },
    listAt: async (at) => {
      const { links } = await callers[at]!.call('key.devices', { keyId, links: [], after: null });
      return links.length === 0 ? null : parseDevices(links.at(-1)!.document);
    },
  };
}
