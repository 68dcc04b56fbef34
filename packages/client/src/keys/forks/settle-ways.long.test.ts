// @module-tag long
import { encodeHex, equalBytes } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { changeAsked } from '../../test/forked-key.js';
import { codeOf, heard } from '../../test/heard.js';
import { approveChanges, approveSessions } from '../../test/operators.js';
import { NAME, requorum, signersOf } from '../../test/owned-key.js';
import {
  formatSettleWays,
  SETTLE_FATES,
  SETTLE_ROLES,
  SETTLE_STAGE_NAMES,
  SETTLE_STAGES,
  SETTLE_TIMES,
  SETTLE_WAYS,
  type SettleEnd,
  type SettleStage,
  type SettleState,
} from '../../test/settle-ways.js';
import {
  createStagedSettlement,
  isTime,
  partsOf,
  type StagedSettlement,
  WHO,
} from '../../test/staged-settlement.js';
import { recordsOf } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import type { RepairKeyArgs } from '../repair/repair-key.js';
import type { SettledKey } from './end-fork.js';
import { listSettlements } from './settlement-record.js';

const DAY = 86_400;
/** Between two tries. Seconds. */
const TRY = 600;
const MOST_TRIES = 8;

let staged: StagedSettlement;
let client: Client;
let isOpen: () => Promise<boolean>;
/** The transcript hash of the certificate on record, and the digits of the other one. */
let own: Uint8Array;
let other: string;
const clients: Client[] = [];

beforeAll(async () => {
  staged = await createStagedSettlement();
  await backTo('forked');
  const { choices } = (await client.showFork(NAME))!;
  own = choices.find(({ isOnRecord }) => isOnRecord)!.transcriptHash;
  other = choices.find(({ isOnRecord }) => !isOnRecord)!.id;
});
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(() => staged.close());

/** Everybody as when it had come so far. */
async function backTo(at: SettleStage): Promise<void> {
  const machine = await staged.at(at);
  client = machine.client;
  clients.push(client);
  const { keyId } = await client.showKey(NAME);
  isOpen = async () => {
    const records = await listSettlements(recordsOf(machine.store), keyId);
    return records.some(({ state }) => state === 'open');
  };
}

/** What an owner does who reads what he is told. */
async function doAsTold(code: string): Promise<void> {
  if (code === 'CHANGE_WAITING') await approveChanges(staged.network);
  if (code === 'CHANGE_VOTES_TOO_FEW') staged.network.now += TRY;
}

interface Came {
  readonly says: readonly string[];
  /** Null: it does not go on. */
  readonly settled: SettledKey | null;
}

/** The same command until it is settled, over, or says the same once more. */
async function goOn(): Promise<Came> {
  const says: string[] = [];
  while (says.length < MOST_TRIES) {
    const { done, code } = await heard(client.settleKey({ name: NAME }));
    if (code === null) return { says, settled: done };
    if (code === says.at(-1)) break;
    says.push(code);
    if (!(await isOpen())) break;
    await doAsTold(code);
  }
  return { says, settled: null };
}

/** What is seen at once of those that only the way out tells apart. */
const SEEN: Readonly<Record<SettleEnd, 'settled' | 'behind' | 'open' | 'over'>> = {
  on: 'settled',
  apart: 'settled',
  behind: 'behind',
  wait: 'open',
  free: 'over',
  week: 'over',
  other: 'over',
  bound: 'over',
  stuck: 'open',
};

async function seenOf({ settled }: Came): Promise<(typeof SEEN)[SettleEnd]> {
  if (settled === null) return (await isOpen()) ? 'open' : 'over';
  return settled.isOver ? 'settled' : 'behind';
}

/** The other one is chosen, and whatever is said is done. */
async function chooseOther(): Promise<SettledKey> {
  let counts: string | null = other;
  const said: string[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const args = counts === null ? { name: NAME } : { name: NAME, counts };
    const { done, code } = await heard(client.settleKey(args));
    if (code === null) return done;
    said.push(code);
    // Servers were bound to another one, which is in front by now.
    if (code === 'CHANGE_OPEN') counts = null;
    await doAsTold(code);
  }
  throw new Error(`the other certificate is not settled on: ${said.join(', ')}`);
}

/** Operators of servers that are to go back say yes, and all are told once more. @param except who does not */
async function tellAll(settled: SettledKey, except: readonly string[] = []): Promise<SettledKey> {
  let now = settled;
  for (let tries = 0; tries < MOST_TRIES && namesOf(now).some((name) => !except.includes(name)); tries++) {
    await approveChanges(staged.network);
    const again = await heard(client.settleKey({ name: NAME }));
    // Whoever did not answer had heard before: nobody shows two any more.
    if (again.code === 'KEY_NOT_FORKED') return { ...now, awaited: [] };
    if (again.code !== null) throw new Error(`nobody else is told: ${again.text}`);
    now = { ...again.done, lost: [...new Set([...settled.lost, ...again.done.lost])] };
  }
  expect(namesOf(now)).toEqual(except);
  return now;
}

const namesOf = ({ awaited }: SettledKey) => awaited.map(({ server }) => server);

/** The others give a server its share, whatever it costs. */
async function repair(server: string): Promise<void> {
  let read: Pick<RepairKeyArgs, 'endsChanges'> = {};
  const said: string[] = [];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { code } = await heard(client.repairKey({ name: NAME, server, ...read }));
    if (code === null) return;
    said.push(code);
    if (code === 'REPAIR_ENDS_CHANGES')
      read = { endsChanges: (await client.planRepair({ name: NAME, server })).ends! };
    await approveSessions(staged.network);
  }
  throw new Error(`the share of ${server} does not come back: ${said.join(', ')}`);
}

