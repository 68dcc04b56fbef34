// @module-tag long
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** Real servers, an owner, and two people of whom one says yes to whatever changes the key. */
let setup: Setup;
let table: string;

type Environment = Readonly<Record<string, string>>;

const PEOPLE = ['bob', 'carol'];
const TERMS = {
  terms: 1,
  approvers: PEOPLE,
  changes: 'automatic',
  changeDelay: '0s',
  change: { needed: 1, of: PEOPLE, delay: '0s', words: '30d' },
};
const MAKE = 'key create kit --for message --quorum 2of3 --servers alpha,bravo,charlie --exportable';

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  writeFileSync(join(table, 'kit.json'), JSON.stringify(TERMS));
  const begun = await ckm(setup.environment, `${MAKE} --terms kit.json --invitations . --yes`);
  expect([begun.status, begun.status === 75 ? '' : begun.stderr]).toEqual([75, '']);
  for (const name of PEOPLE) {
    await json(homeOf(name), 'approver init');
    const { likeness } = await json<{ likeness: { words: string } }>(
      homeOf(name),
      `approver join kit.${name}.invitation --out ${name}.answer --yes`,
    );
    await json(setup.environment, `approver add ${name}.answer --likeness ${likeness.words}`);
  }
  await json(setup.environment, 'key create kit --yes');
}, 180_000);
afterAll(() => setup.close());

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

interface Listed {
  readonly matters: readonly { readonly id: string; readonly matter: string; readonly sentence: string }[];
}
const onlyMatter = async (name: string) => {
  const { matters } = await json<Listed>(homeOf(name), 'approver list');
  expect(matters).toHaveLength(1);
  return matters[0]!;
};
const MISSING = 'by the terms of the key 1 more of bob, carol have to say yes';

describe('people whom the terms of a key name for changes', () => {
  test('end a freeze before its time: ckm thaw says for whom it waits, and they read which freeze it is', async () => {
    const owner = setup.environment;
    await json(owner, 'freeze kit');
    const asked = await ckm(owner, 'thaw kit');
    expect(asked.stdout).toContain('0 of 3 servers go on with kit');
    expect(asked.stdout.match(new RegExp(MISSING, 'g'))).toHaveLength(3);
    const [key] = await json<{ keyId: string }[]>(owner, `server keys ${setup.folderOf('alpha')}`);
    const seen = await ckm(owner, `server policy show ${setup.folderOf('alpha')} ${key!.keyId}`);
    expect(seen.stdout).toContain(`Its end waits for people besides you: ${MISSING}.`);
    // The operator's yes alone ends it no more.
    const policy = `server policy thaw ${setup.folderOf('alpha')} ${key!.keyId}`;
    expect(await json(owner, policy)).toMatchObject({
      frozen: { thawAskedAt: expect.any(Number) as number },
    });
    const { id, matter, sentence } = await onlyMatter('bob');
    expect([matter, sentence]).toEqual([
      'thaw',
      'End a freeze of the key kit before its time: it may be used again.',
    ]);
    const said = await json<{ at: string[] }>(homeOf('bob'), `approver approve ${id} --yes`);
    expect(said.at).toEqual(['alpha', 'bravo', 'charlie']);
    expect((await ckm(owner, 'thaw kit')).stdout).toContain('kit is frozen nowhere');
  }, 180_000);

  test('let a key out: ckm key export waits for one of them, who has the six words of its owner', async () => {
    const owner = setup.environment;
    const file = join(table, 'kit.key');
    const run = `key export kit --to ${file} --key-name kit`;
    const waits = errorOf(await ckm(owner, `${run} --json`));
    expect(waits.code).toBe('EXPORT_WAITING');
    expect(waits.message).toContain(MISSING);
    const { id, matter, sentence } = await onlyMatter('carol');
    expect(matter).toBe('export');
    expect(sentence).toMatch(/^Give the key kit itself out/);
    expect((await ckm(homeOf('carol'), `approver show ${id}`)).stdout).toContain('six words');
    await json(homeOf('carol'), `approver approve ${id} --yes`);
    await json(owner, run);
    expect(existsSync(file)).toBe(true);
    expect((await json<Listed>(homeOf('bob'), 'approver list')).matters).toHaveLength(1);
  }, 180_000);
});
