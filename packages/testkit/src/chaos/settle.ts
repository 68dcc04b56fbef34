import type { CertifiedKey, Client } from '@ckm/client';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { ChaosServer } from './chaos-server.js';
import { releaseKey } from './operator.js';
import { repairAnyhow } from './repair-anyhow.js';
import { openTracks, type OpenTrack } from './tracks.js';

/** A key that its owner was told is complete. */
export interface OwnedKey {
  readonly name: string;
  /** In hex; the same for ever. */
  readonly groupKey: string;
  /**
   * How often each server had lost something when the key was begun: one that lost something between its part in the key and
   * the end may have lost the key although its owner rightly heard that it holds it.
   */
  readonly setbacks: ReadonlyMap<ChaosServer, number>;
}

export interface Settling {
  readonly name: string;
  readonly keys: readonly OwnedKey[];
  readonly servers: readonly ChaosServer[];
  readonly client: Client;
  readonly pass: (seconds: number) => void;
  readonly violate: (what: string) => void;
  readonly judge: (what: string, error: unknown) => void;
  readonly sign: (client: Client, key: string, without: readonly string[]) => Promise<void>;
}

/** Longer than servers want between two tries of a change. */
const BETWEEN_TRIES_SECONDS = 620;
const MOST_TRIES = 6;
/** How many quorums of a key sign at the end. */
const MOST_QUORUMS = 6;

/**
 * With everything working again: whatever was begun has a way on or out; every key is the one that it was, and where enough of
 * its servers never lost anything, each of the others gets its share back, all of them prove theirs, and any quorum signs.
 */
export async function settleOwner(settling: Settling): Promise<void> {
  const { client, keys } = settling;
  for (const track of await openTracks(client)) await findWayOut(settling, track);
  const names = new Set((await client.listKeys()).map((key) => key.name));
  // A disk that was put back may have lost the record; the key is fetched back from the seed, which is tested elsewhere.
  for (const key of keys) if (names.has(key.name)) await settleKey(settling, key);
}

async function findWayOut(settling: Settling, { id, what, resume, cancel }: OpenTrack): Promise<void> {
  const { client, name, judge, violate } = settling;
  let resumed: unknown;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      await resume(client);
      return;
    } catch (error) {
      judge('resume at the end', error);
      resumed = error;
    }
    if (!(await openTracks(client)).some((one) => one.id === id)) return;
    await operate(settling);
    settling.pass(BETWEEN_TRIES_SECONDS);
  }
  if (isLostForGood(settling, resumed)) return;
  // A key that a server will never hold again by itself is given up by its name; silence is no reason to name it.
  const isStuck = resumed instanceof CkmError && resumed.code === 'KEY_NOT_STORED';
  try {
    await cancel(client, isStuck);
  } catch (error) {
    judge('cancel at the end', error);
    violate(
      `${name}: no way on and no way out of ${what}: resume says ${words(resumed)}; cancel says ${words(error)}`,
    );
  }
}

/**
 * A decided change waits for ever where servers that signed it lost their new share before they took it (backups know nothing of
 * it), and the others are too few: the key signs in the epoch before.
 */
function isLostForGood({ servers }: Settling, resumed: unknown): boolean {
  if (!(resumed instanceof CkmError) || resumed.code !== 'SERVERS_MISSING') return false;
  const lost = [...resumed.message.matchAll(/([\w-]+) refuses \(CHANGE_SHARE_LOST\)/g)].map(
    ([, name]) => name,
  );
  const wentBack = servers.filter(({ setbacks }) => setbacks > 0).map(({ name }) => name);
  return lost.length > 0 && lost.every((name) => wentBack.includes(name!));
}

async function operate({ servers }: Settling): Promise<void> {
  for (const server of servers) await server.approve();
}

