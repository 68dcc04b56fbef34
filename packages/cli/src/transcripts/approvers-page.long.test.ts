// @module-tag long
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '@ckm/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** docs/approvers.md, command by command, each in the folder of whom the step names; what a person would type when asked is given by flags. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/approvers.md'), 'utf8');
const SERVERS = ['alpha', 'bravo', 'charlie'];
const PEOPLE = ['alice', 'bob', 'carol'];
/** Some fifty commands, each in a process of its own, on a machine that may have other work. */
const PATIENCE = 300_000;

let setup: Setup;
let proxies: Proxy[];
/** Where files lie that go from one person to the other. */
let table: string;
let owner: Environment;

type Environment = Readonly<Record<string, string>>;

interface Matter {
  readonly id: string;
  readonly sentence: string | null;
  readonly yes: readonly string[];
  readonly doubt: { readonly code: string } | null;
}

beforeAll(async () => {
  setup = await openSetup();
  proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  owner = homeOf('owner');
  await makeOwner(owner, Object.fromEntries(SERVERS.map((server, i) => [server, proxies[i]!.url])));
}, 120_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await setup.close();
});

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}

const words = (line: string) => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, said, word]) => said ?? word!);
const ckm = (environment: Environment, line: string): Promise<Outcome> =>
  callCkm([...words(line), '--timeout', '30'], { environment, cwd: table });

