// @module-tag long
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import { codeOf } from '../../test/heard.js';
import {
  formatImportWays,
  IMPORT_FATES,
  IMPORT_STAGES,
  IMPORT_WAYS,
  type ImportEnd,
  type ImportFate,
  type ImportStage,
} from '../../test/import-ways.js';
import { keepMoment, type Moment } from '../../test/moments.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../../test/test-network.js';
import { asList, missingOnPage } from '../../test/ways-page.js';
import { readMaterial } from './material/read-material.js';

const DAY = 86_400;
/** Nothing comes by itself while a command waits. */
const ONE_WAIT_MS = 150;
const SERVERS = ['alpha', 'bravo', 'charlie'];
const STRUCK = 'bravo';
type Recovery = 'epoch' | 'static';

const material = () =>
  readMaterial(encodeUtf8(`07${'00'.repeat(30)}0a`), {
    purpose: 'message',
    suite: 'ed25519',
    network: 'bitcoin',
    path: null,
    passphrase: null,
    format: 'scalar',
  });
const argsOf = (recovery: Recovery) => ({
  name: 'k',
  purpose: 'message' as const,
  quorum: { needed: 2, of: 3 },
  servers: SERVERS,
  policy: { recovery },
  material: material(),
});

/** Servers that know their owner, and a key of his that is brought to each stage once. */
interface Staged {
  readonly network: TestNetwork;
  readonly born: Moment;
  readonly stages: Map<ImportStage, Moment>;
}

const made = new Map<Recovery, Staged>();
const clients: Client[] = [];
let recovery: Recovery;
let staged: Staged;
let client: Client;

afterEach(async () => {
  for (const one of clients.splice(0)) await one.close();
});
afterAll(async () => {
  for (const { network, born, stages } of made.values()) {
    for (const moment of [born, ...stages.values()]) moment.drop();
    await network.close();
  }
});

async function stagedFor(fate: ImportFate): Promise<Staged> {
  recovery = fate === 'derives' ? 'static' : 'epoch';
  const known = made.get(recovery);
  if (known !== undefined) return known;
  const network = await createTestNetwork(SERVERS.length, { settings: { backup: recovery } });
  const store = memoryStore();
  await network.owner({ store });
  const fresh = { network, born: await keepMoment(network, store), stages: new Map() };
  made.set(recovery, fresh);
  return fresh;
}

async function clientAt(moment: Moment): Promise<Client> {
  const { network } = staged;
  const store = await moment.back();
  const opened = ownerClient(network.send, () => network.now, { store, timeoutMs: ONE_WAIT_MS });
  clients.push(opened);
  return opened;
}

async function momentOf(stage: ImportStage): Promise<Moment> {
  const { network, born, stages } = staged;
  const known = stages.get(stage);
  if (known !== undefined) return known;
  const store = await born.back();
  const owner = ownerClient(network.send, () => network.now, { store, timeoutMs: ONE_WAIT_MS });
  clients.push(owner);
  const silent = stage === 'offers' ? ['charlie'] : stage === 'signed' ? SERVERS : [STRUCK, 'charlie'];
  const call = { offers: 'session.propose', dealt: 'session.join' } as const;
  for (const name of silent)
    network.cut(name, ...(stage === 'offers' || stage === 'dealt' ? [call[stage]] : AFTER_SIGNING));
  expect(await codeOf(owner.importKey(argsOf(recovery)))).toBe('SERVERS_MISSING');
  network.makeHonest();
  const moment = await keepMoment(network, store);
  stages.set(stage, moment);
  return moment;
}

/** By which a server is brought the certificate. */
const AFTER_SIGNING = ['session.deliver', 'key.certify', 'key.restore'] as const;

async function befall(fate: ImportFate): Promise<void> {
  const { network, born } = staged;
  if (fate === 'ended') await network.server(STRUCK).bare.sessions.voidOpen('put back');
  if (fate === 'expired') network.now += 400 * DAY;
  if (fate === 'older' || fate === 'derives') await born.restore(STRUCK);
  if (fate === 'gone') network.cut(STRUCK);
}

const again = () => codeOf(client.importKey(argsOf(recovery)));

async function expectImported(): Promise<void> {
  const key = await client.showKey('k');
  expect(key.isComplete).toBe(true);
  expect(encodeHex(key.public.groupKey)).toBe(encodeHex(material().groupKey));
  expect((await client.verifyKey('k')).isSound).toBe(true);
  const { signers } = await client.sign({ key: 'k', ...messageOf('still'), without: ['alpha'] });
  expect(signers).toHaveLength(2);
}

async function cancel(options?: { readonly forget: string }): Promise<string | null> {
  const open = (await client.listSessions()).find(({ state }) => state === 'open')!;
  return codeOf(client.cancelSession(encodeHex(open.sessionId), 'enough', options));
}

const AFTER: Readonly<Record<ImportEnd, (stage: ImportStage) => Promise<void>>> = {
  on: expectImported,
  anew: async () => {
    expect(await again()).toBeNull();
    await expectImported();
  },
  wait: async (stage) => {
    expect(await cancel()).toBeNull();
    await client.planImport(argsOf(recovery));
    client = await clientAt(await momentOf(stage));
    expect(await again()).toBeNull();
    await expectImported();
  },
  named: async (stage) => {
    await givenUp();
    client = await clientAt(await momentOf(stage));
    expect(await again()).toBeNull();
    await expectImported();
  },
  stuck: givenUp,
};

/** The name is free, and what servers hold of the key is found again. */
async function givenUp(): Promise<void> {
  expect(await cancel()).toBe('KEY_HELD');
  expect(await cancel({ forget: 'k' })).toBeNull();
  expect((await client.planImport(argsOf(recovery))).goesOn).toBe(false);
  staged.network.makeHonest();
  expect((await client.fetchKeys()).keys).toHaveLength(1);
}

const STAGES = Object.keys(IMPORT_STAGES) as ImportStage[];
const FATES = Object.keys(IMPORT_FATES) as ImportFate[];
const ALL = STAGES.flatMap((at) => FATES.map((fate) => ({ at, fate })));

describe('a key that is dealt to servers has a way on or a way out', () => {
  test.each(ALL)('when the client is at $at and a server is $fate', async ({ at, fate }) => {
    const { ends, says } = IMPORT_WAYS[at][fate];
    staged = await stagedFor(fate);
    client = await clientAt(await momentOf(at));
    await befall(fate);
    const code = await again();
    expect(code === null ? [] : [code]).toEqual(says);
    const isOpen = (await client.listSessions()).some(({ state }) => state === 'open');
    expect(isOpen).toBe(ends !== 'on' && ends !== 'anew');
    await AFTER[ends](at);
  });
});

test('docs/ceremonies.md prints this table', () => {
  const lists = [IMPORT_STAGES, IMPORT_FATES].map(asList);
  expect(missingOnPage([...lists, formatImportWays()])).toEqual([]);
});
