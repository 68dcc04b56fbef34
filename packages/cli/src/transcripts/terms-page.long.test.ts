// @module-tag long
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** docs/terms.md, command by command; what a person would say when asked is given by --yes. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/terms.md'), 'utf8');
const FAMILY = /```json\n([\s\S]*?)```/.exec(PAGE)![1]!;
const COMMANDS = [...PAGE.matchAll(/^ {3}ckm (.*)$/gm)].map(([, line]) => line!);

let setup: Setup;
/** On the way to charlie. */
let proxy: Proxy;
let table: string;

type Environment = Readonly<Record<string, string>>;

const homeOf = (name: string): Environment => ({
  ...setup.environment,
  CKM_HOME: join(setup.scratch.path, name),
});

const ckm = (line: string, name = 'owner'): Promise<Outcome> =>
  callCkm([...line.split(' '), '--timeout', '5'], { environment: homeOf(name), cwd: table });

async function json<T>(line: string, name = 'owner'): Promise<T> {
  const outcome = await ckm(`${line} --json`, name);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

beforeAll(async () => {
  setup = await openSetup();
  proxy = await startProxy(setup.servers['charlie']!.url);
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  const [alpha, bravo] = ['alpha', 'bravo'].map((name) => setup.servers[name]!.url);
  await makeOwner(homeOf('owner'), { alpha: alpha!, bravo: bravo!, charlie: proxy.url });
  await json('key create treasury --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie --yes');
  const [coin, change] = [
    await json<Address>('address treasury'),
    await json<Address>('address treasury --change'),
  ];
  writeFileSync(join(table, 'payment.psbt'), paymentFrom([coin], change, 300_000n));
  writeFileSync(join(table, 'family.json'), FAMILY);
  writeFileSync(join(table, 'lower.json'), FAMILY.replaceAll('0.002 BTC', '0.001 BTC'));
  writeFileSync(join(table, 'higher.json'), FAMILY.replaceAll('0.002 BTC', '0.02 BTC'));
}, 120_000);
afterAll(async () => {
  await proxy.close();
  await setup.close();
});

/** The next command of the page, which begins so. */
async function next(beginning: string, more = ''): Promise<Outcome> {
  const line = COMMANDS.shift();
  expect(line).toMatch(new RegExp(`^${beginning}`));
  return ckm(`${line!}${more}`);
}

describe('docs/terms.md', () => {
  test('terms are tried, and shown, before they count', async () => {
    expect((await next('terms test treasury --psbt')).stdout).toContain('Answer  yes, and nobody is asked');
    const tried = await next('terms test .* --terms');
    expect(tried.stdout).toContain('Answer  waits for 2 of alice, bob, carol');
    expect((await next('terms test treasury --last 50')).stderr).toContain('is not kept');
    expect((await next('terms show treasury$')).stdout).toContain('in force: 3 of 3 servers have terms 0');
    await next('terms show treasury --out');
    expect(JSON.parse(readFileSync(join(table, 'now.json'), 'utf8'))).toEqual({
      terms: 1,
      kinds: ['bitcoin'],
    });
  });

  test('people are invited, and the words bring the first rules for them at once', async () => {
    for (const name of ['alice', 'bob', 'carol']) {
      expect((await next(`approver invite treasury ${name}`)).status).toBe(0);
      await json('approver init', name);
      const { likeness } = await json<{ likeness: { words: string } }>(
        `approver join ${name}.invitation --out ${name}.answer --yes`,
        name,
      );
      await json(`approver add ${name}.answer --likeness ${likeness.words}`);
    }
    const previewed = await next('terms propose treasury family.json --preview');
    expect(previewed.stderr).toContain(
      'New: Rule 3: where the relative fee is above 5.00 %, alice has to say yes',
    );
    const proposed = await next('terms propose treasury family.json$', ' --yes');
    expect([proposed.status, proposed.stdout]).toEqual([
      0,
      expect.stringContaining('terms 1 of treasury are in force'),
    ]);
  });

  test('what is tighter works at once, also at a server that was away', async () => {
    proxy.before = () => 'hang';
    const lower = await next('terms propose treasury lower.json$', ' --yes');
    expect(lower.stdout).toContain('in force: 2 of 3 servers have them');
    proxy.before = () => 'pass';
    expect((await next('terms propose treasury$', ' --yes')).stdout).toContain('3 of 3 servers have them');
  });

  test('what is not waits, is shown, and is stopped', async () => {
    const higher = await next('terms propose treasury higher.json$', ' --yes');
    expect([higher.status, errorOf(higher).code]).toEqual([75, 'TERMS_NOT_IN_FORCE']);
    expect((await next('terms show treasury$')).stdout).toContain('terms 3 wait');
    expect((await next('terms stop treasury$')).status).toBe(0);
    const told = await next('terms history treasury$');
    expect(told.stdout.match(/in force/g)).toHaveLength(3);
    // Nothing is apart here: that somebody has set them apart is played by terms-change.
    expect(errorOf(await next('terms settle treasury --preview$')).code).toBe('TERMS_NOT_APART');
    expect(COMMANDS).toEqual([]);
  });
});
