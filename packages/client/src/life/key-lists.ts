// Longer than other files, because reading, joining and bringing the lists of one key are judged by the same rules, which stand here once.
import {
  comparePlaces,
  deviceId,
  type DeviceKey,
  type DevicesDocument,
  devicesBehind,
  type DevicesPlace,
  firstKeyDevices,
  hashDevices,
  isOfOwner,
  type KeyDeviceWish,
  type KeyTerms,
  isLastOfBand,
  MAX_DEVICES,
  MAX_DEVICES_LINKS,
  nextDevices,
  parseDevices,
  type Result,
  signDevices,
  signKeyDeviceWish,
  type SignedDevices,
} from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from '../keys/key-record.js';
import { rosterOf } from '../keys/roster.js';
import { termsKnown } from '../keys/terms/terms-known.js';
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
  /** The newest of those that go with what most of them have; null: none has one. */
  readonly newest: KeyList | null;
  /** Whatever each of them showed. */
  readonly lists: readonly KeyList[];
  /** Names of the servers that have it now. */
  readonly have: readonly string[];
  /** Names of those that do not: they were not reached, or refuse it. */
  readonly behind: readonly string[];
  /** Whether one of those that answered goes on showing another list. */
  readonly isSplit: boolean;
  /** Whether whoever speaks here is the owner whom the terms name. */
  readonly isOwner: boolean;
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
  const { ownerKey } = await termsKnown(context, key);
  if (ownerKey === undefined) return null;
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const me = (await context.owner()).identityForKey(key.keyId);
  const isOwner = isKeyOf(ownerKey, me);
  // Words that are the owner no more want to be on no list. The owner is on none, and shows whether he is a device: out of the account that speaks no more.
  const own = !isOwner && (await context.owner()).words !== null ? null : me;
  const heard = await Promise.all(servers.map((server) => hear(context, key.keyId, ownerKey, server, own)));
  wipeIdentity(me);
  const lists = heard.flatMap((one) => (one === null || one.found === null ? [] : [one.found]));
  const judged = { lists, own: isOwner ? null : (own?.xid ?? null), needed: key.public.quorum.needed };
  const newest = newestOf(lists.map((one) => withoutHeldBack(one, judged)));
  const told = await tell(context, key.keyId, newest, heard);
  const behind = servers.map(({ name }) => name).filter((name) => !told.includes(name));
  const wishes = heard.flatMap((one) => (one === null ? [] : [{ server: one.server, wishes: one.wishes }]));
  const isSplit = heard.some((one) => one !== null && !told.includes(one.server.name));
  return { newest, lists, have: told, behind, isSplit, isOwner, wishes };
}

/** Of lists that contradict each other, the one that goes with what most servers have: one server alone leads nobody astray. */
function newestOf(lists: readonly KeyList[]): KeyList | null {
  const supported = lists.map((one) => ({ one, by: lists.filter((other) => isBefore(other, one)).length }));
  const inOrder = supported.toSorted((a, b) => a.by - b.by || comparePlaces(a.one.list, b.one.list));
  return inOrder.at(-1)?.one ?? null;
}

/** Whether a list is another one, or was in force before it: what the words begin stands whatever was before. */
function isBefore({ list, links }: KeyList, later: KeyList): boolean {
  if (list.generation !== later.list.generation) return list.generation < later.list.generation;
  return has(later, links.at(-1)!);
}

function has({ links }: KeyList, link: SignedDevices): boolean {
  return links.some(({ document }) => equalBytes(document, link.document));
}

/** The lists that servers of a key show. Nothing is told. */
export async function lookAtKeyLists(
  context: ClientContext,
  key: CertifiedKey,
): Promise<Pick<KeyListsHeard, 'lists'>> {
  const { ownerKey } = await termsKnown(context, key);
  if (ownerKey === undefined) return { lists: [] };
  const servers = await rosterOf(context, key);
  const heard = await Promise.all(
    servers.map(({ server }) => hear(context, key.keyId, ownerKey, server, null)),
  );
  return { lists: heard.flatMap((one) => (one === null || one.found === null ? [] : [one.found])) };
}

