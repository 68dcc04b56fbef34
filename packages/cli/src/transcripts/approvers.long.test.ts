// @module-tag long
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome, treeHash } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** Real servers, an owner, and people who say yes or no at machines of their own. */
let setup: Setup;
/** Where files lie that go from one person to the other. */
let table: string;

type Environment = Readonly<Record<string, string>>;

interface Likeness {
  readonly words: string;
}

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
}, 120_000);
afterAll(async () => {
  await setup.close();
});

const homeOf = (name: string): Environment => ({
  ...setup.environment,
  CKM_HOME: join(setup.scratch.path, name),
});

const ckm = (environment: Environment, line: string): Promise<Outcome> =>
  callCkm([...line.split(' '), '--timeout', '30'], { environment, cwd: table });

async function json<T>(environment: Environment, line: string): Promise<T> {
  const outcome = await ckm(environment, `${line} --json`);
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

const codeOf = async (environment: Environment, line: string) => errorOf(await ckm(environment, line)).code;

describe('somebody is invited, answers, and is taken in', () => {
  const SERVERS = '--servers alpha,bravo,charlie';

  test('for a key that is yet to be made: both read the same six words, and who answers otherwise is not taken', async () => {
    const [owner, bob] = [setup.environment, homeOf('bob')];
    await json(bob, 'approver init');
    expect(await codeOf(owner, 'approver invite savings bob --out early')).toBe('APPROVER_SERVERS_MISSING');
    await json(owner, `approver invite savings bob ${SERVERS} --out bob.invitation --qr-out invitation.png`);
    const joined = await json<{ key: string; name: string; likeness: Likeness }>(
      bob,
      'approver join invitation.png --out bob.answer --qr-out answer.png --yes',
    );
    expect(joined).toMatchObject({ key: 'savings', name: 'bob' });
    const { words } = joined.likeness;
    const before = treeHash(owner['CKM_HOME']!);
    expect(await codeOf(owner, 'approver add bob.answer --likeness acid-also-apex-aqua-arch-atom')).toBe(
      'APPROVER_LIKENESS_MISMATCH',
    );
    // Nobody is asked here whether they are the same.
    expect(await codeOf(owner, 'approver add bob.answer --no-input')).toBe('INPUT_NEEDED');
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
    const added = await json<{ xid: string; keys: object[]; waiting: string[] }>(
      owner,
      `approver add answer.png --likeness ${words}`,
    );
    expect(added).toMatchObject({ name: 'bob', keys: [{ kind: 'ed25519' }], waiting: [] });
    expect(await json(bob, 'approver list')).toMatchObject({
      keys: [{ key: 'savings', name: 'bob', servers: ['alpha', 'bravo', 'charlie'] }],
      matters: [],
      silent: [],
    });
    const listed = await ckm(bob, 'approver');
    expect(listed.stdout).toBe('nothing waits for you (savings, as bob)\n');
  }, 120_000);

  test('a file that is cut, of somebody else or for another name has its own code, and changes nothing', async () => {
    const [owner, bob] = [setup.environment, homeOf('bob')];
    const invitation = readFileSync(join(table, 'bob.invitation'), 'utf8');
    writeFileSync(join(table, 'cut'), invitation.slice(0, 500));
    expect(await codeOf(bob, 'approver join cut --out never --yes')).toBe('APPROVER_INVITATION_INVALID');
    expect(await codeOf(bob, 'approver join bob.answer --out never --yes')).toBe(
      'APPROVER_INVITATION_INVALID',
    );
    expect(await codeOf(owner, 'approver add cut --yes')).toBe('APPROVER_ANSWER_INVALID');
    expect(await codeOf(bob, 'approver join bob.invitation --out bob.answer --yes')).toBe('FILE_EXISTS');
    await json(owner, 'approver invite savings carol --out carol.invitation');
    expect(await codeOf(bob, 'approver join carol.invitation --out never --yes')).toBe(
      'APPROVER_NAMED_OTHERWISE',
    );
    expect(await codeOf(owner, 'approver invite savings Nobody --out never')).toBe('APPROVER_NAME_INVALID');
    expect(await codeOf(homeOf('nobody'), 'approver list')).toBe('APPROVER_NOT_HERE');
    expect(await codeOf(bob, 'approver init')).toBe('APPROVER_EXISTS');
  }, 120_000);

  test('the same person answers for one name only', async () => {
    const [owner, bob] = [setup.environment, homeOf('bob')];
    const twin = homeOf('twin');
    mkdirSync(twin['CKM_HOME']!);
    writeFileSync(join(twin['CKM_HOME']!, 'approver'), readFileSync(join(bob['CKM_HOME']!, 'approver')));
    await json(twin, 'approver join carol.invitation --out carol.answer --yes');
    expect(await codeOf(owner, 'approver add carol.answer --yes')).toBe('APPROVER_TWICE');
  }, 120_000);
});
