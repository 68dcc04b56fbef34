// @module-tag long
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { type Address, paymentFrom, spends } from '../test/payment.js';
import { errorOf } from '../test/run-ckm.js';
import {
  createKey,
  openSetup,
  type Setup,
  type SetupServer,
  startServerProcess,
} from '../test/run-server.js';

/**
 * docs/lifecycle.md, command by command, by whom each step names. `systemctl` starts and stops a process; paths and addresses are
 * those of the test; what a person would type when asked is given by flags. A code behind a command is that of the error with
 * which it ends.
 */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/lifecycle.md'), 'utf8');
const ALL = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot'];

let setup: Setup;
let passphrase: string;
let coin: Address;
let words = '';
/** The machine that an operator is at: another one after a move. */
const machines = new Map<string, string>();
const running = new Map<string, SetupServer>();

const folderOf = (name: string) => machines.get(name) ?? setup.folderOf(name);

beforeAll(async () => {
  // For as long as clocks may be ahead a restored server refuses messages: nobody is to wait a minute here.
  setup = await openSetup({ names: ALL, settings: { limits: { clockSkewSeconds: 1 } } });
  for (const name of ALL) running.set(name, setup.servers[name]!);
  passphrase = setup.scratch.file('backup-passphrase', 'olive canyon ferret\n');
  mkdirSync(join(setup.scratch.path, 'mnt/stick'), { recursive: true });
  await createKey(setup, 'treasury', '--for', 'bitcoin', '--change-delay', '0');
  for (const name of ALL.slice(3)) await setup.json(['server', 'remove', name, '--yes']);
  coin = await setup.json<Address>(['address', 'treasury', '--index', '0']);
}, 120_000);
afterAll(async () => {
  for (const server of running.values()) await server.stop('SIGKILL');
  await setup.close();
});

interface Step {
  /** The owner, or operators of these servers. */
  readonly who: 'owner' | readonly string[];
  readonly lines: readonly string[];
}

function stepsOf(story: string): Step[] {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(`${story}\n`))!;
  return section.split(/^\d+\. /m).flatMap((text) => {
    const [, who] = /^\*\*(.+?)\*\*/.exec(text) ?? [];
    if (who === undefined) return [];
    const lines = [...text.matchAll(/^ *```\n([^]*?)^ *```$/gm)].flatMap(([, block]) => block!.split('\n'));
    const typed = lines.map((line) => line.trim()).filter((line) => line !== '');
    return [
      { who: who === 'Owner:' ? 'owner' : (who.match(/[a-z]+/g) ?? []).filter(isServer), lines: typed },
    ];
  });
}

const isServer = (word: string) => ALL.includes(word);

/** Follows a story to its end. `before`: what happens before the first command that begins like that. */
async function follow(story: string, before: Readonly<Record<string, () => unknown>> = {}): Promise<void> {
  const events = new Map(Object.entries(before));
  const steps = stepsOf(story);
  expect(steps.length).toBeGreaterThan(1);
  for (const { who, lines } of steps) {
    expect(who.length).toBeGreaterThan(0);
    for (const line of lines) {
      const due = [...events.keys()].find((start) => line.startsWith(start));
      await events.get(due ?? '')?.();
      events.delete(due ?? '');
      if (who === 'owner') await asOwner(line);
      else for (const name of who) await asOperator(name, line);
    }
  }
  expect([...events.keys()]).toEqual([]);
}

/** A command and the code of the error with which it ends, if the page says that it does. */
function partsOf(line: string): { args: string[]; code: string | null } {
  const [typed = '', remark = ''] = line.split(/ {2,}/);
  const code = /\b[A-Z]+(?:_[A-Z]+)+\b/.exec(remark)?.[0] ?? null;
  return { args: [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!), code };
}

const isChange = ([, verb = '', ...more]: readonly string[]) =>
  /^(add-server|remove-server|requorum)$/.test(verb) || (verb === 'repair' && more.includes('--by'));

async function asOwner(line: string): Promise<void> {
  const { args, code } = partsOf(line);
  const typed = await Promise.all(args.slice(1).map(ownersWord));
  if (isChange(typed)) {
    ({ words } = await setup.json<{ words: string }>([
      ...typed.filter((word) => word !== '--preview'),
      '--preview',
    ]));
  }
  const sure = isChange(typed) ? ['--key-name', 'treasury'] : ['--yes'];
  await expectEnd([...typed, ...sure, '--timeout', '5', '--json'], code, setup.environment);
}

async function ownersWord(word: string): Promise<string> {
  const [, name] = /^https:\/\/([a-z]+)\.example/.exec(word) ?? [];
  if (name !== undefined) return running.get(name)!.url;
  return word === 'ID' ? openSession() : word;
}

async function openSession(): Promise<string> {
  const [open, ...more] = await setup.json<{ id: string }[]>(['sessions', 'list', '--open']);
  expect(more).toEqual([]);
  return open!.id;
}

async function asOperator(name: string, line: string): Promise<void> {
  const inScratch = (text: string) =>
    text.replaceAll('/var/lib/ckm', folderOf(name)).replaceAll('/mnt/', join(setup.scratch.path, 'mnt/'));
  const { args, code } = partsOf(inScratch(line));
  const [program, ...rest] = args;
  if (program === 'systemctl') return control(name, rest[0]!);
  if (program !== 'ckm') {
    execFileSync('sh', ['-c', inScratch(line)]);
    return;
  }
  const typed = await Promise.all(rest.map((word) => filledIn(name, word)));
  const isCopy = ['backup', 'restore'].includes(typed[1]!);
  const flags = isCopy ? ['--passphrase-file', passphrase] : ['--yes'];
  await expectEnd([...typed, ...flags, '--json'], code);
}

