// @module-tag long
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { interrupted } from '../test/interrupted.js';
import { loseEpochKeys } from '../test/lose-epoch-keys.js';
import { makeOwner } from '../test/make-owner.js';
import { type Proxy, startProxy, type Verdict } from '../test/proxy.js';
import { errorOf, type Outcome, runCkm } from '../test/run-ckm.js';
import { openSetup, type Setup, type SetupServer } from '../test/run-server.js';

/** Commands about who holds a key which stay with `--wait` while servers are away or people make up their minds, and are left. */
const ALL = ['alpha', 'bravo', 'charlie', 'delta'];
const THREE = ALL.slice(0, 3);
/** Until what another process does has come about. */
const PATIENTLY = { timeout: 60_000, interval: 500 };

let setup: Setup;
let proxies: Readonly<Record<string, Proxy>>;
let environment: Record<string, string>;
const running: SetupServer[] = [];

beforeAll(async () => {
  setup = await openSetup({ names: ALL });
  const started = ALL.map(async (name) => [name, await startProxy(setup.servers[name]!.url)] as const);
  proxies = Object.fromEntries(await Promise.all(started));
  environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'owner') };
  await makeOwner(environment, Object.fromEntries(ALL.map((name) => [name, proxies[name]!.url])));
  for (const name of ['letters', 'notes', 'drafts', 'essays', 'songs']) {
    const how = '--for message --quorum 2of3 --change-delay 0 --yes --json --servers';
    const made = await ckm(`key create ${name} ${how} ${THREE.join()}`);
    if (made.status !== 0) throw new Error(made.stderr);
  }
}, 120_000);
afterAll(async () => {
  for (const server of running) await server.stop('SIGKILL');
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
  await setup.close();
});

const ckm = (line: string): Promise<Outcome> => callCkm(line.split(' '), { environment });
/** In a process of its own, for as long as it takes. */
const stays = (line: string): Promise<Outcome> =>
  runCkm(line.split(' '), { environment, timeoutMs: 120_000 });
const leaves = (line: string, when: (stderr: string) => boolean): Promise<Outcome> =>
  interrupted(line.split(' '), environment, when);

async function openSessions(): Promise<readonly { readonly id: string }[]> {
  const { stdout } = await ckm('sessions list --open --json');
  return JSON.parse(stdout) as { id: string }[];
}

/** What waits for the operator of a server, by the id that he names it by. */
async function waitingAt(name: string): Promise<readonly string[]> {
  const waiting = await setup.json<({ orderHash: string } | { sessionId: string })[]>([
    'server',
    'requests',
    setup.folderOf(name),
  ]);
  return waiting.map((one) => ('orderHash' in one ? one.orderHash : one.sessionId));
}

async function approveChange(id: string, words: string): Promise<void> {
  for (const name of ALL) {
    const [asked] = (await waitingAt(name)).filter((one) => one.startsWith(id));
    if (asked !== undefined)
      await setup.json(['server', 'approve', setup.folderOf(name), asked, '--words', words]);
  }
}

/** Says yes to the one thing that waits there, once it does. */
async function approveAt(name: string): Promise<void> {
  await vi.waitUntil(async () => (await waitingAt(name)).length === 1, PATIENTLY);
  const [id] = await waitingAt(name);
  await setup.json(['server', 'approve', setup.folderOf(name), id!, '--yes']);
}

async function wordsOf(line: string): Promise<string> {
  return (JSON.parse((await ckm(`${line} --preview --json`)).stdout) as { words: string }).words;
}

const sign = (name: string) => ckm(`sign ${name} --message hello --yes --json --timeout 5`);

function expectLeft(left: Outcome): string {
  expect([left.status, errorOf(left).code, left.stdout]).toEqual([75, 'SESSION_LEFT', '']);
  const [, id] = /go on with it: ckm sessions resume ([0-9a-f]{8}) +or cancel it: /.exec(errorOf(left).hint)!;
  return id!;
}

