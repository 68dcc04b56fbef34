import {
  deviceId,
  deviceKey,
  type DevicePrivilege,
  firstDevices,
  nextDevices,
  parseDevices,
  signDevices,
  signKeyDeviceWish,
} from '@ckm/api';
import { equalBytes, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import type { BareCaller, BareServer } from './bare-server.js';

/** A device that an account has at a server. */
export interface LetInDevice {
  readonly id: Uint8Array;
  readonly caller: BareCaller;
  /** It says, and shows, that an entry on the list of a key is its own. */
  wish(keyId: Uint8Array, entry: Identity): Promise<Awaited<ReturnType<BareCaller['call']>>>;
  /** The words take it out of the account; of its keys nothing is done. */
  remove(): Promise<void>;
}

/** The words let a device into their account. @param byte always the same device for the same one */
export async function letIn(
  server: BareServer,
  words: Identity,
  byte: number,
  may: readonly DevicePrivilege[] = ['use', 'manage'],
): Promise<LetInDevice> {
  const { context } = server;
  const device = createIdentity(secret(new Uint8Array(32).fill(byte)), words.xid);
  const id = deviceId(device.publicKeys);
  const own = await server.as(words);
  const update = async (isIn: boolean) => {
    const account = await context.storage.read((reader) => context.accounts.find(reader, words.xid));
    const known = account?.devices?.signed.document;
    const before =
      known === undefined
        ? firstDevices(context.identity.xid, words.xid, words.publicKeys)
        : parseDevices(known);
    const others = before.keys.filter((one) => !equalBytes(one.id, id));
    const keys = isIn ? [...others, deviceKey(device.publicKeys, may)] : others;
    const list = nextDevices(before, keys, deviceId(words.publicKeys));
    await own.call('device.update', { documents: [signDevices(list, words)] });
  };
  await update(true);
  const caller = server.asDevice(device);
  return {
    id,
    caller,
    wish: (keyId, entry) =>
      caller.call('key.devices', {
        keyId,
        links: [],
        after: null,
        wish: signKeyDeviceWish(device, keyId, entry),
      }),
    remove: () => update(false),
  };
}

/** Has all devices of an account be there for long, without the time that this takes. */
export async function growUp({ context }: BareServer, { xid }: Pick<Identity, 'xid'>): Promise<void> {
  await context.storage.transact(async ({ youngDevices }) => {
    for (const { id } of await youngDevices.of(xid)) await youngDevices.remove(xid, id);
  });
}
