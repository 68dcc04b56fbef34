import { DEVICE_PRIVILEGES, deviceKey } from '@ckm/api';
import { equalBytes, type Secret } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { certifyRecord } from '../keys/key-record.js';
import { listKeyRecords } from '../keys/keys.js';
import { bringKeyLists, listDevices } from '../life/key-lists.js';
import { keyDeviceIdentity } from '../seed/key-owner.js';
import { EXPORT_FOLDER, parseExport } from '../keys/export/export-record.js';
import {
  accountOfWords,
  DEVICE_SLOTS,
  deviceIdentity,
  encodeDevice,
  firstDevice,
  parseDevice,
  wipeDevice,
} from '../owner/device-secrets.js';
import { openDeviceName, sealDeviceName } from '../owner/device-notes.js';
import { householdIn, wordsNeeded } from '../owner/owner.js';
import type { ServerRecord } from '../servers/server-record.js';
import { parseName } from '../store/names.js';
import { listRecords } from '../store/record-store.js';
import { deviceNameTaken, exportStillOpen, nobodyKnowsYou } from './device-errors.js';
import { hearLists, serversWithAccount } from './list-devices.js';
import { type ChangedAt, changeLists, type MeantFor } from './lists/change-lists.js';
import { serversTooMany } from './lists/own-device.js';
import { slotsFor } from './taken-offer.js';

/** What has to be so before the words can go. */
export interface FirstDevicePlan {
  readonly name: string;
  /** Names of the servers that will know it. */
  readonly servers: readonly string[];
  /** Names of those among them that do not answer now: the words stay until they have. */
  readonly silent: readonly string[];
}

/**
 * Whether a first device can take the place of the words here. Servers are asked; nothing is told or written but what they say.
 * @throws StateError `SEED_STILL_NEEDED`, `DEVICE_NAME_TAKEN`, `DEVICE_SERVERS_TOO_MANY`; UsageError `NAME_INVALID`
 */
export async function planFirstDevice(
  context: ClientContext,
  wanted: string,
  device: Secret<Uint8Array> | null,
): Promise<FirstDevicePlan> {
  const name = parseName('device', wanted);
  await assertNoExport(context);
  const records = await serversWithAccount(context);
  if (records.length === 0) throw nobodyKnowsYou();
  if (records.length > DEVICE_SLOTS) throw serversTooMany(records.length, DEVICE_SLOTS);
  const { heard, silent } = await hearLists(context, records, { words: null, isLooking: true });
  const household = householdIn(await context.owner());
  const own = device === null ? [] : keysOf(device, records);
  const isTaken = heard
    .flatMap(({ list }) => list.keys)
    .filter((key) => !own.some((one) => equalBytes(one, key.publicKeys.signing.bytes)))
    .some((key) => openDeviceName(household, key.publicKeys, key.notes) === name);
  if (isTaken) throw deviceNameTaken(name);
  return { name, servers: records.map((one) => one.name), silent: silent.map(({ server }) => server) };
}

/** What an export is sealed to comes from the words: without them it could not be gone on with. */
async function assertNoExport({ store, clock }: ClientContext): Promise<void> {
  const records = await listRecords(store, EXPORT_FOLDER, parseExport);
  if (records.some(({ expiresAt }) => expiresAt > clock())) throw exportStillOpen();
}

/**
 * The device that takes the place of the words here. Nothing is sent or written. The caller wipes it.
 * @param before one that was begun: it stays the same device, and learns of servers that were added since; null: none was
 * @throws StateError `WORDS_NEEDED`: the words do not lie here
 */
export async function draftFirstDevice(
  context: ClientContext,
  before: Secret<Uint8Array> | null,
): Promise<Secret<Uint8Array>> {
  const { words } = await context.owner();
  if (words === null) throw wordsNeeded('to make a first device');
  const servers = (await serversWithAccount(context)).map(({ xid }) => xid);
  const begun = before === null ? firstDevice(words, context.random) : parseDevice(before);
  const slots = slotsFor(servers, begun.accounts);
  const accounts = slots.map(({ server, slot }) => ({
    server,
    slot,
    account: accountOfWords(words, server),
  }));
  try {
    return encodeDevice({ ...begun, accounts });
  } finally {
    wipeDevice(begun);
  }
}

/**
 * Has every server let that device in, with all privileges, or goes on with that. It is done again without harm.
 * @param bytes as {@link draftFirstDevice} gave it; they stay the caller's
 */
export async function admitFirstDevice(
  context: ClientContext,
  bytes: Secret<Uint8Array>,
  wanted: string,
): Promise<readonly ChangedAt[]> {
  const name = parseName('device', wanted);
  const household = householdIn(await context.owner());
  const device = parseDevice(bytes);
  try {
    const meant = (await serversWithAccount(context)).flatMap((server): MeantFor[] => {
      const identity = deviceIdentity(device, server.xid);
      if (identity === null) return [];
      wipeIdentity(identity);
      const { publicKeys } = identity;
      const notes = sealDeviceName(household, publicKeys, name, context.random);
      return [
        { server, change: { kind: 'put', name, key: deviceKey(publicKeys, DEVICE_PRIVILEGES, notes) } },
      ];
    });
    const changed = await changeLists(context, meant, null);
    // Only where every server has let it in can the words go: then no key is without a device either.
    if (changed.some(({ outcome }) => outcome !== 'done')) return changed;
    const unlisted = await listOnKeys(context, device.secret, name);
    return changed.map((one) => unlisted.get(one.server) ?? one);
  } finally {
    wipeDevice(device);
  }
}

/** Puts the device on the list of every key that has an owner key. @returns by name of the server, what keeps it from being so there */
async function listOnKeys(
  context: ClientContext,
  device: Secret<Uint8Array>,
  name: string,
): Promise<ReadonlyMap<string, ChangedAt>> {
  const owner = await context.owner();
  const household = householdIn(owner);
  const unlisted = new Map<string, ChangedAt>();
  for (const record of await listKeyRecords(context.store)) {
    if (record.policy.ownerKey === undefined) continue;
    const key = certifyRecord(record);
    const [signer, own] = [owner.identityForKey(key.keyId), keyDeviceIdentity(device, key.keyId)];
    wipeIdentity(own);
    const notes = sealDeviceName(household, own.publicKeys, name, context.random);
    const heard = await bringKeyLists(context, key);
    const entry = deviceKey(own.publicKeys, DEVICE_PRIVILEGES, notes);
    const listed = heard === null ? null : await listDevices(context, key, { signer, heard }, [entry]);
    wipeIdentity(signer);
    for (const server of listed?.have.length === 0 ? listed.behind : [])
      unlisted.set(server, { server, outcome: 'unsent', error: null });
  }
  return unlisted;
}

function keysOf(bytes: Secret<Uint8Array>, records: readonly ServerRecord[]): readonly Uint8Array[] {
  const device = parseDevice(bytes);
  try {
    return records.flatMap(({ xid }) => {
      const identity = deviceIdentity(device, xid);
      if (identity === null) return [];
      wipeIdentity(identity);
      return [identity.publicKeys.signing.bytes];
    });
  } finally {
    wipeDevice(device);
  }
}
