// @module-tag long
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import type { ClientStore } from '../../store/client-store.js';
import { loseShare } from '../../test/disks.js';
import { codeOf, heard } from '../../test/heard.js';
import { keepMoment, type Moment } from '../../test/moments.js';
import { approveSessions } from '../../test/operators.js';
import { createOwnedKey, NAME, type OwnedKey } from '../../test/owned-key.js';
import {
  formatRepairWays,
  REPAIR_FATES,
  REPAIR_STAGES,
  REPAIR_TIMES,
  REPAIR_WAYS,
  type RepairEnd,
  type RepairFate,
  type RepairRole,
  type RepairStage,
  type RepairState,
} from '../../test/repair-ways.js';
import { messageOf, ownerClient } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';

const DAY = 86_400;
/** Nothing comes by itself while a command waits. */
const ONE_WAIT_MS = 150;
const MOST_TRIES = 8;
/** Where two have forgotten what they said, three are left that decide. */
const SERVERS = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
const WHO: Readonly<Record<RepairRole, string>> = { lost: 'bravo', helps: 'charlie' };
const REPAIR = { name: NAME, server: WHO.lost };
/** Those who help where the second of them is not to be waited for. */
const OTHERS = ['alpha', 'delta'];

let key: OwnedKey;
let client: Client;
let groupKey: string;
/** The share is lost, and nobody was asked. */
let lost: Moment;
const stages = new Map<RepairStage, Moment>();
const clients: Client[] = [];

beforeAll(async () => {
  key = await createOwnedKey({ servers: SERVERS, client: { timeoutMs: ONE_WAIT_MS } });
  groupKey = encodeHex((await key.client.showKey(NAME)).public.groupKey);
  await loseShare(key.network.server(WHO.lost));
  lost = await keepMoment(key.network, key.store);
  for (const stage of Object.keys(REPAIR_STAGES) as RepairStage[]) {
    const store = await lost.back();
    await bringTo(clientOf(store), stage);
    key.network.makeHonest();
    stages.set(stage, await keepMoment(key.network, store));
  }
});
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const moment of [lost, ...stages.values()]) moment.drop();
  await key.close();
});

function clientOf(store: ClientStore): Client {
  const { network } = key;
  const opened = ownerClient(network.send, () => network.now, { store, timeoutMs: ONE_WAIT_MS });
  clients.push(opened);
  return opened;
}

/** Each command ends where somebody is waited for. */
async function bringTo(owner: Client, stage: RepairStage): Promise<void> {
  const { network } = key;
  const waits = async () => expect(await codeOf(owner.repairKey(REPAIR))).toBe('SERVERS_MISSING');
  await waits();
  if (stage === 'asked') return;
  await approveSessions(network);
  await waits();
  if (stage === 'stated') return;
  await approveSessions(network);
  network.cut(stage === 'helping' ? WHO.helps : WHO.lost, 'session.deliver');
  await waits();
}

async function backTo(stage: RepairStage): Promise<void> {
  client = clientOf(await stages.get(stage)!.back());
}

const partsOf = (state: RepairState) => state.split(' ') as [RepairRole, RepairFate];

async function befall(state: RepairState): Promise<void> {
  const { network } = key;
  if (state === 'late') network.now += 8 * DAY;
  if (state === 'late' || state === 'same') return;
  const [role, fate] = partsOf(state);
  const name = WHO[role];
  const { voidOpen, sessionDesk } = network.server(name).bare.sessions;
  if (fate === 'ended') await voidOpen('the database is an older one');
  if (fate === 'older') await lost.restore(name);
  if (fate === 'gone') network.cut(name);
  if (fate === 'refused')
    for (const one of (await sessionDesk.list()).sessions) await sessionDesk.reject(one, 'I was not called');
}

/** The same command, while operators say yes, until it is done or says the same once more. */
async function goOn(): Promise<{ readonly says: readonly string[]; readonly isDone: boolean }> {
  const says: string[] = [];
  let last = '';
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { code, text } = await heard(client.repairKey(REPAIR));
    if (code === null) return { says, isDone: true };
    if (text === last) break;
    last = text;
    if (code !== says.at(-1)) says.push(code);
    await approveSessions(key.network);
  }
  return { says, isDone: false };
}

/** The same key, of which a quorum signs. */
async function expectSound(without: readonly string[]): Promise<void> {
  const { signers } = await client.sign({ key: NAME, ...messageOf('still'), without });
  expect(signers).toHaveLength(2);
  expect(encodeHex((await client.showKey(NAME)).public.groupKey)).toBe(groupKey);
}

async function expectRepaired(): Promise<void> {
  expect((await client.verifyKey(NAME)).isSound).toBe(true);
  await expectSound(SERVERS.filter((name) => name !== WHO.lost && name !== 'echo'));
}

async function isOpen(): Promise<boolean> {
  return (await client.listSessions()).some(({ state }) => state === 'open');
}

const AFTER: Readonly<Record<RepairEnd, (state: RepairState, at: RepairStage) => Promise<void>>> = {
  on: async () => {
    key.network.makeHonest();
    await expectRepaired();
  },
  wait: async (state, at) => {
    const [role] = partsOf(state);
    await expectSound([WHO.lost, WHO[role]]);
    await client.stopRepair(REPAIR);
    if (role === 'helps') await repairBy(OTHERS);
    await backTo(at);
    expect((await goOn()).isDone).toBe(true);
    await expectRepaired();
  },
  anew: async () => {
    await expectSound([WHO.lost]);
    const open = (await client.listSessions()).find(({ state }) => state === 'open')!;
    await client.cancelSession(encodeHex(open.sessionId), 'anew');
    expect((await goOn()).isDone).toBe(true);
    await expectRepaired();
  },
};

async function repairBy(helpers: readonly string[]): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if ((await codeOf(client.repairKey({ ...REPAIR, helpers }))) === null) return;
    await approveSessions(key.network);
  }
  throw new Error(`the share does not come back by ${helpers.join(' and ')}`);
}

const ALL = (Object.keys(REPAIR_WAYS) as RepairState[]).flatMap((state) =>
  REPAIR_WAYS[state].flatMap(({ at, ends, says }) => at.map((stage) => ({ state, at: stage, ends, says }))),
);

describe('the repair of a share has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at, and: $state', async ({ state, at, ends, says }) => {
    await backTo(at);
    await befall(state);
    const came = await goOn();
    const seen = came.isDone ? 'on' : ends === 'on' ? 'not on' : ends;
    expect({ says: came.says, ends: seen }).toEqual({ says, ends });
    if (!came.isDone) expect(await isOpen()).toBe(true);
    await AFTER[ends](state, at);
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [REPAIR_STAGES, REPAIR_FATES, REPAIR_TIMES].map(asList);
  expect(missingOnPage([...lists, formatRepairWays()])).toEqual([]);
});
