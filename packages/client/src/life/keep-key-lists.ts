import { type DeviceKey, deviceKey, deviceId, keysWished } from '@ckm/api';
import { AvailabilityError, CkmError, encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import type { ChangedAt } from '../devices/lists/change-lists.js';
import { type KnownList, readKnownList } from '../devices/lists/known-list.js';
import { lookAtList } from '../devices/lists/read-list.js';
import { speakTo } from '../devices/lists/speaker.js';
import { unsentAt } from '../devices/lists/unsent.js';
import { certifyRecord, type CertifiedKey } from '../keys/key-record.js';
import { listKeyRecords } from '../keys/keys.js';
import { rosterOf } from '../keys/roster.js';
import { termsKnown } from '../keys/terms/terms-known.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { householdIn } from '../owner/owner.js';
import { keyOwnerIdentity } from '../seed/key-owner.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listTermsNotes } from '../terms/change/known-terms.js';
import { noteUnlisting, readUnlisting } from './unlisting.js';
import {
  bringKeyLists,
  changeEntries,
  isOnAny,
  type KeyListsHeard,
  listDevices,
  lookAtKeyLists,
  unlistDevice,
  type WishesAt,
} from './key-lists.js';

/**
 * Keeps the lists of keys that have an owner key: servers that answered have the newest one; a device says that it wants to be on it; and where whoever speaks here
 * manages it, devices that the account has are put on it. What becomes of it is seen by whoever asks with such a device.
 */
export async function keepKeyLists(context: ClientContext): Promise<void> {
  for (const key of await keysWithOwner(context)) {
    const servers = await rosterOf(context, key);
    if (!servers.some(({ server: { xid } }) => context.answered.has(encodeHex(xid)))) continue;
    const heard = await bringKeyLists(context, key);
    if (heard !== null) await admitWishes(context, key, await goOnUnlisting(context, key, heard));
  }
}

/** Takes those off of whose removal no server of a key had heard. Where it is not for whoever speaks here, nothing is kept of it: he was told. */
async function goOnUnlisting(
  context: ClientContext,
  key: CertifiedKey,
  first: KeyListsHeard,
): Promise<KeyListsHeard> {
  const names = await readUnlisting(context.store, key.keyId);
  if (names.length === 0 || isUnheard(first)) return first;
  const signer = (await context.owner()).identityForKey(key.keyId);
  let heard = first;
  for (const name of names) {
    const isIt = await isCalled(context, name);
    if (isOnAny(heard, isIt)) heard = await unlistDevice(context, key, { signer, heard }, isIt);
    if (!isUnheard(heard)) await noteUnlisting(context.store, key.keyId, name, false);
  }
  wipeIdentity(signer);
  return heard;
}

/** Whether no server of a key has answered. */
function isUnheard({ have, lists }: Pick<KeyListsHeard, 'have' | 'lists'>): boolean {
  return have.length === 0 && lists.length === 0;
}

async function admitWishes(context: ClientContext, key: CertifiedKey, heard: KeyListsHeard): Promise<void> {
  if (heard.wishes.every(({ wishes }) => wishes.length === 0)) return;
  const owner = await context.owner();
  const signer = owner.identityForKey(key.keyId);
  const own = heard.newest?.list.keys.find(({ id }) => equalBytes(id, deviceId(signer.publicKeys)));
  if (heard.isOwner || own?.may.includes('manage') === true) {
    const standing = await standingAt(context, key);
    const wished = await Promise.all(
      heard.wishes.map((one) => entriesOf(context, key, one, standing, heard)),
    );
    const gives = (entry: DeviceKey) =>
      !equalBytes(entry.id, deviceId(signer.publicKeys)) &&
      (heard.isOwner || entry.may.every((one) => own?.may.includes(one) === true));
    const entries = new Map(wished.flat().map((entry) => [encodeHex(entry.id), entry]));
    await listDevices(context, key, { signer, heard }, [...entries.values()].filter(gives));
  }
  wipeIdentity(signer);
}

/** Devices that one server of a key has let in, as far as it has heard what was decided. */
interface StandingAt {
  readonly server: Uint8Array;
  readonly keys: readonly DeviceKey[];
  readonly names: readonly (string | null)[];
}

/** Of each server of a key what it says now, or else said last; one that was never heard is left out. */
async function standingAt(context: ClientContext, key: CertifiedKey): Promise<readonly StandingAt[]> {
  const household = householdIn(await context.owner());
  const nameOf = ({ publicKeys, notes }: DeviceKey) => openDeviceName(household, publicKeys, notes);
  const all = await Promise.all(
    (await rosterOf(context, key)).map(async ({ server }): Promise<StandingAt[]> => {
      const known = await listNow(context, server);
      if (known === null) return [];
      const unsent = await unsentAt(context.store, server.xid);
      const isRemoved = (one: DeviceKey) =>
        unsent.some(({ change }) => {
          if (change.kind !== 'remove') return false;
          return change.id === null ? nameOf(one) === change.name : equalBytes(change.id, one.id);
        });
      const keys = known.list.keys.filter((one) => !isRemoved(one));
      return [{ server: server.xid, keys, names: keys.map(nameOf) }];
    }),
  );
  return all.flat();
}

/** What a server says now of the devices of the account, or else said last; null: it was never heard. */
export async function listNow(context: ClientContext, server: ServerRecord): Promise<KnownList | null> {
  try {
    return await speakTo(context, server, null, async (speaker) => lookAtList(context, speaker));
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return readKnownList(context.store, server.xid);
  }
}

/**
 * What a server says is believed as far as a device has signed it that it has let in, and that as many servers of the key have as use it: one that has not heard of
 * a removal, or does not want to, brings no device back, and lets none of its own in.
 */
async function entriesOf(
  context: ClientContext,
  key: CertifiedKey,
  { server, wishes }: WishesAt,
  standing: readonly StandingAt[],
  { newest }: Pick<KeyListsHeard, 'newest'>,
): Promise<readonly DeviceKey[]> {
  const household = householdIn(await context.owner());
  // Each device has one entry: who goes on wishing for others fills no list.
  const listed = new Set(
    (newest?.list.keys ?? []).map(({ publicKeys, notes }) => openDeviceName(household, publicKeys, notes)),
  );
  const enough = Math.min(key.public.quorum.needed, standing.length);
  const there = standing.find((one) => equalBytes(one.server, server.xid));
  return wishes.flatMap((wish) => {
    const device = there?.keys.find(({ id }) => equalBytes(id, wish.by));
    const keys = device === undefined ? null : keysWished(key.keyId, wish, device.publicKeys);
    if (device === undefined || keys === null) return [];
    const name = openDeviceName(household, device.publicKeys, device.notes);
    // A device without a name is known to that server alone, which may have let it in itself.
    if (name === null || listed.has(name)) return [];
    if (standing.filter(({ names }) => names.includes(name)).length < enough) return [];
    return [deviceKey(keys, device.may, sealDeviceName(household, keys, name, context.random))];
  });
}

/** Puts on record that a device is to leave the lists of all keys, before anybody hears of it. */
export async function planUnlisting(context: ClientContext, name: string): Promise<void> {
  for (const { keyId } of await keysWithOwner(context)) await noteUnlisting(context.store, keyId, name, true);
}

/**
 * Takes a device that was removed off the lists of all keys, as far as whoever speaks here manages them. It is done again without harm.
 * @param words typed for this alone: they sign; null: whoever this client is signs
 * @returns by name of the server, what keeps it from being so there
 */
export async function unlistEverywhere(
  context: ClientContext,
  name: string,
  words: Secret<Uint8Array> | null,
): Promise<ReadonlyMap<string, ChangedAt>> {
  const isIt = await isCalled(context, name);
  const left = new Map<string, ChangedAt>();
  for (const { key, signer } of await ownedKeys(context, words)) {
    const heard = (await bringKeyLists(context, key))!;
    const after = isOnAny(heard, isIt) ? await unlistDevice(context, key, { signer, heard }, isIt) : null;
    wipeIdentity(signer);
    if (isUnheard(heard)) {
      // Whoever answers next hears of it.
      for (const server of heard.behind) left.set(server, { server, outcome: 'unsent', error: null });
      continue;
    }
    await noteUnlisting(context.store, key.keyId, name, false);
    if (after === null) continue;
    const isStill = after.have.length === 0 || after.newest?.list.keys.some(isIt) === true;
    const error = isStill ? stillListed(name, key.record.name) : null;
    for (const server of after.behind)
      left.set(server, { server, outcome: isStill ? 'refused' : 'unsent', error });
  }
  return left;
}

/** Nothing of it is on record, so that it has to be said again. */
function stillListed(name: string, key: string): AvailabilityError {
  return new AvailabilityError(
    `${name} may be on the list of devices of ${key} still: no server has taken it off`,
    {
      code: 'SERVERS_MISSING',
      hint: 'say it again when servers of the key answer, or with the words where this device may not manage that list',
      facts: { key },
    },
  );
}

/** Calls a device otherwise on the lists of all keys, as it is called on those of accounts. @param words as of {@link unlistEverywhere} */
export async function renameEverywhere(
  context: ClientContext,
  { name, wanted }: { readonly name: string; readonly wanted: string },
  words: Secret<Uint8Array> | null,
): Promise<void> {
  const household = householdIn(await context.owner());
  const isIt = await isCalled(context, name);
  const changed = ({ publicKeys, may }: DeviceKey) =>
    deviceKey(publicKeys, may, sealDeviceName(household, publicKeys, wanted, context.random));
  for (const { key, signer } of await ownedKeys(context, words)) {
    const heard = (await bringKeyLists(context, key))!;
    await changeEntries(context, key, { signer, heard }, { isIt, changed });
    wipeIdentity(signer);
  }
}

/** Whether the list of any key has a device of that name. Servers are asked; nothing is told. */
export async function isListedAnywhere(context: ClientContext, name: string): Promise<boolean> {
  const isIt = await isCalled(context, name);
  for (const record of await listKeyRecords(context.store))
    if (isOnAny(await lookAtKeyLists(context, certifyRecord(record)), isIt)) return true;
  return false;
}

async function isCalled(context: ClientContext, name: string): Promise<(entry: DeviceKey) => boolean> {
  const household = householdIn(await context.owner());
  return ({ publicKeys, notes }) => openDeviceName(household, publicKeys, notes) === name;
}

/** Keys that have an owner key, each with whoever signs for it. The caller wipes him. */
async function ownedKeys(
  context: ClientContext,
  words: Secret<Uint8Array> | null,
): Promise<readonly { readonly key: CertifiedKey; readonly signer: Identity }[]> {
  const owner = await context.owner();
  return (await keysWithOwner(context)).map((key) => ({
    key,
    signer: words === null ? owner.identityForKey(key.keyId) : keyOwnerIdentity(words, key.keyId),
  }));
}

/** Keys whose terms name an owner, as far as they are known here: those that are certified, or later ones. */
export async function keysWithOwner(context: ClientContext): Promise<readonly CertifiedKey[]> {
  const { store } = context;
  const changed = await listTermsNotes(store);
  const records = (await listKeyRecords(store)).filter(
    ({ policy }) => policy.ownerKey !== undefined || changed.length > 0,
  );
  const named = await Promise.all(
    records.map(certifyRecord).map(async (key) => ({ key, terms: await termsKnown(context, key) })),
  );
  return named.flatMap(({ key, terms }) => (terms.ownerKey === undefined ? [] : [key]));
}