async function settleKey(settling: Settling, owned: OwnedKey): Promise<void> {
  const { client, name, servers, violate } = settling;
  const said: string[] = [];
  const tell = async (work: () => Promise<unknown>): Promise<void> => {
    const problem = await problemOf(settling, work);
    if (problem !== null) said.push(problem);
  };
  await tell(() => client.verifyKey(owned.name));
  await tell(() => repairAll(settling, owned.name));
  const key = await client.showKey(owned.name);
  if (encodeHex(key.public.groupKey) !== owned.groupKey) violate(`${name}: ${owned.name} is another key now`);
  await tell(() => expectWhole(settling, key));
  for (const without of quorumsWithout(key, servers)) {
    await tell(() => settling.sign(client, owned.name, without));
  }
  const { needed, of } = key.public.quorum;
  const steady = membersOf(key, servers).filter((server) => server.setbacks === owned.setbacks.get(server));
  if (steady.length < needed || said.length === 0) return;
  const of_ = `${needed} of ${of}, epoch ${key.newest.params.epoch}, lost nothing: ${steady.map((one) => one.name).join(' ')}`;
  violate(`${name}: ${owned.name} (${of_}): ${[...new Set(said)].join('; ')}`);
}

/** Gives every server back what it lost, as far as the others can. */
async function repairAll(settling: Settling, name: string): Promise<void> {
  const { client } = settling;
  let problem = '';
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { servers, isSound } = await client.verifyKey(name);
    if (isSound) return;
    for (const { server, verdict } of servers.filter((one) => one.verdict !== 'holds')) {
      const said = await problemOf(settling, () => repairAnyhow(client, { name, server }));
      if (said !== null) problem = `repair of ${server} (${verdict}): ${said}`;
    }
    await operate(settling);
    settling.pass(BETWEEN_TRIES_SECONDS);
  }
  throw new Unsettled(problem);
}

/** Every server of the newest epoch proves its share of it. */
async function expectWhole(settling: Settling, key: CertifiedKey): Promise<void> {
  const { client, servers } = settling;
  const { name } = key.record;
  const missing = async () =>
    (await client.checkKey(name)).servers.filter(({ verdict }) => verdict !== 'holds');
  // Where too many were put back at once for the others to say how far the key is, each operator decides.
  if ((await missing()).length > 0)
    for (const server of membersOf(key, servers)) await release(server, key.keyId);
  for (const { server, verdict, text } of await missing())
    throw new Unsettled(`${server} proves nothing (${verdict}): ${text}`);
}

async function release(server: ChaosServer, keyId: Uint8Array): Promise<void> {
  const open = server.open();
  const rows = await open.context.storage.read(({ keys }) => keys.listAll(null, 1_000));
  const row = rows.find((one) => equalBytes(one.keyId, keyId));
  if (row !== undefined) await releaseKey(open, row);
}

function membersOf(key: CertifiedKey, servers: readonly ChaosServer[]): readonly ChaosServer[] {
  return key.roster.map(({ serverId }) =>
    servers.find((server) => equalBytes(server.identity().xid, serverId))!,
  );
}

/** Who stays away while a quorum signs, for some quorums of a key. */
function quorumsWithout(key: CertifiedKey, servers: readonly ChaosServer[]): readonly (readonly string[])[] {
  const names = membersOf(key, servers).map(({ name }) => name);
  const away = names.length - key.public.quorum.needed;
  const choose = (from: readonly string[], count: number): readonly (readonly string[])[] =>
    count === 0
      ? [[]]
      : from.flatMap((first, i) => choose(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]));
  return choose(names, away).slice(0, MOST_QUORUMS);
}

/** A key that is not as it should be at the end, in words. */
class Unsettled extends Error {}

/** What went wrong, in words; null: nothing. */
async function problemOf({ judge }: Settling, work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof Unsettled) return error.message;
    judge('at the end', error);
    return words(error);
  }
}

function words(error: unknown): string {
  return error instanceof CkmError ? `${error.code} (${error.message})` : String(error);
}
