// @module-tag long
import { isDrillKeyId } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import type { ClientStore } from '../store/client-store.js';
import {
  DRILL_FATES,
  DRILL_STAGE_NAMES,
  DRILL_STAGES,
  DRILL_TIMES,
  DRILL_WAYS,
  type DrillEnd,
  type DrillFate,
  type DrillRole,
  type DrillStage,
  type DrillState,
  formatDrillWays,
  type Said,
} from '../test/drill-ways.js';
import { keepMoment, type Moment } from '../test/moments.js';
import { createOwnedKey, NAME, type OwnedKey, REFRESH, signersOf } from '../test/owned-key.js';
import { ownerClient, unreachable } from '../test/test-network.js';
import { asList, missingOnPage } from '../test/ways-page.js';
import { DRILL_RECORDS } from './drill-store.js';

const DAY = 86_400;
/** Nothing comes by itself while a command waits. */
const ONE_WAIT_MS = 150;
const MOST_TRIES = 4;
const WHO: Readonly<Record<DrillRole, string>> = { drilled: 'bravo', helps: 'charlie' };
const DRILL = { name: NAME, lost: WHO.drilled };

let key: OwnedKey;
let client: Client;
let store: ClientStore;
/** No drill has begun. */
let born: Moment;
const stages = new Map<DrillStage, Moment>();
const clients: Client[] = [];

beforeAll(async () => {
  key = await createOwnedKey({ client: { timeoutMs: ONE_WAIT_MS } });
  key.network.now += DAY;
  born = await keepMoment(key.network, key.store);
  for (const stage of DRILL_STAGE_NAMES) {
    const records = await born.back();
    await bringTo(clientOf(records), stage);
    key.network.makeHonest();
    stages.set(stage, await keepMoment(key.network, records));
  }
}, 120_000);
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const moment of [born, ...stages.values()]) moment.drop();
  await key.close();
});

function clientOf(records: ClientStore): Client {
  const { network } = key;
  const opened = ownerClient(network.send, () => network.now, { store: records, timeoutMs: ONE_WAIT_MS });
  clients.push(opened);
  return opened;
}

/** Each command ends where somebody does not answer. */
async function bringTo(owner: Client, stage: DrillStage): Promise<void> {
  const { network } = key;
  const all = network.servers.map(({ name }) => name);
  const stop = async () => expect((await drilled(owner)).says?.[0]).toBe('DRILL_NOT_OVER');
  if (stage === 'making') network.cut(WHO.drilled, 'session.deliver');
  if (stage === 'made') network.cut(WHO.drilled, 'drill.forget');
  if (stage === 'lost' || stage === 'helping') keepFromRepair();
  if (stage === 'back') all.forEach((name) => network.cut(name, 'request.ask'));
  await stop();
  if (stage !== 'helping') return;
  network.makeHonest();
  network.cut(WHO.helps, 'session.deliver');
  await stop();
}

/** Nobody is asked to give a share back. */
function keepFromRepair(): void {
  for (const server of key.network.servers)
    server.tamper = ({ name, parameters }, honest) => {
      const { proposal } = parameters as { readonly proposal?: { readonly kind: string } };
      const isRepair = name === 'session.propose' && proposal?.kind === 'repair';
      return isRepair ? Promise.reject(unreachable(server.name)) : honest();
    };
}

async function backTo(stage: DrillStage): Promise<void> {
  store = await stages.get(stage)!.back();
  client = clientOf(store);
}

async function befall(state: DrillState): Promise<void> {
  const { network } = key;
  if (state === 'late') network.now += DAY;
  if (state === 'refreshed') await client.changeKey(REFRESH);
  if (state === 'cleared') await clientOf(await otherRecords()).clearDrills();
  if (!state.includes(' ')) return;
  const [role, fate] = state.split(' ') as [DrillRole, DrillFate];
  if (fate === 'ended')
    await network.server(WHO[role]).bare.sessions.voidOpen('the database is an older one');
  if (fate === 'older') await born.restore(WHO[role]);
  if (fate === 'gone') network.cut(WHO[role]);
}

/** Of a computer that knows of no drill. */
async function otherRecords(): Promise<ClientStore> {
  return (await key.another()).store;
}

