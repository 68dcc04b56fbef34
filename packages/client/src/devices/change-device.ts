import { type DeviceKey, deviceKey } from '@ckm/api';
import { encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { keysOwnedBy } from '../life/device-owners.js';
import {
  isListedAnywhere,
  planUnlisting,
  renameEverywhere,
  unlistEverywhere,
} from '../life/keep-key-lists.js';
import { householdIn } from '../owner/owner.js';
import type { ServerRecord } from '../servers/server-record.js';
import { nearestName } from '../store/nearest-name.js';
import { parseName } from '../store/names.js';
import { assertMayManage } from './add-device.js';
import { deviceAtHand, deviceIdShort, deviceNameTaken, deviceUnknown } from './device-errors.js';
import { type HeardList, hearLists, serversWithAccount, type SilentServer } from './list-devices.js';
import { type ChangedAt, changeLists, type MeantFor } from './lists/change-lists.js';
import { readKnownList } from './lists/known-list.js';
import { assertOwnWords } from './lists/own-device.js';
import { forgetOffersOf } from './taken-offer.js';

export interface RemoveDeviceArgs {
  /** What it is called, or the first eight hex digits or more of its id at one server: whoever came in without a name has no other. */
  readonly name: string;
  /** 32 bytes, typed for this alone: they remove it, and begin every list anew; default: whoever this client is does. The caller wipes them. */
  readonly words?: Secret<Uint8Array>;
}

export interface RenameDeviceArgs extends RemoveDeviceArgs {
  readonly wanted: string;
}

/** What a change of a device would do. */
export interface DeviceChangePlan {
  readonly name: string;
  /** Names of the servers that are told. */
  readonly servers: readonly string[];
  /** Names of those among them that do not answer now. */
  readonly silent: readonly string[];
  /** Devices that stay and have no name that can be read here: the first eight hex digits of each. */
  readonly unknown: readonly string[];
  /** Names of keys whose terms name it as their owner: once it is out nobody is, until other terms name another one. */
  readonly owns: readonly string[];
}

export interface ChangedDevice {
  readonly name: string;
  readonly servers: readonly ChangedAt[];
  /** As in the plan. */
  readonly owns: readonly string[];
}

/** The keys of one device, as far as its servers are known. */
interface Found {
  readonly records: readonly ServerRecord[];
  readonly silent: readonly SilentServer[];
  readonly at: readonly { readonly server: ServerRecord; readonly key: DeviceKey; readonly isOwn: boolean }[];
  readonly names: readonly string[];
  /** Ids of keys that stay and have no name. */
  readonly unknown: readonly string[];
}

/** Of an id, as lists of devices show it. */
const SHOWN_DIGITS = 8;
const DIGITS = /^[0-9a-f]{8,64}$/;

/** @throws as {@link removeDevice} */
export async function planDeviceRemoval(
  context: ClientContext,
  args: RemoveDeviceArgs,
): Promise<DeviceChangePlan> {
  const found = await findRemoved(context, args, true);
  return planOf(args.name, found, await keysOwnedBy(context, found.at));
}

/**
 * Takes a device off the list of every server; those that do not answer are told when they do. Until then that server answers it.
 * @throws UsageError `DEVICE_UNKNOWN`; StateError `DEVICE_AT_HAND`, `WORDS_DIFFER`; AccessError `DEVICE_MAY_NOT`
 */
export async function removeDevice(context: ClientContext, args: RemoveDeviceArgs): Promise<ChangedDevice> {
  const { records, at } = await findRemoved(context, args, false);
  const wanted = records.map((server): MeantFor => {
    const id = at.find((one) => one.server === server)?.key.id ?? null;
    return { server, change: { kind: 'remove', name: args.name, id } };
  });
  // Asked first: whose key it is nobody says of a device that is gone.
  const owns = await keysOwnedBy(context, at);
  // Before anybody hears of it, so that it goes on whenever this process ends.
  await planUnlisting(context, args.name);
  const servers = await changeLists(context, wanted, args.words ?? null);
  // It is out of the account by then: what is left of it on a list says that somebody lives, and stops a key.
  const left = await unlistEverywhere(context, args.name, args.words ?? null);
  await forgetOffersOf(context.store, args.name);
  const removed = outcomeOf(args.name, servers, owns);
  return {
    ...removed,
    servers: removed.servers.map((one) => (one.outcome === 'refused' ? one : (left.get(one.server) ?? one))),
  };
}

/** @throws as {@link renameDevice} */
export async function planDeviceRename(
  context: ClientContext,
  args: RenameDeviceArgs,
): Promise<DeviceChangePlan> {
  return planOf(args.name, await findRenamed(context, args, true), []);
}

/**
 * Calls a device otherwise, at every server that lists it.
 * @throws UsageError `DEVICE_UNKNOWN`, `NAME_INVALID`; StateError `DEVICE_NAME_TAKEN`, `WORDS_DIFFER`; AccessError `DEVICE_MAY_NOT`
 */
export async function renameDevice(context: ClientContext, args: RenameDeviceArgs): Promise<ChangedDevice> {
  const { at } = await findRenamed(context, args, false);
  // First, so that whoever is stopped in between says the same again.
  await renameEverywhere(context, args, args.words ?? null);
  const household = householdIn(await context.owner());
  const wanted = at.map(({ server, key }): MeantFor => {
    const notes = sealDeviceName(household, key.publicKeys, args.wanted, context.random);
    const renamed = deviceKey(key.publicKeys, key.may, notes);
    return { server, change: { kind: 'put', name: args.wanted, key: renamed, isRename: true } };
  });
  const servers = await changeLists(context, wanted, args.words ?? null);
  return outcomeOf(args.wanted, servers, []);
}

/** Where nobody took it in, the first refusal is the answer. */
function outcomeOf(name: string, servers: readonly ChangedAt[], owns: readonly string[]): ChangedDevice {
  const refused = servers.find(({ outcome }) => outcome === 'refused');
  if (refused !== undefined && !servers.some(({ outcome }) => outcome === 'done')) throw refused.error!;
  return { name, servers, owns };
}

function planOf(
  name: string,
  { records, silent, unknown }: Found,
  owns: readonly string[],
): DeviceChangePlan {
  return {
    name,
    servers: records.map((one) => one.name),
    silent: silent.map(({ server }) => server),
    unknown,
    owns,
  };
}

async function findRemoved(
  context: ClientContext,
  args: RemoveDeviceArgs,
  isLooking: boolean,
): Promise<Found> {
  // One that no account has any more may be left on lists of keys.
  const found = await find(context, args, isLooking, true);
  if (found.at.some(({ isOwn }) => isOwn)) throw deviceAtHand(args.name);
  return found;
}

async function findRenamed(
  context: ClientContext,
  args: RenameDeviceArgs,
  isLooking: boolean,
): Promise<Found> {
  const wanted = parseName('device', args.wanted);
  const found = await find(context, args, isLooking, false);
  if (found.names.includes(wanted)) throw deviceNameTaken(wanted);
  return found;
}

/** @param isLeft whether one that only the list of a key has is found, too */
async function find(
  context: ClientContext,
  { name, words }: RemoveDeviceArgs,
  isLooking: boolean,
  isLeft: boolean,
): Promise<Found> {
  const records = await serversWithAccount(context);
  if (words !== undefined) await assertOwnWords(context, words);
  const owner = await context.owner();
  const { heard, silent } = await hearLists(context, records, { words: words ?? null, isLooking });
  if (words === undefined) assertMayManage(heard, owner);
  const household = householdIn(owner);
  const nameOf = (key: DeviceKey) => openDeviceName(household, key.publicKeys, key.notes);
  const seen = await listsSeen(context, records, heard);
  const all = seen.flatMap(({ server, keys }) => keys.map((key) => ({ server, key, called: nameOf(key) })));
  const names = [...new Set(all.flatMap(({ called }) => (called === null ? [] : [called])))];
  const isNamed = names.includes(name);
  const isMeant = ({ key, called }: (typeof all)[number]) =>
    isNamed ? called === name : DIGITS.test(name) && encodeHex(key.id).startsWith(name);
  const meant = all.filter(isMeant);
  const isNowhere = meant.length === 0;
  if (isNowhere && !(isLeft && (await isListedAnywhere(context, name))))
    throw deviceUnknown(name, nearestName(name, names));
  if (!isNamed && !isNowhere) assertOneId(name, meant);
  const at = await Promise.all(
    meant.map(async ({ server, key }) => ({ server, key, isOwn: await isOwn(context, server, key) })),
  );
  const left = all.filter((one) => one.called === null && !isMeant(one));
  const unknown = [...new Set(left.map(({ key }) => encodeHex(key.id).slice(0, SHOWN_DIGITS)))];
  // Each server knows a device by another key: an id is told to those that have it, and a name to all.
  const told =
    isNamed || isNowhere ? records : records.filter((server) => at.some((one) => one.server === server));
  return { records: told, silent, at, names, unknown };
}

function assertOneId(digits: string, meant: readonly { readonly key: DeviceKey }[]): void {
  const ids = [...new Set(meant.map(({ key }) => encodeHex(key.id)))];
  if (ids.length > 1) throw deviceIdShort(digits, ids);
}

/** What every server said last, now or before. */
async function listsSeen(
  { store }: ClientContext,
  records: readonly ServerRecord[],
  heard: readonly HeardList[],
) {
  return Promise.all(
    records.map(async (server) => {
      const now = heard.find((one) => one.server === server);
      const { list } = now ?? (await readKnownList(store, server.xid)) ?? { list: { keys: [] } };
      return { server, keys: list.keys };
    }),
  );
}

async function isOwn(context: ClientContext, { xid }: ServerRecord, key: DeviceKey): Promise<boolean> {
  const { publicKeys } = await context.identityFor(xid);
  return equalBytes(publicKeys.signing.bytes, key.publicKeys.signing.bytes);
}
