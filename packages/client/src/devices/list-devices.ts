import type { DeviceKey, DevicePrivilege, DevicesPlace } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, type Secret } from '@ckm/foundation';
import { isForgotten } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import { openDeviceName } from '../owner/device-notes.js';
import { householdIn } from '../owner/owner.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords } from '../servers/servers.js';
import { changeText } from './lists/device-change.js';
import { lookAtList, readList, type ReadList } from './lists/read-list.js';
import { type Speaker, speakTo } from './lists/speaker.js';
import { listUnsent } from './lists/unsent.js';

/** A device of the owner, as the servers know it that answer. */
export interface DeviceView {
  /** Null: what it is called cannot be read, since it is not of this household. */
  readonly name: string | null;
  /** The first eight hex digits of its key at the first server that lists it. */
  readonly id: string;
  readonly may: readonly DevicePrivilege[];
  /** Whether it is the one at hand. */
  readonly isThis: boolean;
  readonly at: readonly DeviceAt[];
  /** Names of servers that answer and do not list it. */
  readonly missingAt: readonly string[];
}

/** A device at one server. */
export interface DeviceAt {
  readonly server: string;
  /** UnixSeconds: since when, as the server says; null: it does not. */
  readonly since: number | null;
  /** UnixSeconds: until when it takes nothing from an older one there, if the server runs on; null: it is not young. */
  readonly youngUntil: number | null;
}

/** Everything that is known of the devices of the owner. */
export interface Devices {
  readonly devices: readonly DeviceView[];
  /** Which list is in force at each server that answers: what {@link seeDevices} says was seen. */
  readonly lists: readonly ListAt[];
  /** Whether the words lie here: then this place is none of the devices, and may do everything. */
  readonly areWordsHere: boolean;
  /** Servers that did not say which devices they know. */
  readonly silent: readonly SilentServer[];
  /** What servers have not heard yet. */
  readonly unsent: readonly UnsentText[];
  /** Servers that were shown two lists of one number: a key of this owner signed what no honest device signs. */
  readonly contradicted: readonly string[];
}

/** Which list of devices is in force at a server. */
export interface ListAt extends DevicesPlace {
  readonly server: string;
}

export interface SilentServer {
  readonly server: string;
  readonly code: string;
  readonly text: string;
}

export interface UnsentText {
  readonly server: string;
  /** As in "laptop is removed". */
  readonly text: string;
  /** UnixSeconds */
  readonly since: number;
}

/** One server's list, and which of its keys is ours. */
export interface HeardList extends ReadList {
  readonly server: ServerRecord;
  /** 32 bytes: the id of the key that this client speaks with. */
  readonly own: Uint8Array;
}

/** How servers are asked. */
export interface Hearing {
  /** Typed for this alone; null: whoever this client is asks. */
  readonly words: Secret<Uint8Array> | null;
  /** Nothing is written, and no server is told anything. */
  readonly isLooking: boolean;
}

/** Asks every server which devices it knows. @param servers on record that have an account of ours */
export async function hearLists(
  context: ClientContext,
  servers: readonly ServerRecord[],
  { words, isLooking }: Hearing,
): Promise<{ readonly heard: readonly HeardList[]; readonly silent: readonly SilentServer[] }> {
  const read = isLooking ? lookAtList : readList;
  const heard: HeardList[] = [];
  const silent: SilentServer[] = [];
  const hear = async (speaker: Speaker): Promise<HeardList> => ({
    ...(await read(context, speaker)),
    server: speaker.server,
    own: speaker.id,
  });
  await Promise.all(
    servers.map(async (server) => {
      try {
        heard.push(await speakTo(context, server, words, hear));
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        silent.push({ server: server.name, ...saidBy(error) });
      }
    }),
  );
  return {
    heard: heard.toSorted(byServer),
    silent: silent.toSorted((a, b) => (a.server < b.server ? -1 : 1)),
  };
}

/** That it does not know who asks says more here than how it says so. */
function saidBy(error: CkmError): Pick<SilentServer, 'code' | 'text'> {
  if (!isForgotten(error)) return { code: error.code, text: error.message };
  return {
    code: 'MESSAGE_NOT_AUTHENTICATED',
    text: 'it does not know who asks: removed there, or forgotten',
  };
}

