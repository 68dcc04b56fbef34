import { type DevicesDocument, isOfOwner, parseDevices, type SignedDevices } from '@ckm/api';
import type { ServerContext } from '../../context.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';

/** The list of its owner's devices that is in force for a key; null: none was brought, or it is of an owner whom the terms do not name any more. */
export async function readOwnerDevices(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
  ownerKey: Uint8Array,
): Promise<{ readonly list: DevicesDocument; readonly signed: SignedDevices } | null> {
  const row = await reader.keyDevices.last(owner, keyId);
  if (row === null) return null;
  const signed = openRecord<SignedDevices>(vault, 'key_devices', row);
  const list = parseDevices(signed.document);
  return isOfOwner(list, ownerKey) ? { list, signed } : null;
}
