import type { FunctionName } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { expect } from 'vitest';
import type { ChangeWish } from '../keys/changes/plan-change.js';
import { DAY, type KeyLife, NAMES } from './key-life.js';
import { NAME } from './owned-key.js';
import { unreachable } from './test-network.js';

/** What should be true of a key by now. */
export interface Expected {
  members: readonly string[];
  needed: number;
  /** Of members: without a share; with one that was given back, and cannot be dealt; without a say in what follows. */
  readonly lost: Set<string>;
  readonly undealt: Set<string>;
  readonly forgetful: Set<string>;
  /** Of any server: in which epoch it was backed up. */
  readonly backups: Map<string, number>;
  epoch: number;
}

export const KINDS = [
  'refresh',
  'requorum',
  'lose',
  'repair',
  'back up',
  'restore',
  'restart',
  'freeze',
  'take back',
  'hide',
  'steal',
] as const;

/** Something that is done to a key: which members, servers or steps is drawn once, and means something in any state. */
export interface Deed {
  readonly kind: (typeof KINDS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Steps of a change at which something goes wrong at one server, once. */
const STEPS: readonly FunctionName[] = [
  'change.propose',
  'change.promise',
  'session.propose',
  'session.join',
  'session.deliver',
  'change.lock',
  'change.yield',
  'change.commit',
  'change.retire',
];

function pick<T>(items: readonly T[], number: number): T {
  return items[number % items.length]!;
}

/** Two to five servers in some order, drawn from the bits and digits of numbers. */
function rosterOf({ a, b }: Deed): readonly string[] {
  const left = [...NAMES];
  const drawn = Array.from({ length: 2 + (a % 4) }, (_, i) => {
    return left.splice(Math.floor(b / 7 ** i) % left.length, 1)[0]!;
  });
  return drawn;
}

/** At least two, so that nobody has the key alone. */
function neededOf({ c }: Deed, of: number): number {
  return 2 + (c % (of - 1));
}

/** Whether the old members could still decide and deal, were those out of it that are named. */
function canChange(m: Expected, out: readonly string[] = []): boolean {
  const { members, needed } = m;
  const deciding = Math.max(needed, Math.floor(members.length / 2) + 1);
  const isAble = (name: string) => !out.includes(name);
  const dealing = members.filter((one) => isAble(one) && !m.lost.has(one) && !m.undealt.has(one));
  const voting = members.filter((one) => isAble(one) && !m.forgetful.has(one));
  return dealing.length >= needed && voting.length >= deciding;
}

export function isPossible(m: Expected, { kind, a }: Deed): boolean {
  const one = pick(m.members, a);
  if (kind === 'lose') return !m.lost.has(one) && canChange(m, [one]);
  if (kind === 'repair') {
    const repaired = pick([...m.lost], a);
    return m.lost.size > 0 && canChange({ ...m, forgetful: new Set([...m.forgetful, repaired]) });
  }
  if (kind === 'restore') return m.backups.has(pick(NAMES, a)) && canChange(m, [pick(NAMES, a)]);
  return true;
}

/** Something goes wrong once: the question is lost, or its answer. */
function trouble({ network }: KeyLife, { a, b, c }: Deed): void {
  const server = pick(network.servers, a);
  const step = pick(STEPS, b);
  let left = 1 + (c % 2);
  server.tamper = async ({ name }, honest) => {
    if (name !== step || left-- !== 1) return honest();
    if (c % 3 > 0) await honest();
    if (c % 3 > 1) await server.restart();
    throw unreachable(server.name);
  };
}

function wentOn(m: Expected, members: readonly string[], needed: number): void {
  Object.assign(m, { members, needed });
  for (const marks of [m.lost, m.undealt, m.forgetful]) marks.clear();
}

export async function perform(m: Expected, life: KeyLife, deed: Deed): Promise<void> {
  const { kind, a, c } = deed;
  const { network } = life;
  const member = pick(m.members, a);
  switch (kind) {
    case 'refresh':
      network.now += DAY;
      trouble(life, deed);
      await life.change({ kind });
      return wentOn(m, m.members, m.needed);
    case 'requorum': {
      const servers = rosterOf(deed);
      const needed = neededOf(deed, servers.length);
      if (isSame(m, servers, needed)) return;
      trouble(life, deed);
      await life.change({ kind, servers, quorum: { needed, of: servers.length } });
      return wentOn(m, servers, needed);
    }
    case 'lose':
      await life.loseShare(member);
      return void m.lost.add(member);
    case 'repair': {
      const name = pick([...m.lost], a);
      await life.repair(name);
      m.lost.delete(name);
      m.undealt.add(name);
      return void m.forgetful.add(name);
    }
    case 'back up':
      await life.backUp(pick(NAMES, a));
      return void m.backups.set(pick(NAMES, a), m.epoch);
    case 'restore': {
      const name = pick(NAMES, a);
      await life.restore(name);
      if (!m.members.includes(name)) return;
      m.forgetful.add(name);
      if (m.backups.get(name) !== m.epoch) m.lost.add(name);
      else m.lost.delete(name);
      return;
    }
    case 'restart':
      return network.server(pick(NAMES, a)).restart();
    case 'freeze':
      return freeze(life, 60 + (c % 600));
    case 'take back':
      return takeBack(life, m, deed);
    case 'hide':
      return hide(life, m, deed);
    case 'steal':
      return steal(life, deed);
  }
}

function isSame(m: Expected, servers: readonly string[], needed: number): boolean {
  const isRefresh = servers.length === m.members.length && servers.every((one) => m.members.includes(one));
  return isRefresh && needed === m.needed;
}

async function freeze({ client, network, pass }: KeyLife, seconds: number): Promise<void> {
  const { isStopped } = await client.freezeKey(NAME, seconds);
  // Seven days in thirty are all that a person has.
  if (isStopped) {
    const payload = { key: NAME, kind: 'message', payload: new Uint8Array() };
    await expect(client.sign(payload)).rejects.toBeInstanceOf(CkmError);
  }
  expect(network.now).toBeGreaterThan(0);
  await pass(seconds + 60);
}

/** The owner begins something else, which gets as far as one step everywhere but at one server, and takes it back. */
async function takeBack({ client, network }: KeyLife, m: Expected, deed: Deed): Promise<void> {
  const wish: ChangeWish = { kind: 'refresh' };
  const step = pick(STEPS.slice(0, 7), deed.b);
  for (const server of network.servers.filter((_, i) => i !== deed.a % NAMES.length)) {
    server.tamper = ({ name }, honest) =>
      name === step ? Promise.reject(unreachable(server.name)) : honest();
  }
  await client.changeKey({ name: NAME, wish }).catch((error: unknown) => error);
  network.makeHonest();
  for (const change of await client.listChanges()) {
    if (change.state === 'open') await client.cancelChange(change, 'not any more').catch(() => undefined);
  }
}

/**
 * A courier shows some servers what others have acknowledged of a change, and not others. Those that have not met it still sign in the old
 * epoch where they are a quorum of it (L5), those that have sign in the new one, and no mixture of them does.
 */
async function hide(life: KeyLife, m: Expected, deed: Deed): Promise<void> {
  if (m.lost.size + m.undealt.size + m.forgetful.size > 0) return;
  life.network.now += DAY;
  const before = await life.newest();
  const old = m.members;
  const change = await life.carry(m.members, m.needed);
  const certificate = await decide(change).catch((error: unknown) => error);
  if (!(certificate instanceof Uint8Array)) {
    expect(certificate).toBeInstanceOf(CkmError);
    return;
  }
  const shown = old.filter((_, i) => ((deed.b >> i) & 1) === 1);
  const { keyId, client } = life;
  const acknowledgements = shown.length === 0 ? [] : await change.acknowledge(certificate);
  for (const name of shown)
    await (await life.callerOf(name)).call('change.commit', { keyId, certificate, acknowledgements });
  const unaware = old.filter((name) => !shown.includes(name));
  if (unaware.length >= m.needed)
    expect(await life.signs(before, unaware.slice(0, m.needed)), 'an old quorum that knows nothing').toBe(
      true,
    );
  else expect(await life.signs(before, [...unaware, ...shown].slice(0, m.needed)), 'a mixed one').toBe(false);
  expect((await client.verifyKey(NAME)).isSound).toBe(true);
  expect((await life.newest()).params.epoch).toBe(shown.length === 0 ? m.epoch : m.epoch + 1);
  if (shown.length === 0) await (await life.callerOf(old[0]!)).call('change.commit', { keyId, certificate });
  await client.verifyKey(NAME);
  if (shown.length >= m.needed)
    expect(await life.signs(await life.newest(), shown.slice(0, m.needed)), 'the new quorum').toBe(true);
}

async function decide(change: Awaited<ReturnType<KeyLife['carry']>>): Promise<Uint8Array> {
  const views = await change.propose();
  const attempt = 1 + Math.max(...views.map((view) => view.attempt));
  const promises = await change.promise(attempt);
  const whole = await change.move(attempt, promises);
  const locks = await change.lock(attempt, whole, promises);
  const yields = await change.yield(whole, change.locksOf(attempt, whole, locks));
  return change.certify(attempt, whole, { promises, locks, yields });
}

/** A thief with the owner's account orders the key to servers that he likes better; the owner takes it back in time. */
async function steal(life: KeyLife, deed: Deed): Promise<void> {
  const servers = rosterOf(deed);
  const change = await life.carry(servers, 2);
  const { params } = change.before;
  const isRefresh = params.quorum.needed === 2 && params.quorum.of === servers.length;
  if (isRefresh) return;
  const { keyId, epoch } = change.order;
  const refused = expect.objectContaining({ code: 'CHANGE_REFUSED' }) as Error;
  for (const wait of [0, 3_600]) {
    await change.propose();
    await life.pass(wait);
    await expect(change.promise(1 + deed.c)).rejects.toThrow(refused);
  }
  const { orderHash } = change;
  for (const one of change.everybody) await one.call('change.cancel', { keyId, epoch, orderHash });
  await life.pass(3_600);
  await expect(change.promise(1 + deed.c)).rejects.toThrow(refused);
}
