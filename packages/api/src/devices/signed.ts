import { equalBytes } from '@ckm/foundation';
import { type Identity, type PublicKeys, signBytes, verifyBytes } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import { devicesNotAllowed } from './codes.js';
import {
  deviceId,
  type DeviceKey,
  type DevicesDocument,
  encodeDevices,
  MAX_DEVICES_DOCUMENT_BYTES,
} from './document.js';

/** What a signature over a list is for, and nothing else. */
const PURPOSE = 'ckm/devices/v1';

/** A list with the signature of one of its account's keys, as it travels and is kept. */
export const signedDevices = z.strictObject({
  document: bytesUpTo(MAX_DEVICES_DOCUMENT_BYTES),
  signature: bytesOf(64),
});
export type SignedDevices = z.infer<typeof signedDevices>;

/**
 * Signs a list.
 * @param signer the key that the list names as `by`: of the words, or of a device (`createIdentity(seed, account)`)
 * @throws AccessError `DEVICES_NOT_ALLOWED` for another key
 */
export function signDevices(document: DevicesDocument, signer: Identity): SignedDevices {
  if (!equalBytes(document.by, deviceId(signer.publicKeys))) {
    throw devicesNotAllowed('it names another key than that which signs it');
  }
  const bytes = encodeDevices(document);
  return { document: bytes, signature: signBytes(signer, PURPOSE, bytes) };
}

/** Whether the holder of these keys signed it. */
export function isDevicesSignature(signed: SignedDevices, keys: PublicKeys): boolean {
  return verifyBytes(keys, PURPOSE, signed.document, signed.signature);
}

/** Whoever signs a list, as the list before it knows him. */
export type DevicesSigner =
  | { readonly kind: 'words' }
  | { readonly kind: 'server' }
  | { readonly kind: 'device'; readonly key: DeviceKey };

/** The key `by` of a list; null: it is not in it. */
export function signerIn(list: DevicesDocument, by: Uint8Array): DevicesSigner | null {
  if (equalBytes(by, deviceId(list.words))) return { kind: 'words' };
  const key = list.keys.find(({ id }) => equalBytes(id, by));
  return key === undefined ? null : { kind: 'device', key };
}
