import {
  beforeFirstOf,
  devicesBehind,
  type DevicesDocument,
  devicesNotAllowed,
  type DevicesPlace,
  devicesTwice,
  hashDevices,
  type KeyDeviceWish,
  type KeyTerms,
  MAX_DEVICES_LINKS,
  type Parameters,
  parseDevices,
  type Result,
  type SignedDevices,
  xidOfKey,
} from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { Call, ServerContext } from '../context.js';
import { refusal } from '../refusals.js';
import { readOwnerDevices } from '../sessions/keys/owner-devices.js';
import { readProven } from '../sessions/keys/proven-devices.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import type { Counter } from '../sessions/waiting-time.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyDevicesRow, KeyRow, Reader, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import { type Accepted, judgeLists, type KnownLists } from './accept-lists.js';
import { detailOf, devicesInWords, isOfServer, lostIn } from './lists.js';
import type { KeyWishes, NotedWish } from './key-wishes.js';
import { oldForKey } from './old-for-key.js';
import { proveEntries } from './prove-entries.js';
import { agesOf, readYoung } from './quarantine.js';

/** What the room of devices wants to know for the lists of one key. */
export interface KeyDeviceMeans {
  readonly context: ServerContext;
  /** This process, by which it is counted how long a device is young. */
  counting(): Counter;
  readonly wishes: KeyWishes;
}

type KeyName = Pick<KeyRow, 'owner' | 'keyId'>;

/** Bytes that a list takes in the database beside itself. */
const FRAMING_BYTES = 256;
/** Behind every generation that there can be. */
const EVERY_GENERATION = 0x1_0000;

/**
 * Answers `key.devices`: puts lists in force that were brought, in order, or keeps what contradicts itself and says so; and shows those behind a place.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_OWNER_MISSING`, `DEVICE_TOO_YOUNG`, and as `followDevices`
 */
export async function keyDevices(
  means: KeyDeviceMeans,
  call: Call,
  { keyId, links, after, wish }: Parameters<'key.devices'>,
): Promise<Result<'key.devices'>> {
  const { context } = means;
  const name = { owner: call.account.xid, keyId };
  if (links.length > 0) await bring(means, call, name, links);
  if (wish !== undefined) await hearWish(means, call, name, wish);
  return context.storage.read(async (reader) => {
    const ownerKey = ownerKeyIn(context, await reader.keys.find(name.owner, keyId));
    const last = await readOwnerDevices(context, reader, name, ownerKey);
    const proven = await readProven(context, reader, name);
    const owner = xidOfKey(ownerKey);
    const isOpen = ({ id, wish: { by } }: NotedWish) =>
      !hasEntry(last, id) &&
      !equalBytes(id, owner) &&
      ![...proven.values()].some((device) => equalBytes(device, by));
    const wishes = means.wishes.of(call, keyId).flatMap((one) => (isOpen(one) ? [one.wish] : []));
    const ofOwner = proven.get(encodeHex(owner));
    const named = { wishes, ...(ofOwner === undefined ? {} : { owner: { by: ofOwner } }) };
    if (last === null) return { inForce: null, links: [], next: null, ...named };
    const { list } = last;
    const shown = await behind(context, reader, name, after);
    const { generation, number } = list;
    return { inForce: { generation, number, hash: hashDevices(list) }, ...shown, ...named };
  });
}

type InForce = Awaited<ReturnType<typeof readOwnerDevices>>;

function hasEntry(last: InForce, id: Uint8Array): boolean {
  return last?.list.keys.some((one) => equalBytes(one.id, id)) === true;
}

/** Of whom it is kept which device he is: the entries of a list, and the owner. */
function provableIds(ownerKey: Uint8Array, list?: Pick<DevicesDocument, 'keys'>): readonly Uint8Array[] {
  return [xidOfKey(ownerKey), ...(list?.keys ?? []).map(({ id }) => id)];
}