async function control(name: string, deed: string): Promise<void> {
  if (deed === 'stop') await running.get(name)!.stop();
  else if (deed === 'start') running.set(name, await startServerProcess(folderOf(name)));
  else expect(['enable', 'disable']).toContain(deed);
}

async function filledIn(name: string, word: string): Promise<string> {
  if (word === 'SIX WORDS') return words;
  const ask = <T>(what: string) => setup.json<T[]>(['server', what, folderOf(name)]);
  if (word === 'ID') {
    const [waits] = await ask<{ sessionId: string } | { orderHash: string }>('requests');
    return 'orderHash' in waits! ? waits.orderHash : waits!.sessionId;
  }
  if (word === 'KEY') return (await ask<{ keyId: string }>('keys'))[0]!.keyId;
  return word;
}

async function expectEnd(
  args: readonly string[],
  code: string | null,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const outcome = await callCkm(args, { environment });
  const ended = outcome.status === 0 ? null : errorOf(outcome).code;
  expect(ended, `ckm ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`).toBe(code);
}

/** The same address as at the beginning pays, and so many servers sign for that. */
async function assertPays(signers: number): Promise<void> {
  expect(await setup.json<Address>(['address', 'treasury', '--index', '0'])).toMatchObject({
    script: coin.script,
  });
  const change = await setup.json<Address>(['address', 'treasury', '--index', '5', '--change']);
  const file = setup.scratch.file('payment.psbt', paymentFrom([coin], change, 150_000n));
  const command = ['sign', 'treasury', '--psbt', file, '--yes'];
  const signed = await setup.json<{ transaction: string; signers: string[] }>(command);
  expect(spends(signed.transaction, [coin])).toEqual([true]);
  expect(signed.signers).toHaveLength(signers);
}

/** The same port after each start from now on, as a server has it. */
function listenAt(folder: string, port: number): void {
  const path = join(folder, 'config.json');
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { listen: object };
  writeFileSync(path, JSON.stringify({ ...settings, listen: { ...settings.listen, port } }));
}

describe('docs/lifecycle.md, on one key', () => {
  test('has these stories and no other', () => {
    expect([...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      'A disk died',
      'One more server',
      'An operator closes',
      'A server is gone for good',
      'A new quorum',
      'A laptop was stolen',
      'Moving house',
    ]);
  });

  test('A disk died', async () => {
    const bravo = folderOf('bravo');
    listenAt(bravo, Number(new URL(running.get('bravo')!.url).port));
    const backup = join(setup.scratch.path, 'mnt/stick/bravo.backup');
    await setup.json([
      'server',
      'backup',
      bravo,
      backup,
      '--without-epoch-keys',
      '--passphrase-file',
      passphrase,
    ]);
    await running.get('bravo')!.stop();
    rmSync(bravo, { recursive: true });
    await follow('A disk died', { 'ckm key check': () => new Promise((done) => setTimeout(done, 2_500)) });
    await assertPays(2);
  }, 180_000);

  test('One more server', async () => {
    await follow('One more server');
    await assertPays(2);
  }, 120_000);

  test('An operator closes', async () => {
    await follow('An operator closes');
    await assertPays(2);
    const { stdout } = await setup.ckm(['key', 'show', 'treasury']);
    expect(stdout).toMatch(/2 of 3/);
    expect(stdout).not.toContain('charlie');
  }, 120_000);

  test('A server is gone for good', async () => {
    await running.get('delta')!.stop();
    await follow('A server is gone for good');
    await assertPays(2);
    expect((await setup.ckm(['status'])).stdout).toMatch(
      /told to destroy their old shares:[^]*delta has not said/,
    );
  }, 120_000);

  test('A new quorum', async () => {
    await follow('A new quorum');
    await assertPays(3);
  }, 120_000);

  test('A laptop was stolen', async () => {
    const stolen = join(setup.scratch.path, 'stolen');
    cpSync(setup.environment['CKM_HOME']!, stolen, { recursive: true });
    const thief = { ...setup.environment, CKM_HOME: stolen };
    const order = 'key requorum treasury --quorum 2of3 --servers alpha,bravo,echo --key-name treasury --json';
    expect(errorOf(await callCkm(order.split(' '), { environment: thief })).code).toBe('CHANGE_WAITING');
    const isStopped = async () => {
      const shown = await setup.ckm(['status']);
      expect(shown.stdout).toMatch(/frozen at /);
      expect(shown.stdout).not.toMatch(/Changes that wait/);
    };
    await follow('A laptop was stolen', { 'ckm thaw': isStopped });
    await assertPays(3);
  }, 120_000);

  test('Moving house', async () => {
    const old = folderOf('echo');
    const moved = join(setup.scratch.path, 'new-house/ckm');
    mkdirSync(join(setup.scratch.path, 'new-house'));
    const before = running.get('echo')!.url;
    await follow('Moving house', {
      'ckm server restore': () => machines.set('echo', moved),
      'systemctl enable': () => listenAt(moved, 0),
      'ckm server add': () => new Promise((done) => setTimeout(done, 2_500)),
    });
    expect(running.get('echo')!.url).not.toBe(before);
    renameSync(old, `${old}-is-over`);
    await assertPays(3);
  }, 120_000);
});