describe('ckm key refresh --wait', () => {
  const away = () => {
    proxies['charlie']!.before = () => 'hang';
  };
  const back = () => {
    proxies['charlie']!.before = () => 'pass';
  };

  test('stays while a server is away, says once for whom, and is done when it is back', async () => {
    away();
    const waiting = stays('key refresh notes --yes --wait --timeout 3');
    await vi.waitUntil(async () => (await openSessions()).length === 1, PATIENTLY);
    expect((await sign('notes')).status).toBe(0);
    back();
    const done = await waiting;
    expect([done.status, done.stdout]).toEqual([0, expect.stringMatching(/^notes is in epoch 1\n/)]);
    expect((done.stderr.match(/^ {2}the change waits for charlie: /gm) ?? []).length).toBeLessThanOrEqual(1);
    expect(done.stderr).not.toMatch(/ckm: error/);
    expect(await openSessions()).toEqual([]);
  }, 180_000);

  test('left with Ctrl-C loses nothing: the key signs as before, and the same command goes on', async () => {
    away();
    const left = await leaves('key refresh drafts --yes --wait --timeout 3', (stderr) =>
      stderr.includes('the change waits for charlie'),
    );
    const id = expectLeft(left);
    expect(await openSessions()).toMatchObject([{ id }]);
    back();
    expect((await sign('drafts')).status).toBe(0);
    const done = await ckm('key refresh drafts --yes');
    expect([done.status, done.stdout]).toEqual([0, expect.stringMatching(/^drafts is in epoch 1\n/)]);
    expect(await openSessions()).toEqual([]);
    expect((await sign('drafts')).status).toBe(0);
  }, 180_000);

  test('left with Ctrl-C while servers decide is a change that was left, and no signature', async () => {
    const slowly = async (): Promise<Verdict> => {
      await sleep(500);
      return 'pass';
    };
    for (const name of THREE) proxies[name]!.before = slowly;
    const left = await leaves('key refresh songs --yes --wait', (stderr) =>
      /refresh [0-9a-f]{8} · 2 of 10 · asking who takes part/.test(stderr),
    );
    for (const name of THREE) proxies[name]!.before = () => 'pass';
    expectLeft(left);
    const done = await ckm('key refresh songs --yes');
    expect([done.status, done.stdout]).toEqual([0, expect.stringMatching(/^songs is in epoch 1\n/)]);
    expect(await openSessions()).toEqual([]);
  }, 180_000);
});

describe('ckm key add-server --wait', () => {
  const line = 'key add-server letters delta --key-name letters';

  test('stays while operators are waited for, says once for whom, and is done when all have said yes', async () => {
    const words = await wordsOf('key add-server letters delta');
    const waiting = stays(`${line} --wait`);
    await vi.waitUntil(async () => (await openSessions()).length === 1, PATIENTLY);
    await approveChange((await openSessions())[0]!.id, words);
    const done = await waiting;
    expect([done.status, done.stdout]).toEqual([0, expect.stringMatching(/^letters is in epoch 1\n/)]);
    expect(done.stderr).not.toMatch(/CHANGE_WAITING|ckm: error/);
    expect(await openSessions()).toEqual([]);
  }, 180_000);
});

describe('ckm key remove-server --wait', () => {
  test('left with Ctrl-C says how to go on; a yes that comes meanwhile counts, and resuming ends it', async () => {
    const words = await wordsOf('key remove-server letters charlie');
    const left = await leaves('key remove-server letters charlie --key-name letters --wait', (stderr) =>
      stderr.includes('the change of letters waits: the operators of'),
    );
    const id = expectLeft(left);
    expect(await openSessions()).toMatchObject([{ id }]);
    await approveChange(id, words);
    const resumed = await ckm(`sessions resume ${id}`);
    expect([resumed.status, resumed.stdout]).toEqual([0, expect.stringMatching(/letters is in epoch 2\n/)]);
    expect(JSON.parse((await sign('letters')).stdout)).toMatchObject({
      signers: expect.not.arrayContaining(['charlie']),
    });
  }, 180_000);
});

describe('ckm key repair --wait', () => {
  const repair = 'key repair essays --server bravo --yes';
  beforeAll(async () => {
    running.push(await loseEpochKeys(setup, 'bravo'));
  }, 60_000);

  test('left with Ctrl-C while an operator is waited for loses nothing, and the same command goes on to its end', async () => {
    const left = await leaves(`${repair} --wait 10m --timeout 3`, (stderr) =>
      stderr.includes('the operator of bravo has not decided yet'),
    );
    const id = expectLeft(left);
    expect(await openSessions()).toMatchObject([{ id }]);
    await approveAt('bravo');
    const waiting = stays(`${repair} --wait 10m --timeout 3`);
    await Promise.all(['alpha', 'charlie'].map(approveAt));
    const done = await waiting;
    expect([done.status, done.stdout]).toEqual([
      0,
      'bravo has its share of essays again, by alpha and charlie\n',
    ]);
    expect(done.stderr).not.toMatch(/ckm: error/);
    expect(await openSessions()).toEqual([]);
    proxies['charlie']!.before = () => 'hang';
    const signed = await sign('essays');
    proxies['charlie']!.before = () => 'pass';
    expect(JSON.parse(signed.stdout)).toMatchObject({ signers: ['alpha', 'bravo'] });
  }, 240_000);

  test('without an answer ends when its time is over, and says so with the command that goes on', async () => {
    const over = await stays('key repair songs --server bravo --yes --wait 1s --timeout 3');
    expect([over.status, errorOf(over).code]).toEqual([69, 'SERVERS_MISSING']);
    expect(errorOf(over).hint).toMatch(/ckm sessions resume [0-9a-f]{8}/);
    const [{ id }] = (await openSessions()) as [{ id: string }];
    expect((await ckm(`sessions cancel ${id} --yes`)).status).toBe(0);
  }, 120_000);
});
