import { type DeviceKey, deviceKey, deviceId, keysWished } from '@ckm/api';
import { encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { readKnownList } from '../devices/lists/known-list.js';
import { certifyRecord, type CertifiedKey } from '../keys/key-record.js';
import { listKeyRecords } from '../keys/keys.js';
import { rosterOf } from '../keys/roster.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { householdIn } from '../owner/owner.js';
import { keyOwnerIdentity } from '../seed/key-owner.js';
import { bringKeyLists, type KeyListsHeard, listDevices, unlistDevice, type WishesAt } from './key-lists.js';

/**
 * Keeps the lists of keys that have an owner key: servers that answered have the newest one; a device says that it wants to be on it; and where whoever speaks here
 * manages it, devices that the account has are put on it. What becomes of it is seen by whoever asks with such a device.
 */
export async function keepKeyLists(context: ClientContext): Promise<void> {
  for (const record of await listKeyRecords(context.store)) {
    if (record.policy.ownerKey === undefined) continue;
    const key = certifyRecord(record);
    const servers = await rosterOf(context, key);
    if (!servers.some(({ server: { xid } }) => context.answered.has(encodeHex(xid)))) continue;
    const heard = await bringKeyLists(context, key);
    if (heard !== null) await admitWishes(context, key, heard);
  }
}

async function admitWishes(context: ClientContext, key: CertifiedKey, heard: KeyListsHeard): Promise<void> {
  if (heard.wishes.every(({ wishes }) => wishes.length === 0)) return;
  const owner = await context.owner();
  const signer = owner.identityForKey(key.keyId);
  const own = heard.newest?.list.keys.find(({ id }) => equalBytes(id, deviceId(signer.publicKeys)));
  if (owner.words !== null || own?.may.includes('manage') === true) {
    const wished = await Promise.all(heard.wishes.map((one) => entriesOf(context, key.keyId, one)));
    const gives = (entry: DeviceKey) =>
      owner.words !== null || entry.may.every((one) => own?.may.includes(one) === true);
    const entries = new Map(wished.flat().map((entry) => [encodeHex(entry.id), entry]));
    await listDevices(context, key, { signer, heard }, [...entries.values()].filter(gives));
  }
  wipeIdentity(signer);
}

/** What a server says is believed as far as the device has signed it that this client knows from the list of the account there. */
async function entriesOf(
  context: ClientContext,
  keyId: Uint8Array,
  { server, wishes }: WishesAt,
): Promise<readonly DeviceKey[]> {
  const household = householdIn(await context.owner());
  const known = await readKnownList(context.store, server.xid);
  return wishes.flatMap((wish) => {
    const device = known?.list.keys.find(({ id }) => equalBytes(id, wish.by));
    const keys = device === undefined ? null : keysWished(keyId, wish, device.publicKeys);
    if (device === undefined || keys === null) return [];
    const name = openDeviceName(household, device.publicKeys, device.notes);
    const notes = name === null ? new Uint8Array() : sealDeviceName(household, keys, name, context.random);
    return [deviceKey(keys, device.may, notes)];
  });
}

/**
 * Takes a device that was removed off the lists of all keys, as far as whoever speaks here manages them.
 * @param words typed for this alone: they sign; null: whoever this client is signs
 */
export async function unlistEverywhere(
  context: ClientContext,
  name: string,
  words: Secret<Uint8Array> | null,
): Promise<void> {
  const owner = await context.owner();
  const household = householdIn(owner);
  const isIt = ({ publicKeys, notes }: DeviceKey) => openDeviceName(household, publicKeys, notes) === name;
  for (const record of await listKeyRecords(context.store)) {
    if (record.policy.ownerKey === undefined) continue;
    const key = certifyRecord(record);
    const heard = await bringKeyLists(context, key);
    if (heard === null) continue;
    const signer = words === null ? owner.identityForKey(key.keyId) : keyOwnerIdentity(words, key.keyId);
    await unlistDevice(context, key, { signer, heard }, isIt);
    wipeIdentity(signer);
  }
}
