import { CkmError, equalBytes } from '@ckm/foundation';
import {
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
  type Identity,
  type PublicKeys,
  signBytes,
  verifyBytes,
} from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier } from '../fields/fields.js';
import { devicesForOthers } from './codes.js';
import {
  deviceId,
  type DevicesDocument,
  devicesPlace,
  firstDevices,
  MAX_DEVICES,
  parseDevices,
} from './document.js';
import { MAX_DEVICES_LINKS } from './functions.js';
import { type SignedDevices, signedDevices } from './signed.js';

/** A device of the account that wants to be on the list of a key: its key there, and each of the two signed with the other, so that nobody wishes for another one's. */
export const keyDeviceWish = z.strictObject({
  publicKeys: bytesUpTo(128),
  /** With the key that the account knows it by. */
  signature: bytesOf(64),
  /** With its key there. */
  own: bytesOf(64),
});
export type KeyDeviceWish = z.infer<typeof keyDeviceWish>;

const WISH = 'ckm/key-device/v1';
const OWN = 'ckm/key-device-own/v1';

/** @param device as the account at one server knows it @param own as whoever has to do with the key shall */
export function signKeyDeviceWish(device: Identity, keyId: Uint8Array, own: Identity): KeyDeviceWish {
  const publicKeys = encodePublicKeys(own.publicKeys);
  return {
    publicKeys,
    signature: signBytes(device, WISH, wishBytes(keyId, publicKeys)),
    own: signBytes(own, OWN, wishBytes(keyId, encodePublicKeys(device.publicKeys))),
  };
}

/** The keys that a device wants to be listed with; null: that device did not say so, or they are not its own. @param device its keys, as the account has them */
export function keysWished(
  keyId: Uint8Array,
  { publicKeys, signature, own }: KeyDeviceWish,
  device: PublicKeys,
): PublicKeys | null {
  if (!verifyBytes(device, WISH, wishBytes(keyId, publicKeys), signature)) return null;
  try {
    const keys = decodePublicKeys(publicKeys);
    const isOwn =
      keys.signing.scheme === 'ed25519' &&
      verifyBytes(keys, OWN, wishBytes(keyId, encodePublicKeys(device)), own);
    return isOwn ? keys : null;
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

function wishBytes(keyId: Uint8Array, publicKeys: Uint8Array): Uint8Array {
  return encodeData({ v: 1, keyId, publicKeys });
}

/**
 * Brings lists of the owner's devices for one key, in order, and shows those behind a place. They are of the form and the rules of an account's; what stands
 * for the server is the key, what stands for the account is its owner key, which the terms name: so all servers of the key have the same.
 */
export const keyDevices = {
  parameters: z.strictObject({
    keyId: identifier,
    /** Those that the server has are passed over. */
    links: z.array(signedDevices).max(MAX_DEVICES_LINKS),
    /** A list that is known already; null: none. */
    after: devicesPlace.nullable(),
    /** Of whoever asks, a device: it wants to be on the list, or is, and shows whose entry that is; absent: it wants nothing. */
    wish: keyDeviceWish.exactOptional(),
  }),
  result: z.strictObject({
    /** The list in force, with its `hashDevices`; null: none was brought. */
    inForce: z.strictObject({ ...devicesPlace.shape, hash: bytesOf(32) }).nullable(),
    /** Lists behind the place that was asked for, in order. */
    links: z.array(signedDevices).max(MAX_DEVICES_LINKS),
    /** Behind which to ask for more; null: that was all. */
    next: devicesPlace.nullable(),
    /** Of an owner who is a device of the account, and has shown it: its id in the list of the account here. Absent: the words are, or nobody has shown it. */
    owner: z.strictObject({ by: bytesOf(32) }).exactOptional(),
    /** Devices of the account that want to be on it. `by`: their ids in the list of the account here. Whoever manages the list believes their signatures alone. */
    wishes: z.array(z.strictObject({ by: bytesOf(32), ...keyDeviceWish.shape })).max(MAX_DEVICES),
  }),
};

/** The list of a key that none was made for yet: it follows from its owner. */
export function firstKeyDevices(keyId: Uint8Array, owner: PublicKeys): DevicesDocument {
  return firstDevices(keyId, deviceId(owner), owner);
}

/**
 * The list that the first one of a key follows, which names its owner's keys.
 * @param ownerKey as the terms have it
 * @throws AccessError `DEVICES_FOR_OTHERS`: it is of another owner; EncodingError `DEVICES_INVALID`
 */
export function beforeFirstOf(
  keyId: Uint8Array,
  ownerKey: Uint8Array,
  { document }: SignedDevices,
): DevicesDocument {
  const list = parseDevices(document);
  if (!isOfOwner(list, ownerKey)) throw devicesForOthers('account');
  return firstKeyDevices(keyId, list.words);
}

/** Whether a list is of the owner whom the terms name. */
export function isOfOwner({ words, account }: DevicesDocument, ownerKey: Uint8Array): boolean {
  return equalBytes(words.signing.bytes, ownerKey) && equalBytes(account, deviceId(words));
}
