import {
  comparePlaces,
  type DeviceKey,
  type DevicesDocument,
  devicesBehind,
  type DevicesPlace,
  firstKeyDevices,
  isOfOwner,
  type KeyDeviceWish,
  MAX_DEVICES_LINKS,
  nextDevices,
  parseDevices,
  type Result,
  signDevices,
  signKeyDeviceWish,
  type SignedDevices,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { type Identity, type PublicKeys, wipeIdentity } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import { rosterOf } from '../keys/roster.js';
import type { ServerRecord } from '../servers/server-record.js';

/** A list of the owner's devices for one key, as servers show it and its owner key or its devices have signed it. */
export interface KeyList {
  readonly list: DevicesDocument;
  /** Of its generation, in order. */
  readonly links: readonly SignedDevices[];
}

/** Devices that one server says want to be on the list of a key. */
export interface WishesAt {
  readonly server: ServerRecord;
  readonly wishes: Result<'key.devices'>['wishes'];
}

/** How servers of a key stand to the list of its owner's devices. */
export interface KeyListsHeard {
  /** The newest that any of them showed; null: none has one. */
  readonly newest: KeyList | null;
  /** Names of the servers that have it now. */
  readonly have: readonly string[];
  /** Names of those that do not: they were not reached, or refuse it. */
  readonly behind: readonly string[];
  readonly wishes: readonly WishesAt[];
}

/**
 * Asks every server of a key for the list of its owner's devices, and has those that are behind shown what the others have; a device says there that it wants to be
 * on it. Of a key without an owner key: null.
 */
export async function bringKeyLists(
  context: ClientContext,
  key: CertifiedKey,
): Promise<KeyListsHeard | null> {
  const { ownerKey } = key.record.policy;
  if (ownerKey === undefined) return null;
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const own = await ownKeysFor(context, key.keyId);
  const heard = await Promise.all(servers.map((server) => hear(context, key.keyId, ownerKey, server, own)));
  const lists = heard.flatMap((one) => (one === null || one.found === null ? [] : [one.found]));
  const newest = lists.toSorted((one, other) => comparePlaces(one.list, other.list)).at(-1) ?? null;
  const told = await tell(context, key.keyId, newest, heard, servers);
  const wishes = heard.flatMap((one) => (one === null ? [] : [{ server: one.server, wishes: one.wishes }]));
  return { ...told, wishes };
}

/** What a device that speaks here wants to be listed with; null: the words speak, and are on no list. */
async function ownKeysFor(context: ClientContext, keyId: Uint8Array): Promise<PublicKeys | null> {
  const owner = await context.owner();
  if (owner.words !== null) return null;
  const own = owner.identityForKey(keyId);
  wipeIdentity(own);
  return own.publicKeys;
}

interface Heard {
  readonly server: ServerRecord;
  /** Null: it has no list. */
  readonly found: KeyList | null;
  readonly wishes: Result<'key.devices'>['wishes'];
}

/** Null: it does not answer, or shows what does not hold. */
async function hear(
  context: ClientContext,
  keyId: Uint8Array,
  ownerKey: Uint8Array,
  server: ServerRecord,
  own: PublicKeys | null,
): Promise<Heard | null> {
  try {
    const wish = own === null ? null : signKeyDeviceWish(await context.identityFor(server.xid), keyId, own);
    const { links, wishes } = await linksAt(await context.linkTo(server), keyId, wish);
    return { server, wishes, found: links.length === 0 ? null : judge(keyId, ownerKey, links) };
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return null;
  }
}

async function linksAt(
  link: ServerLink,
  keyId: Uint8Array,
  wish: KeyDeviceWish | null,
): Promise<Pick<Result<'key.devices'>, 'links' | 'wishes'>> {
  const all: SignedDevices[] = [];
  const asked = { keyId, links: [], ...(wish === null ? {} : { wish }) };
  for (let after: DevicesPlace | null = null; ;) {
    const shown: Result<'key.devices'> = await link.call('key.devices', { ...asked, after });
    all.push(...shown.links);
    // Nobody has more than a generation holds.
    const isAll = shown.next === null || shown.links.length === 0 || all.length > MOST_LINKS;
    if (isAll) return { links: all, wishes: shown.wishes };
    after = shown.next;
  }
}

const MOST_LINKS = 1_100;

/** @throws CkmError: it does not hold */
function judge(keyId: Uint8Array, ownerKey: Uint8Array, links: readonly SignedDevices[]): KeyList | null {
  const shown = parseDevices(links[0]!.document);
  if (!isOfOwner(shown, ownerKey)) return null;
  return { list: devicesBehind(firstKeyDevices(keyId, shown.words), links), links };
}

async function tell(
  context: ClientContext,
  keyId: Uint8Array,
  newest: KeyList | null,
  heard: readonly (Heard | null)[],
  servers: readonly ServerRecord[],
): Promise<Omit<KeyListsHeard, 'wishes'>> {
  const have: string[] = [];
  await Promise.all(
    heard.map(async (one) => {
      if (one === null) return;
      const { server, found } = one;
      const isBehind = newest !== null && (found === null || comparePlaces(found.list, newest.list) < 0);
      if (!isBehind || (await bring(context, keyId, server, linksFor(newest, found)))) have.push(server.name);
    }),
  );
  const behind = servers.map(({ name }) => name).filter((name) => !have.includes(name));
  return { newest, have: have.toSorted(), behind };
}

/** What a server has not seen: of another generation all of it. */
function linksFor({ list, links }: KeyList, found: KeyList | null): readonly SignedDevices[] {
  if (found === null || found.list.generation !== list.generation) return links;
  return links.filter(({ document }) => comparePlaces(parseDevices(document), found.list) > 0);
}

async function bring(
  context: ClientContext,
  keyId: Uint8Array,
  server: ServerRecord,
  links: readonly SignedDevices[],
): Promise<boolean> {
  const link = await context.linkTo(server);
  try {
    for (let at = 0; at < links.length; at += MAX_DEVICES_LINKS)
      await link.call('key.devices', { keyId, links: links.slice(at, at + MAX_DEVICES_LINKS), after: null });
    return true;
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return false;
  }
}

/**
 * Puts devices on the list of a key, which the words or a device on it that manages sign, and has its servers know. Those that are on it stay as they are.
 * @param signer as `Owner.identityForKey` gives it
 */
export async function listDevices(
  context: ClientContext,
  key: CertifiedKey,
  { signer, heard }: { readonly signer: Identity; readonly heard: KeyListsHeard },
  devices: readonly DeviceKey[],
): Promise<KeyListsHeard> {
  const before = heard.newest?.list ?? firstKeyDevices(key.keyId, signer.publicKeys);
  const fresh = devices.filter((one) => !before.keys.some(({ id }) => equalBytes(id, one.id)));
  return fresh.length === 0 ? heard : putKeys(context, key, signer, heard, [...before.keys, ...fresh]);
}

/** Takes a device off the list of a key, and has its servers know. @param signer as of {@link listDevices} */
export async function unlistDevice(
  context: ClientContext,
  key: CertifiedKey,
  { signer, heard }: { readonly signer: Identity; readonly heard: KeyListsHeard },
  isIt: (entry: DeviceKey) => boolean,
): Promise<void> {
  const keys = heard.newest?.list.keys ?? [];
  if (keys.some(isIt))
    await putKeys(
      context,
      key,
      signer,
      heard,
      keys.filter((one) => !isIt(one)),
    );
}

async function putKeys(
  context: ClientContext,
  key: CertifiedKey,
  signer: Identity,
  heard: KeyListsHeard,
  keys: readonly DeviceKey[],
): Promise<KeyListsHeard> {
  const before = heard.newest?.list ?? firstKeyDevices(key.keyId, signer.publicKeys);
  const list = nextDevices(before, keys, signer.xid);
  const signed = signDevices(list, signer);
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const have: string[] = [];
  await Promise.all(
    servers.map(async (server) => {
      if (await bring(context, key.keyId, server, [signed])) have.push(server.name);
    }),
  );
  const behind = servers.map(({ name }) => name).filter((name) => !have.includes(name));
  return { ...heard, newest: { list, links: [...(heard.newest?.links ?? []), signed] }, have, behind };
}

/** Whoever speaks here for a key: its owner, or a device on its list. Null: a device that nobody has put on it. The caller wipes it. */
export async function speakerFor(context: ClientContext, key: CertifiedKey): Promise<Identity | null> {
  const owner = await context.owner();
  const identity = owner.identityForKey(key.keyId);
  if (owner.words !== null) return identity;
  const heard = await bringKeyLists(context, key);
  if (heard?.newest?.list.keys.some(({ id }) => equalBytes(id, identity.xid)) === true) return identity;
  wipeIdentity(identity);
  return null;
}
