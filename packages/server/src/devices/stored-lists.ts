import type { DevicesDocument, DevicesPlace, DevicesTwice, SignedDevices } from '@ckm/api';
import { firstDevices, followDevices, parseDevices } from '@ckm/api';
import type { Account } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { KnownLists } from './accept-lists.js';

/** Two lists of one place, each of which could have come into force there; the one that did first. */
interface Pair {
  readonly first: SignedDevices;
  readonly second: SignedDevices;
}

/** The list of an account that is in force; where it never had devices, the one that follows from who it is. */
export function listInForce(
  { identity }: Pick<ServerContext, 'identity'>,
  account: Account,
): DevicesDocument {
  const { devices, keys, xid } = account;
  if (devices !== null) return parseDevices(devices.signed.document);
  return firstDevices(identity.xid, xid, keys.words.publicKeys);
}

/** The list that was in force at a place, or is; null: none was, or it is not kept. */
async function signedAt(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { xid, devices }: Account,
  place: DevicesPlace,
): Promise<SignedDevices | null> {
  if (devices !== null && isAt(parseDevices(devices.signed.document), place)) return devices.signed;
  const row = await reader.devices.find(xid, place, false);
  return row === null ? null : openRecord<SignedDevices>(context.vault, 'devices', row);
}

/** The lists that are known of an account. */
export function knownOf(
  context: Pick<ServerContext, 'vault' | 'identity'>,
  reader: Reader,
  account: Account,
): KnownLists {
  return {
    inForce: listInForce(context, account),
    signedAt: (place) => signedAt(context, reader, account, place),
    follow: followDevices,
  };
}

/** Lists that were in force and are not any more, in order, behind a place. */
export async function signedBehind(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  owner: Uint8Array,
  after: DevicesPlace | null,
  limit: number,
): Promise<readonly SignedDevices[]> {
  const rows = await reader.devices.behind(owner, after, limit);
  return rows.map((row) => openRecord<SignedDevices>(vault, 'devices', row));
}

/** Keeps a list that was in force. */
export async function keepLink(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  owner: Uint8Array,
  { generation, number }: DevicesPlace,
  { document, signature }: SignedDevices,
): Promise<void> {
  const columns = { owner, generation, number, twice: false };
  await transaction.devices.insert(sealRecord(vault, 'devices', columns, { document, signature }));
}

/** Keeps two lists of one place, unless two of it are kept. @returns whether they are kept now, and were not before */
export async function keepTwice(
  { vault }: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  owner: Uint8Array,
  { generation, number }: DevicesPlace,
  { first, second }: Pair,
): Promise<boolean> {
  const place = { generation, number };
  if ((await transaction.devices.find(owner, place, true)) !== null) return false;
  const record = { first: { ...first }, second: { ...second } };
  await transaction.devices.insert(sealRecord(vault, 'devices', { owner, ...place, twice: true }, record));
  return true;
}

/** What was there twice, the last places first. */
export async function listTwice(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  owner: Uint8Array,
  limit: number,
): Promise<readonly DevicesTwice[]> {
  const rows = await reader.devices.twice(owner, limit);
  return rows.map((row) => {
    const { first, second } = openRecord<Pair>(vault, 'devices', row);
    const { generation, number } = row;
    return { generation, number, documents: [first, second] };
  });
}

function isAt(list: DevicesPlace, { generation, number }: DevicesPlace): boolean {
  return list.generation === generation && list.number === number;
}
