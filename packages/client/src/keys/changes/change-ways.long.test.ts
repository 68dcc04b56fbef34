// @module-tag long
import { encodeHex, equalBytes } from '@ckm/foundation';
import { storedShares } from '@ckm/server/test';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import {
  CHANGE_FATES,
  CHANGE_STAGE_NAMES,
  CHANGE_STAGES,
  CHANGE_TIMES,
  CHANGE_WAYS,
  type ChangeEnd,
  type ChangeRole,
  type ChangeStage,
  type ChangeState,
  formatChangeWays,
} from '../../test/change-ways.js';
import { codeOf, heard } from '../../test/heard.js';
import { approveChanges, approveSessions } from '../../test/operators.js';
import { asOwner, NAME, REFRESH, requorum } from '../../test/owned-key.js';
import { createStagedChange, isTime, partsOf, type StagedChange, WHO } from '../../test/staged-change.js';
import { messageOf } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import { type ChangeRecord, changeIdOf } from '../chain/change-record.js';
import type { ChangedKey } from './carry-change.js';
import type { ChangeWish } from './plan-change.js';

const DAY = 86_400;
/** Between two tries of a change. Seconds. */
const TRY = 600;
const MOST_TRIES = 8;

/** What is ordered instead, without that server; each is another change in either epoch. */
const INSTEAD: Readonly<Record<ChangeRole, ChangeWish>> = {
  stays: requorum(2, ['alpha', WHO.leaves, WHO.joins]),
  leaves: requorum(2, ['alpha', WHO.stays]),
  joins: requorum(2, ['alpha', WHO.stays]),
};

let staged: StagedChange;
let client: Client;
const clients: Client[] = [];
/** Made once each: of a key with this recovery. */
const made = new Map<string, StagedChange>();

afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const one of made.values()) await one.close();
});

async function begin(state: ChangeState, at: ChangeStage): Promise<ChangeRecord> {
  const recovery = state.endsWith('derives') ? 'static' : 'epoch';
  staged = made.get(recovery) ?? (await createStagedChange(recovery));
  made.set(recovery, staged);
  return backTo(at);
}

/** Everybody as when the change had come so far. */
async function backTo(at: ChangeStage): Promise<ChangeRecord> {
  client = await staged.at(at);
  clients.push(client);
  return (await client.listChanges())[0]!;
}

/** The server that something has become of; null: of none, or of several. */
function struckBy(state: ChangeState): string | null {
  return isTime(state) || state === 'two older' ? null : WHO[partsOf(state)[0]];
}

/** What an owner does who reads what he is told. */
async function doAsTold(code: string): Promise<void> {
  if (code === 'CHANGE_WAITING') await approveChanges(staged.network);
  if (code === 'CHANGE_VOTES_TOO_FEW') staged.network.now += TRY;
}

interface Came {
  readonly says: readonly string[];
  /** Null: it does not go on. */
  readonly changed: ChangedKey | null;
}

/** Goes on until it is done, over, or says the same once more. */
async function goOn(change: ChangeRecord): Promise<Came> {
  const says: string[] = [];
  const id = encodeHex(changeIdOf(change));
  while (says.length < MOST_TRIES) {
    const { done, code } = await heard(client.resumeSession(id));
    if (code === null) return { says, changed: done as ChangedKey };
    if (code === says.at(-1)) return { says, changed: null };
    says.push(code);
    if ((await client.findChange(id)) === null) break;
    await doAsTold(code);
  }
  return { says, changed: null };
}

const OTHER_FIRST = 'another one came first';

/** A change from its beginning. @returns what was said before it was done */
async function changeTo(wish: ChangeWish): Promise<readonly string[]> {
  const said: string[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { done, code } = await heard(client.changeKey({ name: NAME, wish }));
    if (done?.isAsOrdered === true || code === 'CHANGE_NOTHING') return said;
    said.push(code ?? OTHER_FIRST);
    if (code !== null) await doAsTold(code);
  }
  throw new Error(`the change does not come about: ${said.join(', ')}`);
}

async function endOf(state: ChangeState, { changed }: Came): Promise<ChangeEnd> {
  if (changed === null) {
    const isOpen = (await client.listChanges()).some((one) => one.state === 'open');
    return isOpen ? 'wait' : 'over';
  }
  const struck = struckBy(state);
  if (struck !== null && state.endsWith('gone')) {
    if (changed.behind.includes(struck)) return 'behind';
    const isSilent = changed.forgetting.some((one) => one.server === struck && one.outcome === 'silent');
    return isSilent ? 'silent' : 'on';
  }
  return (await client.verifyKey(NAME)).isSound ? 'on' : 'repair';
}

/** The same key; a quorum of its servers signs; each server uses one epoch, and has no share of a later one. */
async function expectSound(without: readonly string[]): Promise<void> {
  const before = membersOf((await client.showKey(NAME)).newest.params.roster);
  const { signers } = await client.sign({
    key: NAME,
    ...messageOf('still'),
    without: without.filter((name) => before.includes(name)),
  });
  const { keyId, public: half, newest } = await client.showKey(NAME);
  expect(encodeHex(half.groupKey)).toBe(staged.groupKey);
  expect(signers).toHaveLength(newest.params.quorum.needed);
  const members = membersOf(newest.params.roster);
  expect(members).toEqual(expect.arrayContaining([...signers]));
  for (const server of staged.network.servers) {
    const shown = await (await asOwner(server)).call('key.list', { after: null });
    const own = shown.keys.find((one) => equalBytes(one.keyId, keyId));
    const used = own?.epoch ?? -1;
    for (const { epoch } of await storedShares(server.bare))
      expect(epoch, server.name).toBeLessThanOrEqual(used);
  }
}

