import { deviceId, type KeyDeviceWish, keysWished, type Result } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';

type Wish = Result<'key.devices'>['wishes'][number];

/** A wish of a device that the account has. */
export interface NotedWish {
  readonly wish: Wish;
  /** Of its entry on the list of the key. */
  readonly id: Uint8Array;
}

/** Devices of accounts that want to be on the list of a key, until one that manages it looks. In memory: they say it again with each command. */
export interface KeyWishes {
  /** Notes what the device says that asks; what it did not sign is passed over. */
  note(call: Call, keyId: Uint8Array, wish: KeyDeviceWish): void;
  /** Whether the words of the account say, with the owner key itself, that it is theirs: then no device is the owner. */
  isOfWords(call: Call, keyId: Uint8Array, wish: KeyDeviceWish, owner: Uint8Array): boolean;
  /** Those of devices that the account still has. */
  of(call: Call, keyId: Uint8Array): readonly NotedWish[];
}

/** Keys for which wishes are remembered: the oldest go first. */
const MOST_KEYS = 4_096;

export function createKeyWishes(): KeyWishes {
  const all = new Map<string, Map<string, NotedWish>>();
  const nameOf = ({ account: { xid } }: Call, keyId: Uint8Array) => `${encodeHex(xid)} ${encodeHex(keyId)}`;
  const stillThere = ({ account }: Call, noted: ReadonlyMap<string, NotedWish> | undefined) =>
    [...account.keys.devices.values()].flatMap(({ id }) => noted?.get(encodeHex(id)) ?? []);
  return {
    note: (call, keyId, wish) => {
      const { by } = call;
      const keys = by.may === null ? null : keysWished(keyId, wish, by.publicKeys);
      if (keys === null) return;
      const name = nameOf(call, keyId);
      const others = stillThere(call, all.get(name)).map((one) => [encodeHex(one.wish.by), one] as const);
      all.delete(name);
      all.set(
        name,
        new Map([...others, [encodeHex(by.id), { wish: { by: by.id, ...wish }, id: deviceId(keys) }]]),
      );
      if (all.size > MOST_KEYS) all.delete(all.keys().next().value!);
    },
    isOfWords: ({ by }, keyId, wish, owner) => {
      const keys = by.may === null ? keysWished(keyId, wish, by.publicKeys) : null;
      return keys !== null && equalBytes(deviceId(keys), owner);
    },
    of: (call, keyId) => stillThere(call, all.get(nameOf(call, keyId))),
  };
}
