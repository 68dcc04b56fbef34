// @module-tag long
import { reveal } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import { ed25519 } from '@noble/curves/ed25519.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import type { ClientStore } from '../../store/client-store.js';
import {
  EXPORT_FATES,
  EXPORT_STAGES,
  EXPORT_WAYS,
  type ExportEnd,
  type ExportFate,
  type ExportStage,
  formatExportWays,
} from '../../test/export-ways.js';
import { codeOf } from '../../test/heard.js';
import { keepMoment, type Moment } from '../../test/moments.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import type { KeyExport } from './export-key.js';

const DAY = 86_400;
/** Nothing comes by itself while a command waits. */
const ONE_WAIT_MS = 150;
const STRUCK = 'bravo';
/** Between two tries of a change. Seconds. */
const TRY = 600;
const MOST_TRIES = 4;

let network: TestNetwork;
let born: Moment;
let client: Client;
const stages = new Map<ExportStage, Moment>();
const clients: Client[] = [];

beforeAll(async () => {
  network = await createTestNetwork(2);
  const store = memoryStore();
  const owner = await network.owner({ store });
  await owner.createKey({
    name: 'k',
    purpose: 'message',
    quorum: { needed: 2, of: 2 },
    servers: ['alpha', STRUCK],
    exportable: true,
    policy: { changes: 'operator', changeDelay: 0 },
  });
  born = await keepMoment(network, store);
  for (const stage of Object.keys(EXPORT_STAGES) as ExportStage[]) {
    const records = await born.back();
    await bringTo(clientOf(records), stage);
    network.makeHonest();
    stages.set(stage, await keepMoment(network, records));
  }
});
afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const moment of [born, ...stages.values()]) moment.drop();
  await network.close();
});

function clientOf(store: ClientStore): Client {
  const opened = ownerClient(network.send, () => network.now, { store, timeoutMs: ONE_WAIT_MS });
  clients.push(opened);
  return opened;
}

async function bringTo(owner: Client, stage: ExportStage): Promise<void> {
  const { orderHash } = await owner.exportKey('k');
  if (stage === 'asked') return;
  await approve(orderHash);
  for (const { name } of network.servers)
    if (stage === 'agreed' || name === STRUCK) network.cut(name, 'session.join');
  const { servers } = await owner.exportKey('k');
  const states = servers.map(({ state }) => state);
  expect(states).toEqual([stage === 'agreed' ? 'silent' : 'given', 'silent']);
}

/** Operators type the six words. */
async function approve(orderHash: Uint8Array): Promise<void> {
  const words = formatWords(likenessOf(orderHash));
  for (const { bare } of network.servers)
    for (const one of (await bare.sessions.sessionDesk.list()).sessions)
      await bare.sessions.sessionDesk.approve(one, null, words);
}

async function backTo(stage: ExportStage): Promise<void> {
  client = clientOf(await stages.get(stage)!.back());
}

async function befall(fate: ExportFate): Promise<void> {
  const { voidOpen, sessionDesk } = network.server(STRUCK).bare.sessions;
  if (fate === 'ended') await voidOpen('the database is an older one');
  if (fate === 'expired') network.now += 30 * DAY;
  if (fate === 'older') await born.restore(STRUCK);
  if (fate === 'gone') network.cut(STRUCK);
  if (fate === 'refused')
    for (const one of (await sessionDesk.list()).sessions) await sessionDesk.reject(one, 'not with me');
}

/** What is said of that server; null: the key is here. */
function saidBy({ exported, servers }: KeyExport): string | null {
  const { state, code } = servers.find(({ server }) => server === STRUCK)!;
  return exported === null ? (code ?? state) : null;
}

/** The same command, while operators say yes. */
async function goOn(): Promise<KeyExport> {
  for (let tries = 1; ; tries++) {
    const came = await client.exportKey('k');
    if (came.exported !== null || tries === MOST_TRIES) return came;
    await approve(came.orderHash);
  }
}

async function expectExported({ exported }: KeyExport): Promise<void> {
  const scalar = reveal(exported!.scalar, 'compare a key of a test');
  const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
  const { public: half } = await client.showKey('k');
  expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(half.groupKey);
}

/** It is still the key that its servers sign with. */
async function expectSigns(): Promise<void> {
  const { signers } = await client.sign({ key: 'k', ...messageOf('still') });
  expect(signers).toEqual(['alpha', STRUCK]);
}

const AFTER: Readonly<Record<ExportEnd, (at: ExportStage) => Promise<void>>> = {
  on: async () => expectExported(await goOn()),
  wait: async (at) => {
    expect((await goOn()).exported).toBeNull();
    const stopped = await client.stopExport('k');
    expect(stopped.unsaid).toEqual([STRUCK]);
    await backTo(at);
    await expectExported(await goOn());
  },
  anew: async () => {
    expect((await goOn()).exported).toBeNull();
    await client.stopExport('k');
    await expectExported(await goOn());
  },
  refresh: async () => {
    expect((await goOn()).exported).toBeNull();
    await client.stopExport('k');
    await refresh();
    await expectExported(await goOn());
  },
};

async function refresh(): Promise<void> {
  const wish = { kind: 'refresh' } as const;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if ((await codeOf(client.changeKey({ name: 'k', wish }))) === null) return;
    network.now += TRY;
  }
  throw new Error('the key is not refreshed');
}

const ALL = EXPORT_WAYS.flatMap(({ at, ...way }) => at.map((stage) => ({ at: stage, ...way })));

describe('a key that leaves its servers has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at and a server is $fate', async ({ at, fate, ends, says }) => {
    await backTo(at);
    await befall(fate);
    expect(saidBy(await client.exportKey('k'))).toBe(says);
    await AFTER[ends](at);
    network.makeHonest();
    await expectSigns();
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [EXPORT_STAGES, EXPORT_FATES].map(asList);
  expect(missingOnPage([...lists, formatExportWays()])).toEqual([]);
});