interface Came {
  /** What it says and because of what; null: it is done. */
  readonly says: Said | null;
  readonly text: string;
}

async function drilled(owner: Client): Promise<Came> {
  try {
    expect(await owner.drillKey(DRILL)).toMatchObject({ lost: WHO.drilled, way: 'peers' });
    return { says: null, text: '' };
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    if (error.code === 'DRILL_NOT_OVER') expect(error.hint).toMatch(/from .* on the same begins it anew/);
    const { said } = error.facts;
    return { says: [error.code, typeof said === 'string' ? said : ''], text: error.message };
  }
}

/** The same command until it is done, has failed, or says the same once more. */
async function goOn(): Promise<{ readonly says: readonly Said[]; readonly end: 'done' | 'failed' | 'open' }> {
  const all: Said[] = [];
  let last = '';
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { says, text } = await drilled(client);
    if (says === null) return { says: all, end: 'done' };
    if (text === last) break;
    last = text;
    all.push(says);
    if (says[0] === 'DRILL_FAILED') return { says: all, end: 'failed' };
  }
  return { says: all, end: 'open' };
}

/** The key itself signs, and of drills nothing is left but what came of them. */
async function expectOver(): Promise<void> {
  const { network } = key;
  network.makeHonest();
  for (const { bare } of network.servers) {
    const rows = await bare.context.storage.read(({ keys }) => keys.listAll(null, 64));
    expect(rows.filter(({ keyId }) => isDrillKeyId(keyId))).toEqual([]);
  }
  for (const [folder] of DRILL_RECORDS) expect(await store.list(folder)).toEqual([]);
  expect((await client.pastDrills(NAME)).open).toBeNull();
  expect(await signersOf(client)).toHaveLength(2);
}

async function expectAnew(): Promise<void> {
  expect((await goOn()).end).toBe('done');
  await expectOver();
}

/** Nothing is at stake meanwhile, and a day later it is cleared away and begun anew. */
async function aDayLater(): Promise<void> {
  const { network } = key;
  network.now += DAY;
  const cleared = await client.clearDrills();
  for (const { server, code } of cleared) {
    if (code !== null) continue;
    const { bare } = network.server(server);
    const rows = await bare.context.storage.read(({ keys }) => keys.listAll(null, 64));
    expect(rows.filter(({ keyId }) => isDrillKeyId(keyId))).toEqual([]);
  }
  network.makeHonest();
  expect((await client.planDrill(DRILL)).isUnderWay).toBe(false);
  await expectAnew();
}

const AFTER: Readonly<Record<DrillEnd, (state: DrillState, at: DrillStage) => Promise<void>>> = {
  on: async (state) => {
    key.network.makeHonest();
    if (state === 'helps gone') await client.clearDrills();
    await expectOver();
  },
  anew: expectOver,
  failed: async () => {
    const { history } = await client.pastDrills(NAME);
    expect(history.at(-1)).toMatchObject({ server: WHO.drilled, way: null });
    await expectAnew();
  },
  day: aDayLater,
  wait: async (_, at) => {
    await aDayLater();
    await backTo(at);
    expect((await goOn()).end).toBe('done');
    await expectOver();
  },
};

const SEEN = { on: 'done', anew: 'done', failed: 'failed', wait: 'open', day: 'open' } as const;
const ALL = (Object.keys(DRILL_WAYS) as DrillState[]).flatMap((state) =>
  DRILL_WAYS[state].flatMap(({ at, ends, says }) => at.map((stage) => ({ state, at: stage, ends, says }))),
);

describe('a drill has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at, and: $state', async ({ state, at, ends, says }) => {
    await backTo(at);
    await befall(state);
    const { isUnderWay } = await client.planDrill(DRILL);
    const came = await goOn();
    expect({ says: came.says, end: came.end, isUnderWay }).toEqual({
      says,
      end: SEEN[ends],
      isUnderWay: ends !== 'anew',
    });
    await AFTER[ends](state, at);
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [DRILL_STAGES, DRILL_FATES, DRILL_TIMES].map(asList);
  expect(missingOnPage([...lists, formatDrillWays()])).toEqual([]);
});
