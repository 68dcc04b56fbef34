import { type DevicesDocument, type KeyTerms, xidOfKey } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { KeyRow, ProvenDeviceRow, Reader } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';
import { readOwnerDevices } from './owner-devices.js';

/** What is kept of an entry on the list of a key, and of its owner where he is a device. */
export interface ProvenDevice {
  /** The id of the device that it belongs to, as the account knows it. */
  readonly device: Uint8Array;
}

/** Which device of the account each entry on the list of a key belongs to, and its owner, as far as both have signed that: ids of devices, by those of entries as hex. */
export type ProvenDevices = ReadonlyMap<string, Uint8Array>;

export async function readProven(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: Pick<KeyRow, 'owner' | 'keyId'>,
): Promise<ProvenDevices> {
  const rows: readonly ProvenDeviceRow[] = await reader.provenDevices.of(owner, keyId);
  return new Map(
    rows.map((row) => [encodeHex(row.id), openRecord<ProvenDevice>(vault, 'proven_devices', row).device]),
  );
}

/**
 * How an entry stands to the account: it belongs to a device that is there; or to one that is not there any more, however long the list of the key says otherwise
 * (L9); or nobody has shown yet whose it is.
 */
export type Standing = 'there' | 'gone' | 'unknown';

/** The list in force of a key, with how each of its entries stands; null: there is none. */
export interface StandingDevices {
  readonly list: DevicesDocument;
  standingOf(id: Uint8Array): Standing;
}

export async function readStanding(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  ownerKey: Uint8Array,
): Promise<StandingDevices | null> {
  const last = await readOwnerDevices(context, reader, name, ownerKey);
  if (last === null) return null;
  const proven = await readProven(context, reader, name);
  const account = proven.size === 0 ? null : await context.accounts.find(reader, name.owner);
  const devices = new Set([...(account?.keys.devices.values() ?? [])].map(({ id }) => encodeHex(id)));
  return {
    list: last.list,
    standingOf: (id) => {
      const device = proven.get(encodeHex(id));
      if (device === undefined) return 'unknown';
      return devices.has(encodeHex(device)) ? 'there' : 'gone';
    },
  };
}

/**
 * Whether the owner whom terms name speaks still: the words always do, a device that terms made owner as long as the account has it (L9).
 */
export async function isOwnerThere(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  ownerKey: Uint8Array,
): Promise<boolean> {
  const device = (await readProven(context, reader, name)).get(encodeHex(xidOfKey(ownerKey)));
  if (device === undefined) return true;
  const account = await context.accounts.find(reader, name.owner);
  return [...(account?.keys.devices.values() ?? [])].some(({ id }) => equalBytes(id, device));
}

/** Terms as far as whoever they name speaks: without an owner who is a device that the account has no more. */
export async function spokenTerms<T extends Partial<KeyTerms>>(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  terms: T,
): Promise<T> {
  const { ownerKey } = terms;
  if (ownerKey === undefined || (await isOwnerThere(context, reader, name, ownerKey))) return terms;
  const { ownerKey: _gone, ...others } = terms;
  return others as T;
}

/** The list in force of a key, with those devices alone whose word counts without anybody else's: they are in the account, too. Null: there is none. */
export async function readSpeaking(
  context: Pick<ServerContext, 'vault' | 'accounts'>,
  reader: Reader,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
  ownerKey: Uint8Array,
): Promise<DevicesDocument | null> {
  const found = await readStanding(context, reader, name, ownerKey);
  if (found === null) return null;
  const { list, standingOf } = found;
  return { ...list, keys: list.keys.filter(({ id }) => standingOf(id) === 'there') };
}