function isKeyOf(ownerKey: Uint8Array | undefined, { publicKeys }: Pick<Identity, 'publicKeys'>): boolean {
  return ownerKey !== undefined && equalBytes(publicKeys.signing.bytes, ownerKey);
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
  own: Identity | null,
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

/** What is known of a key when its servers are told of a list. */
interface Judged {
  readonly lists: readonly KeyList[];
  /** Null: the words speak. */
  readonly own: Uint8Array | null;
  /** So many servers use the key: one of them at least is honest. */
  readonly needed: number;
}

/** @returns names of the servers that have it now */
async function tell(
  context: ClientContext,
  keyId: Uint8Array,
  newest: KeyList | null,
  heard: readonly (Heard | null)[],
): Promise<readonly string[]> {
  const have: string[] = [];
  await Promise.all(
    heard.map(async (one) => {
      if (one === null) return;
      const { server, found } = one;
      if (await tellOne(context, keyId, newest, { server, found })) have.push(server.name);
    }),
  );
  return have.toSorted();
}

/** @returns whether it has the newest list now */
async function tellOne(
  context: ClientContext,
  keyId: Uint8Array,
  newest: KeyList | null,
  { server, found }: Pick<Heard, 'server' | 'found'>,
): Promise<boolean> {
  if (newest === null) return true;
  if (found !== null && equalBytes(hashDevices(found.list), hashDevices(newest.list))) return true;
  // Of two lists that contradict each other a server keeps its own, until the words begin a generation.
  if (found !== null && !isBefore(found, newest)) return false;
  return bring(context, keyId, server, linksFor(newest, found));
}

/** What this client hands on and builds on of a list that a server shows. */
function withoutHeldBack(shown: KeyList, judged: Judged): KeyList {
  const held = shown.links.findIndex((link) => isHeldBack(shown, link, judged));
  // The words sign the first of every generation.
  if (held < 1) return shown;
  const links = shown.links.slice(0, held);
  return { list: parseDevices(links.at(-1)!.document), links };
}

/**
 * Whether a list takes somebody off whom it is not for this client to take off: a device signed it, another one than this, and not as many servers have it in force
 * as use the key. Servers judge by whoever brings it how old he is: what a thief's fresh device has signed is not brought by an old one.
 */
function isHeldBack({ list, links }: KeyList, link: SignedDevices, { lists, own, needed }: Judged): boolean {
  const { by, keys } = parseDevices(link.document);
  const isOfWords = equalBytes(by, deviceId(list.words));
  if (isOfWords || (own !== null && equalBytes(by, own))) return false;
  const at = links.indexOf(link);
  const before = at === 0 ? [] : parseDevices(links[at - 1]!.document).keys;
  const losesOthers = before.some((one) => !equalBytes(one.id, by) && !keepsAll(one, keys));
  return losesOthers && lists.filter((one) => has(one, link)).length < needed;
}

function keepsAll({ id, may }: DeviceKey, keys: readonly DeviceKey[]): boolean {
  const now = keys.find((one) => equalBytes(one.id, id));
  return now !== undefined && may.every((one) => now.may.includes(one));
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
  return (await refusalOf(context, keyId, server, links)) === null;
}

/** @returns what the server says instead of taking them; null: it has taken them */
async function refusalOf(
  context: ClientContext,
  keyId: Uint8Array,
  server: ServerRecord,
  links: readonly SignedDevices[],
): Promise<CkmError | null> {
  const link = await context.linkTo(server);
  try {
    for (let at = 0; at < links.length; at += MAX_DEVICES_LINKS)
      await link.call('key.devices', { keyId, links: links.slice(at, at + MAX_DEVICES_LINKS), after: null });
    return null;
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return error;
  }
}

/** What is to become of the devices on a list; null: they are so already. */
type KeysChange = (keys: readonly DeviceKey[]) => readonly DeviceKey[] | null;

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
  return putKeys(context, key, signer, heard, (keys) => {
    const fresh = devices.filter((one) => !keys.some(({ id }) => equalBytes(id, one.id)));
    // Those that find no place come when there is one.
    const placed = [...keys, ...fresh].slice(0, MAX_DEVICES);
    return placed.length === keys.length ? null : placed;
  });
}

/** Takes a device off the list of a key, and has its servers know. @param signer as of {@link listDevices} */
export async function unlistDevice(
  context: ClientContext,
  key: CertifiedKey,
  { signer, heard }: { readonly signer: Identity; readonly heard: KeyListsHeard },
  isIt: (entry: DeviceKey) => boolean,
): Promise<KeyListsHeard> {
  const { newest } = heard;
  // With the words also where another list stands that has it.
  const isBeside = newest !== null && areWords(newest.list, signer) && heard.isSplit && isOnAny(heard, isIt);
  return putKeys(context, key, signer, heard, (keys) =>
    keys.some(isIt) || isBeside ? keys.filter((one) => !isIt(one)) : null,
  );
}