function byServer(a: HeardList, b: HeardList): number {
  return a.server.name < b.server.name ? -1 : 1;
}

/** Servers that have opened an account for this owner. */
export async function serversWithAccount({ store }: ClientContext): Promise<readonly ServerRecord[]> {
  return (await listServerRecords(store)).filter(({ accountSince }) => accountSince !== null);
}

/** Puts on record which devices every server knows that answers: what a server says later is compared with it. */
export async function rememberDevices(context: ClientContext): Promise<void> {
  await hearLists(context, await serversWithAccount(context), { words: null, isLooking: false });
}

/** Writes nothing. */
export async function listDevices(context: ClientContext): Promise<Devices> {
  const owner = await context.owner();
  const servers = await serversWithAccount(context);
  const { heard, silent } = await hearLists(context, servers, { words: null, isLooking: true });
  return {
    devices: viewsOf(heard, householdIn(owner)),
    lists: heard.map(({ server, list: { generation, number } }) => ({
      server: server.name,
      generation,
      number,
    })),
    areWordsHere: owner.words !== null,
    silent,
    unsent: await unsentTexts(context),
    contradicted: heard.filter(({ said }) => said.twice.length > 0).map(({ server }) => server.name),
  };
}

/**
 * Tells each server that a person has seen its list: how long a device is young there is counted from then. What becomes of it is no loss: it is said again by
 * whoever looks next.
 */
export async function seeDevices(context: ClientContext, lists: readonly ListAt[]): Promise<void> {
  const servers = await serversWithAccount(context);
  await Promise.all(
    lists.map(async ({ server: name, generation, number }) => {
      const server = servers.find((one) => one.name === name);
      if (server === undefined) return;
      try {
        await (await context.linkTo(server)).call('device.seen', { generation, number });
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
      }
    }),
  );
}

/** What servers have not heard, for people. */
export async function unsentTexts({ store }: ClientContext): Promise<readonly UnsentText[]> {
  const servers = await listServerRecords(store);
  return (await listUnsent(store)).flatMap(({ server: xid, changes }) => {
    const server = servers.find((one) => equalBytes(one.xid, xid))?.name;
    if (server === undefined) return [];
    return changes.map(({ change, madeAt }) => ({ server, text: changeText(change), since: madeAt }));
  });
}

interface Listed {
  readonly heard: HeardList;
  readonly key: DeviceKey;
  readonly name: string | null;
}

/** Devices of one name are one device: each server knows it by another key. Where one server has two of a name, one of them calls itself so. */
function viewsOf(heard: readonly HeardList[], household: Secret<Uint8Array>): readonly DeviceView[] {
  const all = heard.flatMap((one) =>
    one.list.keys.map((key): Listed => ({
      heard: one,
      key,
      name: openDeviceName(household, key.publicKeys, key.notes),
    })),
  );
  const groups = new Map<string, Listed[]>();
  for (const one of all) {
    const isSecond = groups.get(one.name ?? '')?.some(({ heard: { server } }) => server === one.heard.server);
    const group = one.name === null || isSecond === true ? ` ${encodeHex(one.key.id)}` : one.name;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [...groups.values()].map((group) => viewOf(group, heard)).toSorted(byName);
}

function viewOf(group: readonly Listed[], heard: readonly HeardList[]): DeviceView {
  const [first] = group as readonly [Listed, ...Listed[]];
  const at = group.map(({ heard: { server, said }, key }): DeviceAt => {
    const { at: since = null, youngUntil = null } = said.since.find(({ id }) => equalBytes(id, key.id)) ?? {};
    return { server: server.name, since, youngUntil };
  });
  const known = at.map(({ server }) => server);
  return {
    name: first.name,
    id: encodeHex(first.key.id).slice(0, 8),
    may: first.key.may,
    isThis: group.some(({ heard: { own }, key }) => equalBytes(own, key.id)),
    at,
    missingAt: heard.map(({ server }) => server.name).filter((name) => !known.includes(name)),
  };
}

function byName(a: DeviceView, b: DeviceView): number {
  return (a.name ?? '~') < (b.name ?? '~') ? -1 : 1;
}