function membersOf(roster: readonly { readonly serverId: Uint8Array }[]): readonly string[] {
  const servers = staged.network.servers;
  return roster.map(
    ({ serverId }) => servers.find(({ identity }) => equalBytes(identity.xid, serverId))!.name,
  );
}

/** Nothing is left to do: each server of the newest epoch has its share and no other, nobody else has one, and any quorum signs. */
async function expectWhole(): Promise<void> {
  for (const change of await client.listChanges())
    if (change.state === 'open') await client.resumeSession(encodeHex(changeIdOf(change)));
  const { servers } = await client.verifyKey(NAME);
  expect(servers.filter(({ verdict }) => verdict !== 'holds')).toEqual([]);
  expect((await client.listChanges()).filter((one) => one.state === 'open')).toEqual([]);
  const { epoch, roster } = (await client.showKey(NAME)).newest.params;
  const members = membersOf(roster);
  for (const { name, bare } of staged.network.servers) {
    const epochs = (await storedShares(bare)).map((share) => share.epoch);
    expect(epochs, name).toEqual(members.includes(name) ? [epoch] : []);
  }
  // Without alpha, of which nothing has become: the others need each other.
  await expectSound(['alpha']);
}

/** The others give the server its share back. */
async function repair(server: string): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if ((await codeOf(client.repairKey({ name: NAME, server }))) === null) return;
    await approveSessions(staged.network);
  }
  throw new Error(`the share of ${server} does not come back`);
}

/** What follows by itself, or by the way out; in the end the key is whole. */
const AFTER: Readonly<
  Record<ChangeEnd, (state: ChangeState, at: ChangeStage, ends: ChangeEnd) => Promise<void>>
> = {
  on: whenAllAnswer,
  behind: whenAllAnswer,
  silent: whenAllAnswer,
  repair: async (state) => {
    await expectSound([struckBy(state)!]);
    await repair(struckBy(state)!);
    await expectWhole();
  },
  wait: waits,
  bound: waits,
  over: anotherOne,
  overBound: anotherOne,
  stuck: async () => {
    await expectSound([]);
    const [change] = await client.listChanges();
    expect(await codeOf(client.cancelChange(change!, 'enough'))).toBe('SESSION_OVER');
    expect(await codeOf(client.changeKey(REFRESH))).toBe('SERVERS_MISSING');
    await expectSound([]);
  },
};

const awayIn = (state: ChangeState) => (state.endsWith('gone') ? [struckBy(state)!] : []);

async function whenAllAnswer(state: ChangeState): Promise<void> {
  await expectSound(awayIn(state));
  staged.network.makeHonest();
  await expectWhole();
}

/** Out: cancelled, and another change while the server is still away. On: from the same state, when it answers. */
async function waits(state: ChangeState, at: ChangeStage, ends: ChangeEnd): Promise<void> {
  await expectSound(awayIn(state));
  const [change] = await client.listChanges();
  await client.cancelChange(change!, 'not with that one');
  await anotherOne(state, at, ends);
  await backTo(at);
  expect(await goOn(change!)).toMatchObject({ says: [], changed: { isAsOrdered: true } });
  await expectWhole();
}

async function anotherOne(state: ChangeState, _at: ChangeStage, ends: ChangeEnd): Promise<void> {
  await expectSound(awayIn(state));
  const said = await changeTo(INSTEAD[isTime(state) ? 'leaves' : partsOf(state)[0]]);
  const isBound = ends === 'bound' || ends === 'overBound';
  expect(said.includes(OTHER_FIRST)).toBe(isBound);
  await expectSound(awayIn(state));
}

/** Whoever forgot what it said of the change takes part in the next one. */
async function refresh(): Promise<void> {
  staged.network.now += 2 * DAY;
  const { epoch } = (await client.showKey(NAME)).newest.params;
  await changeTo(REFRESH.wish);
  expect((await client.showKey(NAME)).newest.params.epoch).toBe(epoch + 1);
  await expectWhole();
}

/** What is seen at once of those that only the way out tells apart. */
const SEEN: Readonly<Partial<Record<ChangeEnd, ChangeEnd>>> = {
  bound: 'wait',
  stuck: 'wait',
  overBound: 'over',
};
const forgets = (state: ChangeState) => /ended|older|derives/.test(state) && state !== 'two older';
const ALL = (Object.keys(CHANGE_WAYS) as ChangeState[]).flatMap((state) =>
  CHANGE_WAYS[state].flatMap(({ at, ends, says }) => at.map((stage) => ({ state, at: stage, ends, says }))),
);

describe('a change of a key has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at, and: $state', async ({ state, at, ends, says }) => {
    const change = await begin(state, at);
    await staged.befall(state);
    const came = await goOn(change);
    expect({ says: came.says, ends: await endOf(state, came) }).toEqual({ says, ends: SEEN[ends] ?? ends });
    await AFTER[ends](state, at, ends);
    if (forgets(state)) await refresh();
  });

  test('no state stands twice in the table, and every stage is in it', () => {
    for (const ways of Object.values(CHANGE_WAYS)) {
      const stages = ways.flatMap(({ at }) => at);
      expect(new Set(stages).size).toBe(stages.length);
    }
    expect(CHANGE_WAYS.same.flatMap(({ at }) => at)).toEqual(CHANGE_STAGE_NAMES);
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [CHANGE_STAGES, CHANGE_FATES, CHANGE_TIMES].map(asList);
  expect(missingOnPage([...lists, formatChangeWays()])).toEqual([]);
});
