import { assertAllowed, deviceId, deviceKey, type DevicePrivilege, signerIn } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { ExpectedKey } from '../keys/fetch/expected-keys.js';
import { certifyRecord, type KeyRecord } from '../keys/key-record.js';
import { listKeyRecords } from '../keys/keys.js';
import { DEVICE_SLOTS, slotKeys } from '../owner/device-secrets.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { householdIn, type Owner } from '../owner/owner.js';
import type { ServerRecord } from '../servers/server-record.js';
import { parseName } from '../store/names.js';
import { deviceNameTaken, offerOwn, offerUsed } from './device-errors.js';
import { type HeardList, hearLists, serversWithAccount } from './list-devices.js';
import { type ChangedAt, changeLists } from './lists/change-lists.js';
import { assertOwnWords, serversTooMany } from './lists/own-device.js';
import { assertFresh, assertDeviceLikeness, type DeviceOffer, offeredId, parseDeviceOffer } from './offer.js';
import { readTakenOffer, saveTakenOffer, slotsFor, type TakenOffer, type TakenSlot } from './taken-offer.js';
import { sealWelcome, type Welcome } from './welcome.js';

export interface AddDeviceArgs {
  /** The offer of the new device, `ur:envelope/…`. */
  readonly offer: string;
  /** What it may do besides looking and stopping what goes on. */
  readonly may: readonly DevicePrivilege[];
  /** What it is called; default: as it wants to be. */
  readonly name?: string;
  /** The six words as the new device shows them; anything else is refused. Default: people compare. */
  readonly expectedLikeness?: string;
  /** 32 bytes, typed for this alone: they let it in; default: whoever this client is does. The caller wipes them. */
  readonly words?: Secret<Uint8Array>;
}

/** What letting a device in would do. */
export interface DevicePlan {
  readonly name: string;
  readonly may: readonly DevicePrivilege[];
  /** 32 bytes: its likeness is what both devices show. */
  readonly digest: Uint8Array;
  /** Names of the servers that will know it. */
  readonly servers: readonly string[];
  /** Names of those among them that do not answer now. */
  readonly silent: readonly string[];
}

/** A device that is let in. */
export interface AddedDevice extends Pick<DevicePlan, 'name' | 'may'> {
  /** For the new device alone, `ur:envelope/…`. */
  readonly welcome: string;
  /** 32 bytes: its likeness is what both devices show. */
  readonly welcomeDigest: Uint8Array;
  readonly servers: readonly ChangedAt[];
}

interface Ready extends DevicePlan {
  readonly offer: DeviceOffer;
  readonly records: readonly ServerRecord[];
  readonly slots: readonly TakenSlot[];
}

/**
 * What {@link addDevice} would do. Servers are asked; nothing is told or written but what they say.
 * @throws EncodingError `DEVICE_OFFER_INVALID`; StateError `DEVICE_OFFER_EXPIRED`, `DEVICE_OFFER_OWN`, `DEVICE_OFFER_USED`, `DEVICE_NAME_TAKEN`,
 * `DEVICE_SERVERS_TOO_MANY`, `WORDS_DIFFER`; AccessError `DEVICE_LIKENESS_MISMATCH`, `DEVICE_MAY_NOT`
 */
export async function planDevice(context: ClientContext, args: AddDeviceArgs): Promise<DevicePlan> {
  const { name, may, digest, servers, silent } = await prepare(context, args, true);
  return { name, may, digest, servers, silent };
}

/**
 * Lets a device in at every server, and makes the welcome for it; or goes on with that. Servers that do not answer are told when they do.
 * @throws as {@link planDevice}
 */
export async function addDevice(context: ClientContext, args: AddDeviceArgs): Promise<AddedDevice> {
  const { offer, name, may, records, slots, digest } = await prepare(context, args, false);
  const taken: TakenOffer = { id: offeredId(offer), digest, name, slots, isOver: false };
  await saveTakenOffer(context.store, taken);
  const household = householdIn(await context.owner());
  const wanted = records.map((server) => {
    const publicKeys = offer.keys[slotAt(slots, server)]!;
    const notes = sealDeviceName(household, publicKeys, name, context.random);
    return { server, change: { kind: 'put' as const, name, key: deviceKey(publicKeys, may, notes) } };
  });
  const servers = await changeLists(context, wanted, args.words ?? null);
  const refused = servers.find(({ outcome }) => outcome === 'refused');
  if (refused !== undefined && !servers.some(({ outcome }) => outcome === 'done')) throw refused.error!;
  const welcome = await welcomeFor(context, { name, may, records, slots });
  const { text, digest: welcomeDigest } = sealWelcome(welcome, offer.sealTo, context.random);
  return { name, may, welcome: text, welcomeDigest, servers };
}