/** Has the devices on the list of a key say something else of themselves. @param signer as of {@link listDevices} */
export async function changeEntries(
  context: ClientContext,
  key: CertifiedKey,
  { signer, heard }: { readonly signer: Identity; readonly heard: KeyListsHeard },
  {
    isIt,
    changed,
  }: {
    readonly isIt: (entry: DeviceKey) => boolean;
    readonly changed: (entry: DeviceKey) => DeviceKey;
  },
): Promise<KeyListsHeard> {
  return putKeys(context, key, signer, heard, (keys) =>
    keys.some(isIt) ? keys.map((one) => (isIt(one) ? changed(one) : one)) : null,
  );
}

/** Whether any server has it on its list. */
export function isOnAny(
  { lists }: Pick<KeyListsHeard, 'lists'>,
  isIt: (entry: DeviceKey) => boolean,
): boolean {
  return lists.some(({ list }) => list.keys.some(isIt));
}

/** How often a list is made anew that somebody else was faster with. */
const MOST_TRIES = 4;
/** Codes of a server that somebody else was faster with. */
const OVERTAKEN: readonly string[] = ['DEVICES_OLD', 'DEVICES_LINK_MISSING', 'DEVICES_TWICE'];

async function putKeys(
  context: ClientContext,
  key: CertifiedKey,
  signer: Identity,
  first: KeyListsHeard,
  change: KeysChange,
): Promise<KeyListsHeard> {
  let heard = first;
  for (let left = MOST_TRIES - 1; ; left--) {
    const before = heard.newest?.list ?? firstKeyDevices(key.keyId, signer.publicKeys);
    const keys = change(before.keys);
    if (keys === null) return heard;
    // The last time whoever goes on saying so stops nobody else from having it.
    const put = await putOnce(context, key, { signer, heard, stops: left > 0 }, keys);
    if (put !== null) return put;
    heard = (await bringKeyLists(context, key)) ?? heard;
  }
}

/** One server after the other, always in the same order: of two who do it at once, the first server decides. Null: somebody else was faster, and nobody has taken it. */
async function putOnce(
  context: ClientContext,
  key: CertifiedKey,
  {
    signer,
    heard,
    stops,
  }: { readonly signer: Identity; readonly heard: KeyListsHeard; readonly stops: boolean },
  keys: readonly DeviceKey[],
): Promise<KeyListsHeard | null> {
  const before = heard.newest?.list ?? firstKeyDevices(key.keyId, signer.publicKeys);
  const list = nextDevices(before, keys, signer.xid, isToRaise(heard, before, keys, signer));
  const signed = signDevices(list, signer);
  const servers = (await rosterOf(context, key)).map(({ server }) => server);
  const have: string[] = [];
  for (const server of servers) {
    const refusal = await refusalOf(context, key.keyId, server, [signed]);
    if (refusal === null) have.push(server.name);
    else if (stops && have.length === 0 && isOvertaken(heard, server, refusal)) return null;
  }
  const behind = servers.map(({ name }) => name).filter((name) => !have.includes(name));
  const former = list.generation === before.generation ? (heard.newest?.links ?? []) : [];
  const newest = { list, links: [...former, signed] };
  return { ...heard, newest, lists: [...heard.lists, newest], have, behind };
}

/** What was behind or contradicted it before is not faster now. */
function isOvertaken({ newest, have }: KeyListsHeard, { name }: ServerRecord, { code }: CkmError): boolean {
  return (newest === null || have.includes(name)) && OVERTAKEN.includes(code);
}

/** Whoever takes a device off with the words means it whatever that device has signed since; and they end what contradicts itself. */
function isToRaise(
  heard: KeyListsHeard,
  before: DevicesDocument,
  keys: readonly DeviceKey[],
  signer: Identity,
): boolean {
  if (!areWords(before, signer)) return false;
  const takesOff = before.keys.some((one) => !keepsAll(one, keys));
  return takesOff || heard.isSplit || isLastOfBand(before);
}

function areWords({ words }: DevicesDocument, { xid }: Identity): boolean {
  return equalBytes(xid, deviceId(words));
}

/**
 * Whoever speaks here for a key: its owner, or a device on its list at any of its servers, each of which judges by its own. Null: a device that nobody has put on it.
 * The caller wipes it.
 * @param shown terms that its servers have, which may name the owner before they are on record here
 */
export async function speakerFor(
  context: ClientContext,
  key: CertifiedKey,
  shown: readonly KeyTerms[] = [],
): Promise<Identity | null> {
  const owner = await context.owner();
  const identity = owner.identityForKey(key.keyId);
  const terms = [await termsKnown(context, key), ...shown];
  if (terms.some(({ ownerKey }) => isKeyOf(ownerKey, identity))) return identity;
  const lists = (await bringKeyLists(context, key))?.lists ?? [];
  if (lists.some(({ list }) => list.keys.some(({ id }) => equalBytes(id, identity.xid)))) return identity;
  wipeIdentity(identity);
  return null;
}