/** One certificate of the epoch counts, each of its servers has its share, any quorum signs, and nobody shows two. */
async function expectWhole(settled: SettledKey, except: readonly string[] = []): Promise<void> {
  const { lost, transcriptHash } = await tellAll(settled, except);
  for (const server of lost) await repair(server);
  const { newest, public: half } = await client.showKey(NAME);
  expect(encodeHex(half.groupKey)).toBe(staged.groupKey);
  expect(newest.transcriptHash).toEqual(transcriptHash);
  const { servers } = await client.verifyKey(NAME);
  expect(servers.filter(({ verdict }) => verdict !== 'holds')).toEqual([]);
  const names = servers.map(({ server }) => server);
  for (const without of names.slice(0, 2)) {
    const signers = await signersOf(client, { text: `without ${without}`, without: [without] });
    expect(signers).toHaveLength(newest.params.quorum.needed);
  }
  if (except.length === 0) expect(await client.showFork(NAME)).toBe(null);
}

const isOwn = ({ transcriptHash }: SettledKey) => equalBytes(transcriptHash, own);

/** What follows by itself, or by the way out. */
const AFTER: Readonly<Record<SettleEnd, (came: Came, state: SettleState, at: SettleStage) => Promise<void>>> =
  {
    on: async ({ settled }) => {
      expect([isOwn(settled!), settled!.isAsOrdered]).toEqual([true, true]);
      staged.network.makeHonest();
      await expectWhole(settled!);
    },
    apart: async ({ settled }, state) => {
      expect([isOwn(settled!), settled!.isAsOrdered]).toEqual([true, true]);
      await expectWhole(settled!, [struckIn(state)]);
    },
    behind: async ({ settled }, state) => {
      expect(namesOf(settled!)).toContain(struckIn(state));
      staged.network.makeHonest();
      const { settled: after } = await goOn();
      await expectWhole(after!);
    },
    wait: async (_, state, at) => {
      const { silent } = await client.cancelSettlement(NAME);
      expect(silent).toEqual([struckIn(state)]);
      await expectStopped();
      await backTo(at);
      const { says, settled } = await goOn();
      expect(says).toEqual(at === 'asked' ? ['CHANGE_WAITING'] : []);
      await expectWhole(settled!);
    },
    free: async (_, state) => {
      expect(await signersOf(client, { without: [struckIn(state)] })).toHaveLength(2);
      const servers = ['alpha', 'charlie', 'delta'];
      const changed = await changeAsked(staged.network, { client, wish: requorum(2, servers) });
      expect(changed).toMatchObject({ epoch: 2, isAsOrdered: true });
      expect(await signersOf(client, { text: 'behind' })).toHaveLength(2);
    },
    week: async (_, state, at) => {
      expect(isOwn(await chooseOther())).toBe(false);
      await backTo(at);
      await staged.befall(state);
      expect((await goOn()).says).toEqual(['CHANGE_OVER']);
      staged.network.now += 7 * DAY;
      const { says, settled } = await goOn();
      expect(says[0]).toBe('CHANGE_WAITING');
      await expectWhole(settled!);
    },
    other: async () => {
      const settled = await chooseOther();
      expect([isOwn(settled), settled.isAsOrdered]).toEqual([false, true]);
      await expectWhole(settled);
    },
    bound: async () => {
      const settled = await chooseOther();
      expect(isOwn(settled)).toBe(true);
      await expectWhole(settled);
    },
    stuck: async () => {
      await expectStopped();
      await client.cancelSettlement(NAME);
      await expect(chooseOther()).rejects.toThrow('SETTLERS_FORGOT');
      await expectStopped();
    },
  };

/** The server that something has become of; empty: of none, or of all. */
function struckIn(state: SettleState): string {
  return isTime(state) ? '' : WHO[partsOf(state)[0]];
}

async function expectStopped(): Promise<void> {
  expect(await codeOf(signersOf(client, { text: 'stopped' }))).not.toBeNull();
}

const ALL = (Object.entries(SETTLE_WAYS) as [SettleState, (typeof SETTLE_WAYS)['same']][]).flatMap(
  ([state, ways = []]) =>
    ways.flatMap(({ at, ends, says }) => at.map((stage) => ({ state, at: stage, ends, says }))),
);

describe('settling which certificate counts has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at, and: $state', async ({ state, at, ends, says }) => {
    await backTo(at);
    await staged.befall(state);
    const came = await goOn();
    expect({ says: came.says, seen: await seenOf(came) }).toEqual({ says, seen: SEEN[ends] });
    await AFTER[ends](came, state, at);
  });

  test.each(['settles gone', 'settles ended'] as const)(
    'what is settled is taken over by another computer of the owner, and: %s',
    async (state) => {
      await backTo('told');
      await staged.befall(state);
      const { client: other } = await staged.other();
      const settled = await other.settleKey({ name: NAME });
      expect([isOwn(settled), settled.isAsOrdered]).toEqual([true, false]);
    },
  );

  test('no state stands twice in the table, and every stage is in it', () => {
    for (const ways of Object.values(SETTLE_WAYS)) {
      const stages = ways.flatMap(({ at }) => at);
      expect(new Set(stages).size).toBe(stages.length);
    }
    expect(SETTLE_WAYS.same!.flatMap(({ at }) => at)).toEqual(SETTLE_STAGE_NAMES);
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [SETTLE_STAGES, SETTLE_ROLES, SETTLE_FATES, SETTLE_TIMES].map(asList);
  expect(missingOnPage([...lists, formatSettleWays()])).toEqual([]);
});
