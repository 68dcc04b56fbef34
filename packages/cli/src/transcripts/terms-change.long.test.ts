// @module-tag long
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const EVERYBODY = ['alice', 'bob', 'carol'];
const family = (sats: number) => ({
  terms: 1,
  kinds: ['bitcoin'],
  rateLimit: { count: 10, in: '1h' },
  approvers: EVERYBODY,
  approvals: [
    { when: { fact: 'amountSats', atMost: `${sats} sats` } },
    { when: { fact: 'amountSats', above: `${sats} sats` }, needed: 2, of: EVERYBODY },
  ],
  change: { needed: 2, of: EVERYBODY, delay: '3d', words: '30d' },
});

let setup: Setup;
/** On the way to charlie. */
let proxy: Proxy;
let table: string;
let owner: Environment;

type Environment = Readonly<Record<string, string>>;

beforeAll(async () => {
  setup = await openSetup();
  proxy = await startProxy(setup.servers['charlie']!.url);
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  owner = homeOf('owner');
  const [alpha, bravo] = ['alpha', 'bravo'].map((name) => setup.servers[name]!.url);
  await makeOwner(owner, { alpha: alpha!, bravo: bravo!, charlie: proxy.url });
  await json('key create treasury --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie --yes');
  for (const name of EVERYBODY) await json('approver init', homeOf(name));
}, 120_000);
afterAll(async () => {
  await proxy.close();
  await setup.close();
});

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}

const write = (name: string, members: object) => {
  writeFileSync(join(table, name), JSON.stringify(members));
};

const ckm = (line: string, environment: Environment = owner): Promise<Outcome> =>
  callCkm([...line.split(' '), '--timeout', '5'], { environment, cwd: table });