async function json<T>(environment: Environment, line: string): Promise<T> {
  const outcome = await ckm(environment, `${line} --json`);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

const waiting = async (name: string) =>
  (await json<{ matters: Matter[] }>(homeOf(name), 'approver list')).matters;

/** A server is off, as when its machine has no power. @returns what brings it back behind the same address */
async function turnOff(name: string): Promise<() => Promise<void>> {
  await setup.servers[name]!.stop();
  return async () => {
    const server = await startServer({
      dataDir: setup.folderOf(name),
      variables: { CKM_ALLOW_INSPECT: '1' },
      logDestination: { write: () => undefined },
    });
    (setup.servers as Record<string, unknown>)[name] = { url: server.url, stop: () => server.close() };
    proxies[SERVERS.indexOf(name)]!.target = () => server.url;
  };
}

describe('docs/approvers.md: a family with a limit', () => {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith('A family with a limit\n'))!;
  const likeness = new Map<string, string>();

  /** What stands in the blocks of one step. */
  function linesOf(step: string): readonly string[] {
    const [, block = ''] = /^ *```\n([^]*?)^ *```$/m.exec(step) ?? [];
    return block
      .split('\n')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  }

  /** What is typed besides what stands there, and how the command ends. */
  async function flagsFor(line: string): Promise<readonly [flags: string, status: number]> {
    if (line.includes('--invitations')) return ['--yes', 75];
    if (line.startsWith('ckm approver add')) {
      const [, , , file] = line.split(' ');
      return [`--likeness ${likeness.get(file!.replace('.answer', ''))!}`, 0];
    }
    if (line.startsWith('ckm sign')) return ['--yes', 77];
    const isAsked = /join|approve ID|key create|resume/.test(line);
    return [isAsked ? '--yes' : '', 0];
  }

  async function type(who: string, line: string): Promise<Outcome> {
    const [flags, status] = await flagsFor(line);
    const id = line.includes(' ID') ? (await waiting(who))[0]!.id : '';
    const environment = who === 'owner' ? owner : homeOf(who);
    const typed = `${line.replace(/^ckm /, '').replace(' ID', ` ${id}`)} ${flags} --json`;
    const outcome = await ckm(environment, typed.trim());
    expect({
      typed,
      status: outcome.status,
      stderr: outcome.status === status ? '' : outcome.stderr,
    }).toEqual({ typed, status, stderr: '' });
    if (line.includes('approver join'))
      likeness.set(who, (JSON.parse(outcome.stdout) as { likeness: { words: string } }).likeness.words);
    return outcome;
  }

  test(
    'each step ends as the page says; the request waits for people by name, also over a restart of a server',
    async () => {
      const [, terms] = /^```json\n([^]*?)^```$/m.exec(section)!;
      writeFileSync(join(table, 'treasury.json'), terms!);
      const steps = section.split(/^\d+\. /m).slice(1);
      expect(steps.length).toBe(7);
      const [begin, answer, add, ask, bob, carol, goOn] = steps as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      for (const line of linesOf(begin)) await type('owner', line);
      for (const who of PEOPLE)
        for (const line of linesOf(answer)) await type(who, line.replaceAll('alice', who));
      for (const line of linesOf(add)) await type('owner', line);
      const address = (more: string) => json<Address>(owner, `address treasury ${more}`.trim());
      const [coin, change] = [await address(''), await address('--change')];
      for (const [name, sats] of [
        ['small', 100_000n],
        ['large', 300_000n],
        ['other', 310_000n],
        ['late', 320_000n],
        ['laptop', 330_000n],
      ] as const)
        writeFileSync(join(table, `${name}.psbt`), paymentFrom([coin], change, sats));
      await json(owner, 'sign treasury --psbt small.psbt --yes --out small.signed');
      for (const line of linesOf(ask)) {
        const asked = await type('owner', line);
        expect(errorOf(asked)).toMatchObject({
          code: 'REQUEST_WAITING',
          message: 'the request waits for 2 more yes of alice, bob, carol',
        });
      }
      const shown = await ckm(owner, 'sign treasury --psbt large.psbt --preview');
      expect(shown.stderr).toMatch(/People +Rule 1: .*\n +Rule 2: .*2 of alice, bob, carol/);
      const list = await ckm(homeOf('alice'), 'approver list');
      expect(list.stdout).toMatch(
        /^[0-9a-f]{8} {2}Pay 0\.00300000 BTC .*\n {10}for the key treasury, asked for by its owner/,
      );
      const bringBack = await turnOff('bravo');
      await bringBack();
      const [seen] = await waiting('bob');
      expect(seen).toMatchObject({ doubt: null, yes: [] });
      expect(seen!.sentence).toContain('0.00300000 BTC');
      for (const line of linesOf(bob)) await type('bob', line);
      expect((await waiting('alice'))[0]).toMatchObject({ yes: ['bob'] });
      const still = await ckm(owner, 'requests resume --wait 1s --yes');
      expect([still.status, errorOf(still).message]).toEqual([
        77,
        'the request waits for 1 more yes of alice, carol',
      ]);
      for (const line of linesOf(carol)) await type('carol', line);
      for (const line of linesOf(goOn)) await type('owner', line);
      expect(existsSync(join(table, 'large.signed'))).toBe(true);
      expect(await waiting('alice')).toEqual([]);
    },
    PATIENCE,
  );

  /** @returns the id of what waits, whole */
  async function ask(name: string): Promise<string> {
    const asked = await ckm(owner, `sign treasury --psbt ${name}.psbt --yes --wait 0s --out ${name}.signed`);
    expect(errorOf(asked).code).toBe('REQUEST_WAITING');
    return (await waiting('alice'))[0]!.id;
  }

  test(
    'two who say no end it, by name; one no alone does not',
    async () => {
      const id = await ask('other');
      await json(homeOf('bob'), `approver reject ${id} --reason later --yes`);
      expect(errorOf(await ckm(owner, 'requests resume --yes --wait 0s')).code).toBe('REQUEST_WAITING');
      await json(homeOf('carol'), `approver reject ${id} --yes`);
      const ended = errorOf(await ckm(owner, 'requests resume --yes --wait 0s'));
      expect(ended.code).toBe('REQUEST_REJECTED');
      expect(ended.message).toMatch(/bob.*carol/);
      expect(await waiting('alice')).toEqual([]);
      expect(existsSync(join(table, 'other.signed'))).toBe(false);
    },
    PATIENCE,
  );

  test(
    'what is taken back counts no more, and a yes on paper reaches servers that were off when it was said',
    async () => {
      const id = await ask('late');
      await json(homeOf('alice'), `approver approve ${id} --yes`);
      await json(homeOf('bob'), `approver approve ${id} --yes`);
      await json(homeOf('bob'), `approver take-back ${id} --yes`);
      const still = errorOf(await ckm(owner, 'requests resume --yes --wait 0s'));
      expect(still.message).toBe('the request waits for 1 more yes of bob, carol');
      const back = [await turnOff('alpha'), await turnOff('charlie')];
      const said = await ckm(
        homeOf('carol'),
        `approver approve ${id} --yes --out late.votes --qr-out late.png --json`,
      );
      expect([said.status, JSON.parse(said.stdout)]).toMatchObject([69, { at: ['bravo'], qr: 'late.png' }]);
      for (const one of back) await one();
      expect(errorOf(await ckm(owner, 'requests resume 0000 --votes late.votes --yes')).code).toBe(
        'REQUEST_UNKNOWN',
      );
      await json(owner, 'requests resume --votes late.png --yes');
      expect(existsSync(join(table, 'late.signed'))).toBe(true);
    },
    PATIENCE,
  );

  test(
    'a device without the words asks under a name of its own for this key, which the people are shown',
    async () => {
      await json(owner, 'seed backup --out words');
      await json(owner, 'seed forget --from words --name laptop --yes');
      const id = await ask('laptop');
      const shown = await ckm(homeOf('alice'), 'approver list');
      expect(shown.stdout).toMatch(/asked for by the device [0-9a-f]{8};/);
      for (const name of ['alice', 'bob']) await json(homeOf(name), `approver approve ${id} --yes`);
      await json(owner, 'requests resume --yes');
      expect(existsSync(join(table, 'laptop.signed'))).toBe(true);
    },
    PATIENCE,
  );
});
