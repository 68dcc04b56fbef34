import { encodeHex } from '@ckm/foundation';
import type { Client } from '../../client.js';
import type { NetworkServer } from '../../test/test-network.js';
import {
  DAY,
  EVERYBODY,
  type FamilyDevice,
  HOUR,
  KEY,
  LIMIT,
  messageIn,
  PEOPLE,
  type PersonName,
  type Place,
} from './family.js';
import { noteVotes, type PeopleLife, refusedOr, yesAt } from './people-life.js';
import { voteFor } from '@ckm/server/test';

export const DEEDS = [
  'add',
  'remove',
  'steal',
  'sign',
  'ask',
  'say',
  'go on',
  'freeze',
  'thaw',
  'tighten',
  'loosen',
  'recover',
  'refuse',
  'back up',
  'restore',
  'off',
  'set back',
  'wait',
  'live',
] as const;

/** Something that people do: who does it, to what and at which server, is drawn once, and means something in any state. */
export interface Deed {
  readonly kind: (typeof DEEDS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const MOST_DEVICES = 4;

function pick<T>(items: readonly T[], number: number): T {
  return items[number % items.length]!;
}

/** Devices that have not been put out everywhere; a thief’s too. */
function inUse({ devices, at }: PeopleLife): readonly FamilyDevice[] {
  return [...devices.values()].filter(({ name }) => [...at.values()].some(({ out }) => !out.has(name)));
}

/** Those of the owner. */
export function ownDevices(life: PeopleLife): readonly FamilyDevice[] {
  return inUse(life).filter(({ name }) => !life.stolen.has(name));
}

/** Whoever acts: the words, or a device. */
function actor(life: PeopleLife, number: number): Place {
  return pick<Place>([life.family.words, ...inUse(life)], number);
}

/** Nobody is away in three of eight cases. */
function away({ family: { network } }: PeopleLife, number: number): NetworkServer | null {
  return network.servers[number % 8] ?? null;
}

export async function perform(life: PeopleLife, deed: Deed): Promise<void> {
  await life.without(away(life, deed.c), () => act(life, deed));
}

async function act(life: PeopleLife, deed: Deed): Promise<void> {
  const { a, b } = deed;
  const { family } = life;
  const server = pick(family.network.servers, b);
  switch (deed.kind) {
    case 'add':
      return add(life, actor(life, a), b);
    case 'remove':
      return remove(life, actor(life, a), pick(inUse(life), b));
    case 'steal':
      return steal(life, a);
    case 'sign':
      for (let times = 0; times <= b % 4; times++)
        await refusedOr(actor(life, a).run((client) => sign(client, 'test')));
      return;
    case 'ask':
      return askPeople(life, actor(life, a), deed);
    case 'say':
      return say(life, pick(EVERYBODY, a), pick(['yes', 'yes', 'yes', 'no', 'takeBack'] as const, b), deed.c);
    case 'go on':
      return goOn(actor(life, a));
    case 'freeze':
      return freeze(life, actor(life, a), (1 + (b % 7)) * DAY);
    case 'thaw':
      await refusedOr(family.thaw(server, ['bob', 'cy']));
      life.state(server).frozenUntil = 0;
      return;
    case 'tighten':
      return tighten(life, actor(life, a));
    case 'loosen':
      return loosen(actor(life, a));
    case 'recover':
      return recover(life, server, b);
    case 'refuse':
      return refuse(life, actor(life, a));
    case 'back up':
      return life.backUp(server);
    case 'restore':
      await life.restore(server);
      return;
    case 'off':
      return family.setClocks((1 + (a % 400)) * DAY);
    case 'set back':
      return family.setClocks(-(a % 120) * 60);
    case 'wait':
      return life.pass(pick([HOUR, 6 * HOUR, DAY, 2 * DAY, 4 * DAY], a));
    case 'live':
      await refusedOr(actor(life, a).run((client) => client.alive()));
      return;
  }
}

let texts = 0;

async function sign(client: Client, domain: string): Promise<unknown> {
  return client.sign({ key: KEY, ...messageIn(domain, `text ${texts++}`), waitSeconds: 0 });
}

async function add(life: PeopleLife, by: Place, number: number): Promise<void> {
  if (inUse(life).length >= MOST_DEVICES) return;
  const name = `device-${life.devices.size}`;
  const added = await refusedOr(
    life.family.addDevice(name, number % 3 === 0 ? ['use'] : ['use', 'manage'], by, false),
  );
  if (added === null) return;
  life.devices.set(name, added);
  for (const state of life.at.values()) state.cameAt.set(name, life.ran);
}

/** What a server has heard is out stays out, whatever others say. */
async function remove(life: PeopleLife, by: Place, device: FamilyDevice): Promise<void> {
  const own = ownDevices(life);
  // The owner keeps one device: else only words and contacts are left to him.
  if (own.length === 1 && own[0] === device) return;
  const done = await refusedOr(by.run((client) => client.removeDevice({ name: device.name })));
  for (const { server, outcome } of done?.servers ?? [])
    if (outcome === 'done') life.at.get(server)!.out.add(device.name);
}

/** The owner has one device left. */
async function steal(life: PeopleLife, number: number): Promise<void> {
  const own = ownDevices(life);
  if (own.length > 1) life.stolen.add(pick(own, number).name);
}

/** Asks for something that two people are asked about; some of them say something, and whoever asked goes on with it or does not. */
async function askPeople(life: PeopleLife, place: Place, { b, c }: Deed): Promise<void> {
  await refusedOr(place.run((client) => sign(client, 'asked')));
  for (const [i, who] of EVERYBODY.entries()) {
    const verdict = pick(['yes', 'yes', 'takeBack', 'no', null] as const, Math.floor(b / 5 ** i));
    if (verdict !== null) await say(life, who, verdict, Math.floor(c / 8 ** i));
  }
  if (c % 3 > 0) await goOn(place);
}

/** Somebody says something of whatever waits, to the servers that are there. */
async function say(
  life: PeopleLife,
  who: PersonName,
  verdict: 'yes' | 'no' | 'takeBack',
  number: number,
): Promise<void> {
  const { network } = life.family;
  const missing = away(life, number);
  const there = network.servers.filter((server) => server !== missing);
  const audience = network.servers.map(({ identity }) => identity.xid);
  for (const shown of await life.family.asked(who, pick(there, number))) {
    const serial =
      1 + Math.max(0, ...there.map((one) => serialAt(life, one, encodeHex(shown.matterId), who)));
    const vote = voteFor(PEOPLE[who], shown, audience, { issuedAt: network.now, verdict, serial });
    for (const server of there) {
      const given = server.bare.asAnybody(PEOPLE[who]).call('approval.give', { votes: [vote] });
      const taken = await refusedOr(given);
      if (taken?.refused.length === 0) noteVotes(life, server, [vote]);
      const id = encodeHex(shown.matterId);
      const isAgreed = shown.matter === 'terms' && yesAt(life, server, id).length >= 2;
      if (isAgreed && (life.loosened.get(id) ?? null) === null) life.loosened.set(id, life.ran);
    }
  }
}

function serialAt(life: PeopleLife, server: NetworkServer, id: string, who: PersonName): number {
  return life.state(server).said.get(id)?.get(who)?.serial ?? 0;
}

/** Goes on with whatever this place has asked for. */
async function goOn(place: Place): Promise<void> {
  const requests = (await refusedOr(place.run((client) => client.listRequests()))) ?? [];
  for (const { requestId, state } of requests) {
    if (state !== 'open') continue;
    await refusedOr(
      place.run(async (client) =>
        (await client.prepareAgain(encodeHex(requestId), { waitSeconds: 0 })).sign(),
      ),
    );
  }
}

async function freeze(life: PeopleLife, place: Place, seconds: number): Promise<void> {
  const done = await refusedOr(place.run((client) => client.freezeKey(KEY, seconds)));
  for (const { server, verdict, until } of done?.servers ?? []) {
    const state = life.at.get(server);
    if (verdict === 'frozen' && state !== undefined) state.frozenUntil = Math.max(state.frozenUntil, until!);
  }
}

/** Other terms as somebody writes them who knows those of now. */
async function propose(place: Place, countOf: (count: number) => number): Promise<unknown> {
  return place.run(async (client) => {
    const { approvers, ownerKey: _o, version: _v, previous: _p, ...terms } = await client.knownTerms(KEY);
    const rateLimit = { count: countOf(terms.rateLimit!.count), perSeconds: DAY };
    if (rateLimit.count === terms.rateLimit!.count) return null;
    return client.proposeTerms(KEY, { ...terms, rateLimit, approvers: approvers!.map(({ name }) => name) });
  });
}

async function tighten(life: PeopleLife, place: Place): Promise<void> {
  life.tightened += 1;
  await refusedOr(propose(place, (count) => Math.max(2, count - 1)));
}

async function loosen(place: Place): Promise<void> {
  await refusedOr(propose(place, (count) => Math.min(LIMIT, count + 1)));
}

/** Somebody with a contact of the owner begins at one server, or ends what he began. */
async function recover(life: PeopleLife, server: NetworkServer, number: number): Promise<void> {
  const ripe = life.cases.find((one) => life.ran - one.since > DAY && number % 2 === 0);
  if (ripe !== undefined) {
    const done = await refusedOr(
      ripe.by.run((client) => client.finishRecovery(ripe.server, 'new').then(() => true)),
    );
    if (done !== true) return;
    // It has taken the place of every device there.
    const state = life.at.get(ripe.server)!;
    for (const name of life.devices.keys()) state.out.add(name);
    life.cases.splice(life.cases.indexOf(ripe), 1);
    return;
  }
  const by = life.family.newcomer();
  const begun = await refusedOr(life.family.beginRecovery(by, [server.name]).then(() => true));
  if (begun === true) life.cases.push({ server: server.name, by, since: life.ran });
}

async function refuse(life: PeopleLife, place: Place): Promise<void> {
  const found = await refusedOr(place.run((client) => client.listCases()));
  for (const { server, caseId, state } of found?.cases ?? []) {
    if (state !== 'waiting') continue;
    const done = await refusedOr(place.run((client) => client.vetoCase(server, caseId)));
    if (done === null) continue;
    const at = life.cases.findIndex((one) => one.server === server);
    if (at >= 0) life.vetoed.push(...life.cases.splice(at, 1));
  }
}