async function json<T>(line: string, environment: Environment = owner): Promise<T> {
  const outcome = await ckm(`${line} --json`, environment);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

interface Proposed {
  readonly change: string;
  readonly version: number;
  readonly isInForce: boolean;
  readonly servers: readonly {
    readonly server: string;
    readonly verdict: string;
    readonly missing: number;
  }[];
}

const verdictsOf = ({ servers }: Proposed) => servers.map(({ server, verdict }) => `${server} ${verdict}`);

describe('the terms of a key change', () => {
  test('at once where they are provably tighter: a preview says so and sends nothing', async () => {
    write('rate.json', { terms: 1, kinds: ['bitcoin'], rateLimit: { count: 10, in: '1h' } });
    const before = treeHash(owner['CKM_HOME']!);
    const previewed = await ckm('terms propose treasury rate.json --preview');
    expect([previewed.status, previewed.stdout]).toEqual([0, 'nothing was proposed\n']);
    expect(previewed.stderr).toContain('They let in no request that those did not');
    expect(previewed.stderr).toContain('Works   at once, at each server that hears of it');
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
    const proposed = await json<Proposed>('terms propose treasury rate.json --yes');
    expect([proposed.version, proposed.isInForce, verdictsOf(proposed)]).toEqual([
      1,
      true,
      ['alpha inForce', 'bravo inForce', 'charlie inForce'],
    ]);
    expect(errorOf(await ckm('terms propose treasury rate.json --yes')).code).toBe('TERMS_SAME');
    expect(errorOf(await ckm('terms propose treasury --yes')).code).toBe('TERMS_NOT_PROPOSED');
    const { isSound } = await json<{ isSound: boolean }>('key verify treasury');
    expect(isSound).toBe(true);
  });

  test('what operators were promised is refused by every server, and nothing is in force', async () => {
    write('fixed.json', {
      terms: 1,
      kinds: ['bitcoin'],
      rateLimit: { count: 10, in: '1h' },
      recovery: 'static',
    });
    const refused = await ckm('terms propose treasury fixed.json --yes');
    expect([refused.status, errorOf(refused).code]).toEqual([75, 'TERMS_NOT_IN_FORCE']);
    expect(refused.stdout).toContain('(TERMS_PART_FIXED)');
  });

  test('the words bring the first people at once, who have answered their invitations', async () => {
    write('family.json', family(200_000));
    expect(errorOf(await ckm('terms propose treasury family.json --yes')).code).toBe('TERMS_APPROVER_ABSENT');
    for (const name of EVERYBODY) {
      await json(`approver invite treasury ${name} --out ${name}.invitation`);
      const { likeness } = await json<{ likeness: { words: string } }>(
        `approver join ${name}.invitation --out ${name}.answer --yes`,
        homeOf(name),
      );
      await json(`approver add ${name}.answer --likeness ${likeness.words}`);
    }
    const proposed = await json<Proposed>('terms propose treasury family.json --yes');
    expect([proposed.version, proposed.isInForce]).toEqual([2, true]);
    const shown = await json<{ version: number; isInForce: boolean; sentences: string[] }>(
      'terms show treasury',
    );
    expect([shown.version, shown.isInForce]).toEqual([2, true]);
    expect(shown.sentences).toContain(
      'Rule 2: where the amount with its fee is above 0.00200000 BTC, 2 of alice, bob, carol have to say yes',
    );
  });

  test('who are asked from then on, before any new share is made: what is above the limit waits for them', async () => {
    const address = (...flags: string[]) => json<Address>(['address treasury', ...flags].join(' '));
    const [coin, change] = [await address(), await address('--change')];
    writeFileSync(join(table, 'large.psbt'), paymentFrom([coin], change, 300_000n));
    const waits = await ckm('sign treasury --psbt large.psbt --yes --wait 0s --out large.signed');
    expect(errorOf(waits).code).toBe('REQUEST_WAITING');
    expect(waits.stderr).toContain('2 more yes of alice, bob, carol');
    const { matters } = await json<{ matters: { id: string }[] }>('approver list', homeOf('bob'));
    expect(matters).toHaveLength(1);
    for (const name of ['alice', 'bob']) await json(`approver approve ${matters[0]!.id} --yes`, homeOf(name));
    const signed = await ckm('requests resume --yes');
    expect(signed.status, signed.stderr).toBe(0);
    expect(existsSync(join(table, 'large.signed'))).toBe(true);
  });

  test('a loosening says whom it asks and how long it waits, is NOT in force, goes on by the same command, and is stopped', async () => {
    write('more.json', family(300_000));
    const waiting = await ckm('terms propose treasury more.json --yes');
    expect([waiting.status, errorOf(waiting).code]).toEqual([75, 'TERMS_NOT_IN_FORCE']);
    expect(waiting.stderr).toContain(
      'They may let in more, or bind its owner in another way, by: rules for requests',
    );
    expect(waiting.stderr).toContain('at each server 3 d after it has heard of it');
    expect(waiting.stderr).toContain('2 of alice, bob, carol');
    expect(waiting.stderr).toContain('alone they do it after 30 d');
    expect(waiting.stdout).toContain(
      'terms 3 of treasury are NOT in force yet: 0 of 3 servers have them, and it takes 2',
    );
    const again = await ckm('terms propose treasury more.json --yes --json');
    const goesOn = await ckm('terms propose treasury --yes --json');
    const [one, other] = [again, goesOn].map(({ stdout }) => JSON.parse(stdout) as Proposed);
    expect(one!.change).toBe(other!.change);
    expect(verdictsOf(other!)).toEqual(['alpha waits', 'bravo waits', 'charlie waits']);
    expect(other!.servers.map(({ missing }) => missing)).toEqual([2, 2, 2]);
    const shown = await ckm('terms show treasury');
    expect(shown.stdout).toContain('terms 3 wait');
    expect(shown.stdout).toContain('at most 0.00200000 BTC');
    const stopped = await json<{ servers: { verdict: string }[] }>('terms stop treasury');
    expect(stopped.servers.map(({ verdict }) => verdict)).toEqual(['stopped', 'stopped', 'stopped']);
    expect(errorOf(await ckm('terms propose treasury --yes')).code).toBe('TERMS_NOT_PROPOSED');
    expect((await ckm('terms show treasury')).stdout).not.toContain('wait');
  });

  test('a server that is away is named, and is brought up to date with the next change', async () => {
    proxy.before = () => 'hang';
    write('less.json', family(100_000));
    const without = await ckm('terms propose treasury less.json --yes');
    expect([without.status, without.stdout]).toEqual([
      0,
      expect.stringContaining('terms 3 of treasury are in force: 2 of 3 servers have them'),
    ]);
    expect(without.stderr).toContain('Without charlie');
    proxy.before = () => 'pass';
    expect((await ckm('terms show treasury')).stdout).toMatch(/charlie +has terms 2\n/);
    write('least.json', family(50_000));
    const proposed = await json<Proposed>('terms propose treasury least.json --yes');
    expect(verdictsOf(proposed)).toEqual(['alpha inForce', 'bravo inForce', 'charlie inForce']);
    proxy.before = () => 'hang';
    write('last.json', family(20_000));
    await ckm('terms propose treasury last.json --yes');
    proxy.before = () => 'pass';
    // What was proposed here goes on no more: it is in force, and one server has missed it.
    await json('terms stop treasury');
    const caughtUp = await json<Proposed>('terms propose treasury --yes');
    expect([caughtUp.version, verdictsOf(caughtUp)]).toEqual([
      5,
      ['alpha inForce', 'bravo inForce', 'charlie inForce'],
    ]);
    const shown = await ckm('key show treasury');
    expect(shown.stdout).toMatch(/Terms +number 5; 2 rules for requests, may ask alice, bob, carol/);
    const status = await ckm('status');
    expect(status.stdout).toMatch(/terms 5, which may ask alice, bob, carol/);
    const { history } = await json<{ history: { version: number; have: string[]; isInForce: boolean }[] }>(
      'terms history treasury',
    );
    expect(history.map(({ version, have, isInForce }) => [version, have.length, isInForce])).toEqual(
      [0, 1, 2, 3, 4, 5].map((version) => [version, 3, true]),
    );
    const told = await ckm('terms history treasury');
    expect(told.stdout).toContain(
      'No longer: Rule 1: where the amount with its fee is at most 0.00100000 BTC',
    );
  });

  test('new shares are made under the terms in force, which the certificate names from then on', async () => {
    await json('key refresh treasury --yes');
    const { version, isInForce } = await json<{ version: number; isInForce: boolean }>('terms show treasury');
    expect([version, isInForce]).toEqual([5, true]);
    const { history } = await json<{ history: { version: number }[] }>('terms history treasury');
    expect(history.map((one) => one.version)).toEqual([5]);
  });
});

describe('servers whose terms are apart', () => {
  const onTheWay = new Map<string, Proxy>();
  const pair: Environment = {};
  afterAll(async () => {
    for (const one of onTheWay.values()) await one.close();
  });

  const only = (name: string) => {
    for (const [server, one] of onTheWay) one.before = () => (server === name ? 'pass' : 'hang');
  };
  const everybody = () => {
    for (const one of onTheWay.values()) one.before = () => 'pass';
  };
  const limit = (name: string, count: number) => {
    write(name, { terms: 1, kinds: ['bitcoin'], rateLimit: { count, in: '1h' } });
  };

  test('are said to be, and go by the same again as the tighter of them', async () => {
    for (const name of ['alpha', 'charlie']) onTheWay.set(name, await startProxy(setup.servers[name]!.url));
    Object.assign(pair, homeOf('pair'));
    const [alpha, charlie] = [...onTheWay.values()].map(({ url }) => url);
    await makeOwner(pair, { alpha: alpha!, charlie: charlie! });
    await json('key create savings --for bitcoin --quorum 2of2 --servers alpha,charlie --yes', pair);
    expect(errorOf(await ckm('terms settle savings --yes', pair)).code).toBe('TERMS_NOT_APART');
    for (const [name, count] of [
      ['alpha', 9],
      ['charlie', 8],
    ] as const) {
      only(name);
      limit(`${name}.json`, count);
      await ckm(`terms propose savings ${name}.json --yes`, pair);
    }
    everybody();
    const shown = await ckm('terms show savings', pair);
    expect(shown.stdout).toContain('APART: behind terms 0 servers went on in different ways');
    expect(shown.stdout).toContain('ckm terms settle savings');
    const before = await ckm('terms settle savings --preview', pair);
    expect([before.status, before.stdout]).toEqual([0, 'nothing was proposed\n']);
    expect(before.stderr).toContain('and of whatever servers have put in force since');
    expect(before.stderr).toContain('3 d after it has heard of it');
    const both = await ckm('terms settle savings alpha.json --like charlie --yes', pair);
    expect(errorOf(both).code).toBe('OPTION_INVALID');
    const nobody = await ckm('terms settle savings --like bravo --yes', pair);
    expect(errorOf(nobody).code).toBe('TERMS_SERVER_UNKNOWN');
    const settled = await json<Proposed>('terms settle savings --like charlie --yes', pair);
    expect([settled.version, settled.isInForce, verdictsOf(settled)]).toEqual([
      2,
      true,
      ['alpha inForce', 'charlie inForce'],
    ]);
    expect((await ckm('terms show savings', pair)).stdout).not.toContain('APART');
    await json('key refresh savings --yes', pair);
  });
});
