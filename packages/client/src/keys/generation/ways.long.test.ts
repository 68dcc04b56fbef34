// @module-tag long
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import {
  CEREMONY_WAYS,
  CLIENT_STAGES,
  type ClientStage,
  formatWays,
  SERVER_STATES,
  type ServerState,
} from '../../test/ceremony-ways.js';
import {
  type NetworkServer,
  createTestNetwork,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import { missingOnPage } from '../../test/ways-page.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = { name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;
const DAY = 86_400;

const folder = mkdtempSync(join(tmpdir(), 'ckm-ways-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let network: TestNetwork;
let client: Client;
/** What the key is made with: a server that derives its static keys does so where the owner wishes for it. */
let policy: { readonly recovery: 'epoch' | 'static' };
let older: string;
let blank: string;
let copies = 0;

beforeEach(() => {
  older = join(folder, `older-${copies}`);
  blank = join(folder, `blank-${copies++}`);
});

/** Servers, their owner, and a copy of bravo's database from before the ceremony. */
async function begin(state: ServerState): Promise<void> {
  const recovery = state === 'derives' ? 'static' : 'epoch';
  policy = { recovery };
  network = await createTestNetwork(3, { settings: { backup: recovery } });
  await copyBravo(blank);
  client = await network.owner({ timeoutMs: 200 });
  await copyBravo(older);
}

async function copyBravo(to: string): Promise<void> {
  const { bare } = network.server('bravo');
  await bare.stop();
  cpSync(bare.dataDir, to, { recursive: true });
  await network.server('bravo').restart();
}

/** Answers honestly until its turn has come, then not at all. */
function silentFrom(name: string, call: string, count: number): void {
  let seen = 0;
  const tamper: NetworkServer['tamper'] = (asked, honest) =>
    asked.name === call && ++seen >= count ? Promise.reject(unreachable(name)) : honest();
  network.server(name).tamper = tamper;
}

/** Brings the ceremony as far as that: charlie, and where nobody may be further the others, fall silent. */
async function reach(at: ClientStage): Promise<string> {
  const [call, count] = {
    offers: ['session.propose', 1],
    joining: ['session.join', 1],
    dealing: ['session.deliver', 1],
    signing: ['session.deliver', 2],
    signed: ['session.deliver', 3],
    stored: ['session.deliver', 3],
  }[at] as [string, number];
  const silent = at === 'signed' ? SERVERS : at === 'stored' ? ['bravo', 'charlie'] : ['charlie'];
  for (const name of silent) silentFrom(name, call, count);
  await expect(client.createKey({ ...KEY, policy })).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
  network.makeHonest();
  const [session] = await client.listSessions();
  return encodeHex(session!.sessionId);
}

async function befall(state: ServerState): Promise<void> {
  const bravo = network.server('bravo');
  if (state === 'ended') await bravo.bare.sessions.voidOpen('put back');
  if (state === 'expired') network.now += 400 * DAY;
  if (state === 'older' || state === 'derives') await bravo.restart({ dataDir: older });
  if (state === 'forgot') await bravo.restart({ dataDir: blank });
  if (state === 'gone') bravo.tamper = () => Promise.reject(unreachable('bravo'));
}

async function stateOf(id: string): Promise<string> {
  return (await client.showSession(id)).state;
}

const STAGES = Object.keys(CLIENT_STAGES) as ClientStage[];
const STATES = Object.keys(SERVER_STATES) as ServerState[];
const ALL = STAGES.flatMap((at) => STATES.map((state) => ({ at, state })));

describe('the making of a key has a way on or a way out', () => {
  afterEach(() => network.close());

  test.each(ALL)('when the client is at $at and a server is $state', async ({ at, state }) => {
    const way = CEREMONY_WAYS[at][state];
    await begin(state);
    const id = await reach(at);
    await befall(state);
    const failure = await client.resumeSession(id).then(
      () => null,
      (error: unknown) => error as { code: string },
    );
    expect(failure?.code ?? null).toBe(way.says);
    if (way.resume === 'add') expect(failure).toMatchObject({ remedy: { kind: 'addServer', name: 'bravo' } });
    if (way.resume === 'on') {
      expect((await client.usableKey('k')).isComplete).toBe(true);
      return;
    }
    expect(await stateOf(id)).toBe(way.resume === 'over' ? 'failed' : 'open');
    if (way.out === 'name') {
      await expect(client.cancelSession(id, 'enough')).rejects.toMatchObject({ code: 'KEY_HELD' });
      await client.cancelSession(id, 'enough', { forget: 'k' });
    }
    if (way.out === 'cancel') await client.cancelSession(id, 'enough');
    await client.planKey(KEY);
    // What its servers hold is not lost by that: whoever forgot too early fetches it again.
    if (way.out !== 'name') return;
    network.makeHonest();
    const { keys } = await client.fetchKeys();
    expect(keys).toHaveLength(1);
  });

  test.each([
    ['offers', null],
    ['joining', 'SESSION_UNKNOWN'],
    ['signed', null],
  ] as const)('when it is at %s, and a server that forgot its owner is added again', async (at, says) => {
    await begin('derives');
    const id = await reach(at);
    await befall('forgot');
    await expect(client.resumeSession(id)).rejects.toMatchObject({ remedy: { kind: 'addServer' } });
    const { url } = network.server('bravo');
    await client.addServer({ name: 'bravo', url });
    if (says === null) {
      await client.resumeSession(id);
      expect((await client.usableKey('k')).isComplete).toBe(true);
    } else await expect(client.resumeSession(id)).rejects.toMatchObject({ code: says });
  });

  test('before any server has promised, without naming it', async () => {
    await begin('same');
    const id = await reach('signed');
    await client.cancelSession(id, 'enough');
    await client.planKey(KEY);
  });
});

test('docs/ceremonies.md prints this table', () => {
  expect(missingOnPage([formatWays()])).toEqual([]);
});