/** Remembers it until it is on the list; once it is, this server knows for good whose entry that is. */
async function hearWish(
  { context, wishes }: KeyDeviceMeans,
  call: Call,
  name: KeyName,
  wish: KeyDeviceWish,
): Promise<void> {
  const isNew = await context.storage.read(async (reader) => {
    const ownerKey = ownerKeyIn(context, await reader.keys.find(name.owner, name.keyId));
    wishes.note(call, name.keyId, wish);
    const last = await readOwnerDevices(context, reader, name, ownerKey);
    const proven = await readProven(context, reader, name);
    const isNamed = (id: Uint8Array) => hasEntry(last, id) || equalBytes(id, xidOfKey(ownerKey));
    const owner = xidOfKey(ownerKey);
    if (wishes.isOfWords(call, name.keyId, wish, owner)) return proven.has(encodeHex(owner));
    return wishes.of(call, name.keyId).some(({ id }) => isNamed(id) && !proven.has(encodeHex(id)));
  });
  if (!isNew) return;
  await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      await context.accounts.hold(transaction, name.owner);
      const ownerKey = ownerKeyIn(context, await transaction.keys.find(name.owner, name.keyId));
      const owner = xidOfKey(ownerKey);
      // Whoever has the words and a device could have shown theirs as that device's, and taken it out.
      if (wishes.isOfWords(call, name.keyId, wish, owner))
        return transaction.provenDevices.remove(name.owner, name.keyId, owner);
      const last = await readOwnerDevices(context, transaction, name, ownerKey);
      const ids = provableIds(ownerKey, last?.list);
      await proveEntries(context, transaction, name, ids, wishes.of(call, name.keyId));
    }),
  );
}

async function behind(
  { vault }: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: KeyName,
  after: DevicesPlace | null,
): Promise<Pick<Result<'key.devices'>, 'links' | 'next'>> {
  const rows = await reader.keyDevices.behind(owner, keyId, after, MAX_DEVICES_LINKS + 1);
  const shown = rows.slice(0, MAX_DEVICES_LINKS);
  const links = shown.map((row) => openRecord<SignedDevices>(vault, 'key_devices', row));
  const last = shown.at(-1);
  const next = rows.length > shown.length && last !== undefined ? placeOf(last) : null;
  return { links, next };
}

function placeOf({ generation, number }: KeyDevicesRow): DevicesPlace {
  return { generation, number };
}

async function bring(
  means: KeyDeviceMeans,
  call: Call,
  name: KeyName,
  links: readonly SignedDevices[],
): Promise<void> {
  const { context } = means;
  // Whoever makes a key chooses its id: it must not be the name of somebody who may let others in.
  if (links.some(({ document }) => isOfServer(parseDevices(document)))) {
    throw devicesNotAllowed('nobody recovers the devices of a key');
  }
  const refused = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      // Held, so that two lists of one number do not both come into force.
      const account = await context.accounts.hold(transaction, name.owner);
      const ownerKey = ownerKeyIn(context, await transaction.keys.find(name.owner, name.keyId));
      const known = await knownOf(context, transaction, name, ownerKey, links[0]!);
      const ages = agesOf(
        means.counting(),
        account ?? call.account,
        await readYoung(context, transaction, name.owner),
      );
      const proven = await readProven(context, transaction, name);
      const outcome = await judgeLists(known, oldForKey(proven, ages), links);
      if (outcome.kind === 'twice') {
        await noteTwice(context, transaction, call, name, outcome);
        return devicesTwice(outcome.place);
      }
      if (outcome.lists.length > 0) await putInForce(means, transaction, call, name, known, outcome.lists);
      return null;
    }),
  );
  if (refused !== null) throw refused;
}

/** Whoever was away has not seen every generation, and nobody keeps those that are over: what the words begin stands whatever was before. */
function followOverGaps(before: DevicesDocument, signed: SignedDevices): DevicesDocument {
  return devicesBehind(before, [signed]);
}

