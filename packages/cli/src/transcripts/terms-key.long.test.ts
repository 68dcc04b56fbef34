// @module-tag long
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { type Address, paymentFrom } from '../test/payment.js';
import { errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const EVERYBODY = ['alice', 'bob', 'carol'];
const FAMILY = {
  terms: 1,
  approvers: EVERYBODY,
  approvals: [
    { when: { fact: 'amountSats', atMost: '0.002 BTC' } },
    { when: { fact: 'amountSats', above: '0.002 BTC' }, needed: 2, of: EVERYBODY },
  ],
  change: { needed: 2, of: EVERYBODY, delay: '3d', words: '30d' },
};
const WISH =
  'key create treasury --for bitcoin --quorum 2of3 --servers alpha,bravo,charlie --terms family.json';

let setup: Setup;
let table: string;
let owner: Environment;

type Environment = Readonly<Record<string, string>>;

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  owner = setup.environment;
  write('family.json', FAMILY);
  for (const name of EVERYBODY) await json(homeOf(name), 'approver init');
}, 120_000);
afterAll(() => setup.close());

const write = (name: string, members: object) => {
  writeFileSync(join(table, name), JSON.stringify(members));
};

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}

const ckm = (environment: Environment, line: string): Promise<Outcome> =>
  callCkm([...line.split(' '), '--timeout', '30'], { environment, cwd: table });

async function json<T>(environment: Environment, line: string): Promise<T> {
  const outcome = await ckm(environment, `${line} --json`);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

/** What somebody answers, and the owner takes in. */
async function answers(name: string, likeness?: string): Promise<void> {
  const joined = await json<{ likeness: { words: string } }>(
    homeOf(name),
    `approver join treasury.${name}.invitation --out ${name}.answer --yes`,
  );
  await json(owner, `approver add ${name}.answer --likeness ${likeness ?? joined.likeness.words}`);
}

describe('a key whose terms ask people', () => {
  test('is not made before they are invited, and terms that cannot be are refused before anybody is', async () => {
    write('wrong.json', { ...FAMILY, change: { ...FAMILY.change, needed: 3, words: 'never' } });
    const before = treeHash(owner['CKM_HOME']!);
    const wrong = await ckm(owner, `${WISH.replace('family', 'wrong')} --invitations . --yes`);
    expect([wrong.status, errorOf(wrong).code]).toEqual([65, 'TERMS_LOCK_OUT']);
    const early = await ckm(owner, `${WISH} --yes`);
    expect([early.status, early.stdout, errorOf(early).code]).toEqual([75, '', 'TERMS_APPROVER_ABSENT']);
    expect(errorOf(early).hint).toContain('--invitations FOLDER');
    const twice = await ckm(owner, `${WISH} --rate 1/1h --yes`);
    expect([twice.status, errorOf(twice).code]).toEqual([64, 'OPTION_INVALID']);
    const previewed = await ckm(owner, `${WISH} --invitations . --preview --json`);
    expect(JSON.parse(previewed.stdout)).toMatchObject({ preview: true, waiting: EVERYBODY });
    expect(errorOf(await ckm(owner, 'key create treasury --yes')).code).toBe('ARGUMENT_MISSING');
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
  });

  test('says its terms in sentences, invites them with a file each, and waits as long as it takes', async () => {
    const invited = await ckm(owner, `${WISH} --invitations . --yes --json`);
    expect([invited.status, JSON.parse(invited.stdout)]).toEqual([
      75,
      {
        name: 'treasury',
        waiting: EVERYBODY,
        invitations: EVERYBODY.map((name) => ({ name, file: `treasury.${name}.invitation` })),
      },
    ]);
    expect(invited.stderr).toContain(
      'Rule 2: where the amount with its fee is above 0.00200000 BTC, 2 of alice, bob, carol',
    );
    for (const name of EVERYBODY) expect(existsSync(join(table, `treasury.${name}.invitation`))).toBe(true);
    await answers('bob');
    const waiting = await ckm(owner, 'key create treasury --yes');
    expect([waiting.status, errorOf(waiting).message]).toEqual([
      75,
      'treasury is not made yet: alice, carol have yet to answer',
    ]);
    expect((await ckm(owner, 'key list')).stdout).not.toContain('treasury');
  });

  test('and is made when all have answered: every server has the same terms, as number 0', async () => {
    await answers('alice');
    await answers('carol');
    const made = await json<{ policy: object }>(owner, 'key create treasury --yes');
    const { terms, version, sentences } = await json<{
      terms: { approvers: { name: string }[] };
      version: number;
      sentences: string[];
    }>(owner, 'terms show treasury --keys');
    expect(terms).toEqual(made.policy);
    expect([version, terms.approvers.map(({ name }) => name)]).toEqual([0, EVERYBODY]);
    expect(sentences.filter((one) => / is XID /.test(one))).toHaveLength(3);
    const verified = await json<{ isSound: boolean }>(owner, 'key verify treasury');
    expect(verified.isSound).toBe(true);
    // What waited is over.
    expect(errorOf(await ckm(owner, 'key create treasury --yes')).code).toBe('ARGUMENT_MISSING');
  });

  test('answers what its terms let in without anybody, and refuses what needs a yes that nobody gave', async () => {
    const address = (...flags: string[]) => json<Address>(owner, ['address treasury', ...flags].join(' '));
    const [coin, change] = [await address(), await address('--change')];
    writeFileSync(join(table, 'small.psbt'), paymentFrom([coin], change, 100_000n));
    writeFileSync(join(table, 'large.psbt'), paymentFrom([coin], change, 300_000n));
    const { verdict } = await json<{ verdict: object }>(owner, 'terms test treasury --psbt large.psbt');
    expect(verdict).toEqual({ verdict: 'waits', awaits: [{ rule: 2, needed: 2, of: EVERYBODY }] });
    expect((await ckm(owner, 'sign treasury --psbt small.psbt --yes --out small.signed')).status).toBe(0);
    const refused = await ckm(owner, 'sign treasury --psbt large.psbt --yes --wait 0s --out large.signed');
    expect(refused.status).not.toBe(0);
    expect(existsSync(join(table, 'large.signed'))).toBe(false);
  });

  test('comes to another folder of its owner with the same terms', async () => {
    const elsewhere = homeOf('elsewhere');
    await json(owner, 'seed backup --out words');
    await json(elsewhere, 'seed restore --from words');
    for (const name of ['alpha', 'bravo', 'charlie'])
      await json(elsewhere, `server add ${name} ${setup.servers[name]!.url} --yes`);
    await json(elsewhere, 'key fetch --yes');
    const [fetched] = await json<{ name: string }[]>(elsewhere, 'key list');
    const shown = (home: Environment, name: string) =>
      json<{ hash: string; sentences: string[] }>(home, `terms show ${name} --keys`);
    const [here, there] = [await shown(owner, 'treasury'), await shown(elsewhere, fetched!.name)];
    expect([there.hash, there.sentences]).toEqual([here.hash, here.sentences]);
  });
});
