import { deviceId, type DevicesDocument, type KeyDeviceWish, keysWished, type Result } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';

type Wish = Result<'key.devices'>['wishes'][number];

/** Devices of accounts that want to be on the list of a key, until one that manages it looks. In memory: they say it again with each command. */
export interface KeyWishes {
  /** Notes what the device says that asks; what it did not sign is passed over. */
  note(call: Call, keyId: Uint8Array, wish: KeyDeviceWish): void;
  /** Those of devices that the account still has, and the list has not. */
  of(call: Call, keyId: Uint8Array, list: DevicesDocument | null): readonly Wish[];
}

/** Keys for which wishes are remembered: the oldest go first. */
const MOST_KEYS = 4_096;

export function createKeyWishes(): KeyWishes {
  const all = new Map<string, Map<string, Wish>>();
  const nameOf = ({ account: { xid } }: Call, keyId: Uint8Array) => `${encodeHex(xid)} ${encodeHex(keyId)}`;
  return {
    note: (call, keyId, wish) => {
      const { by } = call;
      if (by.may === null || keysWished(keyId, wish, by.publicKeys) === null) return;
      const name = nameOf(call, keyId);
      const known = all.get(name) ?? new Map<string, Wish>();
      all.delete(name);
      all.set(name, known.set(encodeHex(by.id), { by: by.id, ...wish }));
      if (all.size > MOST_KEYS) all.delete(all.keys().next().value!);
    },
    of: (call, keyId, list) => {
      const { devices } = call.account.keys;
      return [...devices.values()].flatMap(({ id, publicKeys }) => {
        const wish = all.get(nameOf(call, keyId))?.get(encodeHex(id));
        const keys = wish === undefined ? null : keysWished(keyId, wish, publicKeys);
        if (wish === undefined || keys === null) return [];
        const isListed = list?.keys.some((one) => equalBytes(one.id, deviceId(keys))) === true;
        return isListed ? [] : [wish];
      });
    },
  };
}
