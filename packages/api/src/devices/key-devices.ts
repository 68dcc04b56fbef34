import { equalBytes } from '@ckm/foundation';
import type { PublicKeys } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, identifier } from '../fields/fields.js';
import { devicesForOthers } from './codes.js';
import { deviceId, type DevicesDocument, devicesPlace, firstDevices, parseDevices } from './document.js';
import { MAX_DEVICES_LINKS } from './functions.js';
import { type SignedDevices, signedDevices } from './signed.js';

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
  }),
  result: z.strictObject({
    /** The list in force, with its `hashDevices`; null: none was brought. */
    inForce: z.strictObject({ ...devicesPlace.shape, hash: bytesOf(32) }).nullable(),
    /** Lists behind the place that was asked for, in order. */
    links: z.array(signedDevices).max(MAX_DEVICES_LINKS),
    /** Behind which to ask for more; null: that was all. */
    next: devicesPlace.nullable(),
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
