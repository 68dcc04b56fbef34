import {
  comparePlaces,
  type DeviceKey,
  type DevicesDocument,
  devicesBehind,
  type DevicesPlace,
  firstKeyDevices,
  isOfOwner,
  MAX_DEVICES_LINKS,
  nextDevices,
  parseDevices,
  type Result,
  signDevices,
  type SignedDevices,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
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

/** How servers of a key stand to the list of its owner's devices. */
export interface KeyListsHeard {
  /** The newest that any of them showed; null: none has one. */
  readonly newest: KeyList | null;
  /** Names of the servers that have it now. */
  readonly have: readonly string[];
  /** Names of those that do not: they were not reached, or refuse it. */
  readonly behind: readonly string[];
}

/** Asks every server of a key for the list of its owner's devices, and has those that are behind shown what the others have. Of a key without an owner key: null. */
async function bringKeyLists(context: ClientContext, key: CertifiedKey): Promise<KeyListsHeard | null> {
  const { ownerKey } = key.record.policy;
  if (ownerKey === undefined) return null;
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const heard = await Promise.all(servers.map((server) => hear(context, key.keyId, ownerKey, server)));
  const lists = heard.flatMap((one) => (one === null || one.found === null ? [] : [one.found]));
  const newest = lists.toSorted((one, other) => comparePlaces(one.list, other.list)).at(-1) ?? null;
  return tell(context, key.keyId, newest, heard, servers);
}

interface Heard {
  readonly server: ServerRecord;
  /** Null: it has no list. */
  readonly found: KeyList | null;
}

/** Null: it does not answer, or shows what does not hold. */
async function hear(
  context: ClientContext,
  keyId: Uint8Array,
  ownerKey: Uint8Array,
  server: ServerRecord,
): Promise<Heard | null> {
  try {
    const links = await linksAt(await context.linkTo(server), keyId);
    return { server, found: links.length === 0 ? null : judge(keyId, ownerKey, links) };
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return null;
  }
}

async function linksAt(link: ServerLink, keyId: Uint8Array): Promise<readonly SignedDevices[]> {
  const all: SignedDevices[] = [];
  for (let after: DevicesPlace | null = null; ;) {
    const shown: Result<'key.devices'> = await link.call('key.devices', { keyId, links: [], after });
    all.push(...shown.links);
    // Nobody has more than a generation holds.
    if (shown.next === null || shown.links.length === 0 || all.length > MOST_LINKS) return all;
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
): Promise<KeyListsHeard> {
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
 * Puts a device on the list of a key, which the words or a device on it that manages sign, and has its servers know.
 * @param signer as `Owner.identityForKey` gives it
 * @returns null: the key has no owner key
 */
export async function listDevice(
  context: ClientContext,
  key: CertifiedKey,
  signer: Identity,
  device: DeviceKey,
): Promise<KeyListsHeard | null> {
  const heard = await bringKeyLists(context, key);
  if (heard === null) return null;
  const before = heard.newest?.list ?? firstKeyDevices(key.keyId, signer.publicKeys);
  if (before.keys.some(({ id }) => equalBytes(id, device.id))) return heard;
  const list = nextDevices(before, [...before.keys, device], signer.xid);
  const signed = signDevices(list, signer);
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const have: string[] = [];
  await Promise.all(
    servers.map(async (server) => {
      if (await bring(context, key.keyId, server, [signed])) have.push(server.name);
    }),
  );
  const behind = servers.map(({ name }) => name).filter((name) => !have.includes(name));
  return { newest: { list, links: [...(heard.newest?.links ?? []), signed] }, have, behind };
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