async function knownOf(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  ownerKey: Uint8Array,
  first: SignedDevices,
): Promise<KnownLists> {
  const { owner, keyId } = name;
  const last = await readOwnerDevices(context, transaction, name, ownerKey);
  if (last === null) {
    // Terms may name another owner since: his list begins anew.
    await transaction.keyDevices.removeBefore(owner, keyId, EVERY_GENERATION);
    return {
      inForce: beforeFirstOf(keyId, ownerKey, first),
      signedAt: () => Promise.resolve(null),
      follow: followOverGaps,
    };
  }
  return {
    inForce: last.list,
    follow: followOverGaps,
    signedAt: async (place) => {
      const row = await transaction.keyDevices.find(owner, keyId, place, false);
      return row === null ? null : openRecord<SignedDevices>(context.vault, 'key_devices', row);
    },
  };
}

async function putInForce(
  { context, wishes }: KeyDeviceMeans,
  transaction: Transaction,
  call: Call,
  name: KeyName,
  { inForce }: KnownLists,
  lists: readonly Accepted[],
): Promise<void> {
  const { owner, keyId } = name;
  const { list } = lists.at(-1)!;
  const lost = lostIn([{ list: inForce }, ...lists]);
  // As of an account: whoever takes a device out, or begins anew, is refused nothing for what was stored.
  const beginsAnew = list.generation > inForce.generation;
  if (lost.length === 0 && !beginsAnew) {
    const bytes = lists.reduce((sum, one) => sum + one.signed.document.length + FRAMING_BYTES, 0);
    await context.accounts.quota.bytes(transaction, call.account, bytes);
  }
  if (beginsAnew) await transaction.keyDevices.removeBefore(owner, keyId, list.generation);
  for (const one of lists) {
    const { generation, number } = one.list;
    if (generation < list.generation) continue;
    const columns = { owner, keyId, generation, number, twice: false };
    await transaction.keyDevices.insert(sealRecord(context.vault, 'key_devices', columns, { ...one.signed }));
  }
  const ids = provableIds(list.words.signing.bytes, list);
  await proveEntries(context, transaction, name, ids, wishes.of(call, keyId));
  await context.audit.append(transaction, {
    deed: 'key.devices',
    who: owner,
    keyId,
    subject: hashDevices(list),
    sentence: `Have ${devicesInWords(list.keys.length)} for a key beside its owner: list ${list.number} of generation ${list.generation}`,
    verdict: 'done',
    policy: '',
    detail: detailOf(lists, lost),
  });
}

async function noteTwice(
  { audit, vault }: ServerContext,
  transaction: Transaction,
  call: Call,
  { owner, keyId }: KeyName,
  { place, first, second }: Extract<Awaited<ReturnType<typeof judgeLists>>, { kind: 'twice' }>,
): Promise<void> {
  const { generation, number } = place;
  if ((await transaction.keyDevices.find(owner, keyId, place, true)) !== null) return;
  const bytes = first.document.length + second.document.length + FRAMING_BYTES;
  if ((await transaction.bytesOf(owner)) + bytes > call.account.quota.bytes) return;
  const columns = { owner, keyId, generation, number, twice: true };
  const record = { first: { ...first }, second: { ...second } };
  await transaction.keyDevices.insert(sealRecord(vault, 'key_devices', columns, record));
  await audit.append(transaction, {
    deed: 'key.devices.twice',
    who: owner,
    keyId,
    subject: hashDevices(place),
    sentence: `Keep a second list ${number} of generation ${generation} of the devices for a key`,
    verdict: 'refused',
    policy: '',
    detail: '',
  });
}

/** The owner whom the terms of a key name. @throws AccessError `KEY_UNKNOWN`; StateError `KEY_OWNER_MISSING` */
function ownerKeyIn(context: Pick<ServerContext, 'vault'>, row: KeyRow | null): Uint8Array {
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const { ownerKey }: Partial<KeyTerms> = openHead(context, row).policy;
  if (ownerKey !== undefined) return ownerKey;
  throw refusal('KEY_OWNER_MISSING', 'the terms of this key name no key of its owner');
}
