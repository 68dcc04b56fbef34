import {
  deviceId,
  type DeviceKey,
  deviceKey,
  type DevicePrivilege,
  type DevicesDocument,
  firstDevices,
  nextDevices,
  signDevices,
  type SignedDevices,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { keysOf, type TestServer } from './test-server.js';

/** A device of somebody, always the same for the same number: a key of its own under the XID of the account. */
export function deviceOf({ xid }: Identity, number: number): Identity {
  return createIdentity(secret(new Uint8Array(32).fill(number)), xid);
}

/** A list and its signature. */
export interface SignedList {
  readonly list: DevicesDocument;
  readonly signed: SignedDevices;
}

/** The list that an account has at a server before it has any device. */
export function firstListAt(
  { server }: Pick<TestServer, 'server'>,
  { xid, publicKeys }: Identity,
): DevicesDocument {
  return firstDevices(keysOf(server).xid, xid, publicKeys);
}

export function entryOf({ publicKeys }: Identity, ...may: readonly DevicePrivilege[]): DeviceKey {
  return deviceKey(publicKeys, may);
}

/** The list behind another one, signed by whoever that is. */
export function nextList(
  signer: Identity,
  before: DevicesDocument,
  keys: readonly DeviceKey[],
  raises = false,
): SignedList {
  const list = nextDevices(before, keys, deviceId(signer.publicKeys), raises);
  return { list, signed: signDevices(list, signer) };
}
