import { compareBytes, encodeHex, equalBytes } from '@ckm/foundation';
import {
  type Data,
  decodeData,
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
  type PublicKeys,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import { devicesInvalid, devicesTooLong, tooManyDevices } from './codes.js';
import { DEVICE_PRIVILEGES, type DevicePrivilege } from './privileges.js';

/** Devices of one account. */
export const MAX_DEVICES = 16;
/** Of what a device says of itself to the others, sealed: no server can read it. */
export const MAX_DEVICE_NOTES_BYTES = 256;
/** Of a whole document: {@link MAX_DEVICES} of them with the longest notes take less. */
export const MAX_DEVICES_DOCUMENT_BYTES = 8_192;
/** Lists in one band of numbers. Each recovery opens a band of its own: whoever has used one up keeps nobody who comes back from signing in the next. */
export const DEVICES_BAND = 1_024;
/** Of one generation; the next one begins at 0 again. */
export const MAX_DEVICES_NUMBER = 32 * DEVICES_BAND - 1;
/** What is longer, deeper or holds more is refused unread. */
const LIMITS = { maxBytes: MAX_DEVICES_DOCUMENT_BYTES, maxDepth: 4, maxItems: 512 } as const;
const MAX_PUBLIC_KEYS_BYTES = 128;

/** A key that an account has beside that of its words. */
export interface DeviceKey {
  /** 32 bytes: names the key, as an XID names its first. */
  readonly id: Xid;
  readonly publicKeys: PublicKeys;
  /** In the order of {@link DEVICE_PRIVILEGES}; empty: it looks, and stops what goes on. */
  readonly may: readonly DevicePrivilege[];
  readonly notes: Uint8Array;
}

/** Which list it is of an account at one server. */
export interface DevicesPlace {
  /** Raised by the words alone: whatever a higher one says stands. */
  readonly generation: number;
  /** From 0 in each generation; in generation 0 that is the account as it was opened, which nobody signs. */
  readonly number: number;
}

/** Which keys an account has at one server. Each server has a list of its own, so that no two can tell that they serve one owner. */
export interface DevicesDocument extends DevicesPlace {
  /** XID. */
  readonly server: Uint8Array;
  /** XID. */
  readonly account: Uint8Array;
  /** 32 bytes: `hashDevices` of the list that it was made from. */
  readonly previous: Uint8Array;
  /** The keys of the words. No list is without them. */
  readonly words: PublicKeys;
  /** By id, ascending. */
  readonly keys: readonly DeviceKey[];
  /** The id of the key that signs it; that of the words' key is the account's XID, that of a recovery the server's. */
  readonly by: Uint8Array;
  /** The keys of the server, where it let a new device in by recovery and signs for that; absent: it did not. */
  readonly recovery?: PublicKeys;
}

const place = {
  generation: z.int().min(0).max(0xffff),
  number: z.int().min(0).max(MAX_DEVICES_NUMBER),
};
export const devicesPlace = z.strictObject(place);

const written = z.strictObject({
  v: z.literal(1),
  server: bytesOf(32),
  account: bytesOf(32),
  ...place,
  previous: bytesOf(32),
  words: bytesUpTo(MAX_PUBLIC_KEYS_BYTES),
  keys: z.array(
    z.strictObject({
      publicKeys: bytesUpTo(MAX_PUBLIC_KEYS_BYTES),
      may: z.array(z.enum(DEVICE_PRIVILEGES)).max(DEVICE_PRIVILEGES.length),
      notes: bytesUpTo(MAX_DEVICE_NOTES_BYTES),
    }),
  ),
  by: bytesOf(32),
  recovery: bytesUpTo(MAX_PUBLIC_KEYS_BYTES).exactOptional(),
});

/** The name of a key of an account. */
export function deviceId(keys: PublicKeys): Xid {
  return xidOf(keys);
}

/** A key for a list. */
export function deviceKey(
  publicKeys: PublicKeys,
  may: readonly DevicePrivilege[],
  notes: Uint8Array = new Uint8Array(),
): DeviceKey {
  const ordered = DEVICE_PRIVILEGES.filter((one) => may.includes(one));
  return { id: deviceId(publicKeys), publicKeys, may: ordered, notes };
}

/** The list of an account that has no device yet: its first, which follows from who it is. */
export function firstDevices(server: Uint8Array, account: Uint8Array, words: PublicKeys): DevicesDocument {
  return {
    server,
    account,
    generation: 0,
    number: 0,
    previous: new Uint8Array(32),
    words,
    keys: [],
    by: account,
  };
}

/** The list that comes behind `before`, to be signed by the key `by`. @param raises whether it begins a generation, as the words alone may */
export function nextDevices(
  before: DevicesDocument,
  keys: readonly DeviceKey[],
  by: Uint8Array,
  raises = false,
): DevicesDocument {
  const { recovery: _recovery, ...rest } = before;
  return {
    ...rest,
    generation: before.generation + (raises ? 1 : 0),
    number: raises ? 0 : before.number + 1,
    previous: hashDevices(before),
    keys: keys.toSorted((a, b) => compareBytes(a.id, b.id)),
    by,
  };
}

/** Which number a list has in its band, from 0. */
export function numberInBand({ number }: Pick<DevicesPlace, 'number'>): number {
  return number % DEVICES_BAND;
}

/** The number of the list by which a server lets somebody in: the first of the next band. */
export function recoveryNumber({ number }: Pick<DevicesPlace, 'number'>): number {
  return (Math.floor(number / DEVICES_BAND) + 1) * DEVICES_BAND;
}

/** Whether nothing comes behind this list in its generation but a recovery. */
export function isLastOfBand(place: Pick<DevicesPlace, 'number'>): boolean {
  return numberInBand(place) === DEVICES_BAND - 1;
}

/**
 * The list in which a server has a new device take the place of all others, to be signed by itself.
 * @param server the keys of its identity
 */
export function recoveredDevices(
  before: DevicesDocument,
  key: DeviceKey,
  server: PublicKeys,
): DevicesDocument {
  const number = recoveryNumber(before);
  return { ...nextDevices(before, [key], before.server), number, recovery: server };
}

/** The bytes of a list: deterministic CBOR, of which its key signs. */
export function encodeDevices(document: DevicesDocument): Uint8Array {
  const { words, keys, server, account, generation, number, previous, by, recovery } = document;
  return encodeData({
    v: 1,
    server,
    account,
    generation,
    number,
    previous,
    words: encodePublicKeys(words),
    keys: keys.map(({ publicKeys, may, notes }) => ({
      publicKeys: encodePublicKeys(publicKeys),
      may: [...may],
      notes,
    })),
    by,
    ...(recovery === undefined ? {} : { recovery: encodePublicKeys(recovery) }),
  } satisfies Data);
}

/** 32 bytes that name a list. */
export function hashDevices(document: DevicesDocument): Uint8Array {
  return taggedHash('CKM/devices/document/v1', encodeDevices(document));
}

/**
 * Reads what {@link encodeDevices} wrote, and nothing else. Whether it is for here, in order and rightly signed is said by `followDevices`.
 * @throws EncodingError `DEVICES_TOO_LONG`, `DEVICES_INVALID`; StateError `DEVICES_TOO_MANY`
 */
export function parseDevices(bytes: Uint8Array): DevicesDocument {
  if (bytes.length > MAX_DEVICES_DOCUMENT_BYTES) {
    throw devicesTooLong(bytes.length, MAX_DEVICES_DOCUMENT_BYTES);
  }
  const { v: _v, recovery, ...document } = read(bytes);
  if (document.keys.length > MAX_DEVICES) throw tooManyDevices(MAX_DEVICES);
  const words = usableKeys(document.words);
  const keys = document.keys.map((key) => ({ ...key, ...identified(key.publicKeys) }));
  assertOrder(keys);
  if (keys.some(({ id }) => equalBytes(id, deviceId(words)))) {
    throw devicesInvalid('the key of the words is among the devices');
  }
  const parsed = {
    ...document,
    words,
    keys,
    ...(recovery === undefined ? {} : { recovery: usableKeys(recovery) }),
  };
  // Every list has one spelling: what is hashed and signed is what was read.
  if (!equalBytes(encodeDevices(parsed), bytes)) throw devicesInvalid('it is spelled in another way');
  return parsed;
}

function read(bytes: Uint8Array): z.infer<typeof written> {
  let data: Data;
  try {
    data = decodeData(bytes, LIMITS);
  } catch {
    throw devicesInvalid('it cannot be read');
  }
  const parsed = written.safeParse(data);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.map(String).join('.') ?? '';
  throw devicesInvalid(at === '' ? 'it has other members' : at);
}

function identified(bytes: Uint8Array): Pick<DeviceKey, 'id' | 'publicKeys'> {
  const publicKeys = usableKeys(bytes);
  return { id: deviceId(publicKeys), publicKeys };
}

/** Keys that a message can be signed with. */
function usableKeys(bytes: Uint8Array): PublicKeys {
  let keys: PublicKeys;
  try {
    keys = decodePublicKeys(bytes);
  } catch {
    throw devicesInvalid('a key cannot be read');
  }
  if (keys.signing.scheme !== 'ed25519') throw devicesInvalid('a key is of another kind');
  return keys;
}

function assertOrder(keys: readonly DeviceKey[]): void {
  for (const [i, key] of keys.entries()) {
    const before = keys[i - 1];
    if (before !== undefined && compareBytes(before.id, key.id) >= 0) {
      throw devicesInvalid('its keys are not in order, or one is in it twice');
    }
    const ordered = DEVICE_PRIVILEGES.filter((one) => key.may.includes(one));
    if (ordered.join() !== key.may.join()) {
      throw devicesInvalid('what a device may is not in order, or said twice');
    }
  }
}

/** What tells one key from another in a map: both halves of it. */
export function devicesKeyName(keys: PublicKeys): string {
  return encodeHex(encodePublicKeys(keys));
}