/** The welcome is handed over: the same offer is not taken again. @param offer as it was taken */
export async function closeOffer(context: ClientContext, offer: string): Promise<void> {
  const taken = await readTakenOffer(context.store, offeredId(parseDeviceOffer(offer)));
  if (taken !== null) await saveTakenOffer(context.store, { ...taken, isOver: true });
}

async function prepare(context: ClientContext, args: AddDeviceArgs, isLooking: boolean): Promise<Ready> {
  const offer = parseDeviceOffer(args.offer);
  assertDeviceLikeness('offer', offer.digest, args.expectedLikeness);
  const owner = await context.owner();
  assertOfAnother(owner, offer);
  const before = await readTakenOffer(context.store, offeredId(offer));
  const isGoneOnWith = before !== null && equalBytes(before.digest, offer.digest);
  if (isGoneOnWith && before.isOver) throw offerUsed(before.name);
  // What was taken in time is gone on with whenever.
  if (!isGoneOnWith) assertFresh(offer, context.clock());
  const records = await serversWithAccount(context);
  if (records.length > DEVICE_SLOTS) throw serversTooMany(records.length, DEVICE_SLOTS);
  if (args.words !== undefined) await assertOwnWords(context, args.words);
  const { heard, silent } = await hearLists(context, records, { words: args.words ?? null, isLooking });
  if (args.words === undefined) assertMayManage(heard, owner);
  const isKnown = heard.length > 0 && heard.every(({ list }) => listsOne(list.keys, offer));
  if (!isGoneOnWith && isKnown) throw offerUsed(before?.name ?? offer.name);
  const name = before?.name ?? parseName('device', args.name ?? offer.name);
  assertNameFree(heard, householdIn(owner), name, offer);
  return {
    offer,
    name,
    may: args.may,
    digest: offer.digest,
    records,
    servers: records.map((one) => one.name),
    silent: silent.map(({ server }) => server),
    slots: slotsFor(
      records.map(({ xid }) => xid),
      before?.slots ?? [],
    ),
  };
}

/** @throws StateError `DEVICE_OFFER_OWN` */
function assertOfAnother({ device }: Owner, offer: DeviceOffer): void {
  if (device === null) return;
  const [own] = slotKeys(device, 1);
  if (equalBytes(deviceId(own!), offeredId(offer))) throw offerOwn();
}

function listsOne(keys: HeardList['list']['keys'], offer: DeviceOffer): boolean {
  const offered = new Set(offer.keys.map((one) => encodeHex(deviceId(one))));
  return keys.some(({ id }) => offered.has(encodeHex(id)));
}

/** @throws StateError `DEVICE_NAME_TAKEN`: by a device that has none of the offered keys */
function assertNameFree(
  heard: readonly HeardList[],
  household: Secret<Uint8Array>,
  name: string,
  offer: DeviceOffer,
): void {
  const isTaken = heard
    .flatMap(({ list }) => list.keys)
    .filter((key) => !listsOne([key], offer))
    .some((key) => openDeviceName(household, key.publicKeys, key.notes) === name);
  if (isTaken) throw deviceNameTaken(name);
}

/** @throws AccessError `DEVICE_MAY_NOT`: no server that answers would take a list of this device */
export function assertMayManage(heard: readonly HeardList[], owner: Owner): void {
  if (owner.words !== null || heard.length === 0) return;
  const mays = heard.map(({ list, own }) => {
    const signer = signerIn(list, own);
    return signer?.kind === 'device' ? signer.key.may : [];
  });
  assertAllowed(mays.find((may) => may.includes('manage')) ?? mays[0]!, 'manage');
}

function slotAt(slots: readonly TakenSlot[], { xid }: Pick<ServerRecord, 'xid'>): number {
  return slots.find(({ server }) => equalBytes(server, xid))!.slot;
}

async function welcomeFor(
  context: ClientContext,
  { name, may, records, slots }: Pick<Ready, 'name' | 'may' | 'records' | 'slots'>,
): Promise<Welcome> {
  const household = householdIn(await context.owner());
  const servers = await Promise.all(
    records.map(async (server) => {
      const { name: called, url, title, xid, publicKeys, authority, addedAt } = server;
      const { xid: account } = await context.identityFor(xid);
      const slot = slotAt(slots, server);
      return { name: called, url, title, xid, publicKeys, authority, addedAt, account, slot };
    }),
  );
  const keys = (await listKeyRecords(context.store)).flatMap((record) => expectedFrom(record));
  return { name, may, household, servers, keys };
}

/** A key whose certificate does not hold is nothing to be told of. */
function expectedFrom(record: KeyRecord): readonly ExpectedKey[] {
  try {
    const { transcriptHash } = certifyRecord(record);
    return [{ transcriptHash, name: record.name, network: record.network }];
  } catch (error) {
    if (error instanceof CkmError) return [];
    throw error;
  }
}
