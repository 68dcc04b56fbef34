// @module-tag long
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatQrPicture } from '../picture/qr-picture.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/alive.md'), 'utf8');
/** The command lines of docs/alive.md, without their remarks. */
const ON_PAGE = Array.from(PAGE.matchAll(/^ckm (.*?)(?: {2,}.*)?$/gm), ([, line]) => line!);
const [TERMS] = Array.from(PAGE.matchAll(/```json\n([^]*?)```/g), ([, text]) => text!);

type Environment = Readonly<Record<string, string>>;
let setup: Setup;
let table: string;
let owner: Environment;
const ran = new Set<string>();

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  owner = setup.environment;
}, 120_000);
afterAll(() => setup.close());

function homeOf(name: string): Environment {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, name) };
}
const ckm = (environment: Environment, line: string): Promise<Outcome> => {
  ran.add(line);
  return callCkm([...line.split(' '), '--timeout', '30'], { environment, cwd: table });
};
async function json<T>(environment: Environment, line: string): Promise<T> {
  const outcome = await callCkm([...line.split(' '), '--json', '--timeout', '30'], {
    environment,
    cwd: table,
  });
  if (outcome.status !== 0) throw new Error(`ckm ${line}: ${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

test('a key with an heir is made, and all its servers are told that its owner lives', async () => {
  writeFileSync(join(table, 'savings.json'), TERMS!);
  const wish =
    'key create savings --for message --quorum 2of3 --servers alpha,bravo,charlie --terms savings.json';
  await callCkm([...wish.split(' '), '--invitations', '.', '--yes', '--timeout', '30'], {
    environment: owner,
    cwd: table,
  });
  await json(homeOf('eve'), 'approver init');
  const { likeness } = await json<{ likeness: { words: string } }>(
    homeOf('eve'),
    'approver join savings.eve.invitation --out eve.answer --yes',
  );
  await json(owner, `approver add eve.answer --likeness ${likeness.words}`);
  await json(owner, 'key create savings --yes');
  const all = await ckm(owner, 'alive');
  expect([all.status, all.stdout]).toEqual([
    0,
    expect.stringContaining('3 of 3 servers have heard that you live'),
  ]);
  expect((await ckm(owner, 'alive savings')).status).toBe(0);
  const { stdout } = await ckm(owner, 'doctor');
  expect(stdout).toContain('every server has heard a sign of life from here');
}, 120_000);

test('its heir sees how each server stands, asks, and is granted nothing while the owner is heard; operators see it too', async () => {
  const eve = homeOf('eve');
  const listed = await ckm(eve, 'heir list');
  expect([listed.status, listed.stdout]).toEqual([0, expect.stringContaining('savings')]);
  expect(listed.stdout).toContain('nobody has asked for it');
  ran.add('heir ask savings');
  const asked = await callCkm(['heir', 'ask', 'savings', '--yes', '--timeout', '30'], {
    environment: eve,
    cwd: table,
  });
  expect([asked.status, asked.stdout]).toEqual([
    75,
    expect.stringContaining('no sign of life for 0 h of 180 d'),
  ]);
  ran.add('heir sign savings --message to-the-notary --domain heirs');
  const signed = await callCkm(
    'heir sign savings --message to-the-notary --domain heirs --yes --timeout 30'.split(' '),
    { environment: eve, cwd: table },
  );
  expect([signed.status, errorOf(signed).code]).toEqual([75, 'HEIR_KEY_NOT_SHOWN']);
  // Where nobody asks there is nothing to hold up.
  const doubted = await ckm(eve, 'heir doubt savings');
  expect([doubted.status, doubted.stdout]).toEqual([0, expect.stringContaining('nobody has asked for it')]);
  ran.add('heir recover savings --to savings.key');
  const taken = await callCkm(
    'heir recover savings --to savings.key --key-name savings --timeout 30'.split(' '),
    { environment: eve, cwd: table },
  );
  expect([taken.status, errorOf(taken).code]).toEqual([75, 'HEIR_KEY_NOT_SHOWN']);
  const { keys } = await json<{ keys: { keyId: string }[] }>(eve, 'heir list');
  for (const more of ['', ' --go-on SERVERS']) {
    ran.add(`server silence alpha KEY${more}`);
    const shown = await callCkm(
      [
        'server',
        'silence',
        setup.folderOf('alpha'),
        keys[0]!.keyId.slice(0, 12),
        ...more.replace('SERVERS', '0123abcd').trim().split(' ').filter(Boolean),
      ],
      { environment: owner, cwd: table },
    );
    if (more === '')
      expect([shown.status, shown.stdout]).toEqual([0, expect.stringContaining('nobody asks for it')]);
    else expect([shown.status, errorOf(shown).code]).toEqual([75, 'HEIR_NOT_ASKING']);
  }
}, 120_000);

test('a paper freeze is brought by somebody who has nothing else, and works once', async () => {
  const made = await ckm(owner, 'freeze savings --paper --out paper.txt');
  expect([made.status, made.stderr]).toEqual([0, expect.stringContaining('nothing is stopped now')]);
  const paper = readFileSync(join(table, 'paper.txt'), 'utf8');
  expect(paper).toMatch(/^ur:envelope\/[a-z]+$/m);
  // As a code for a camera.
  expect(paper).toMatch(/[█▀▄]/);
  const nobody = homeOf('nobody');
  writeFileSync(join(table, 'paper.png'), await formatQrPicture(/^ur:\S+$/m.exec(paper)![0]));
  for (const file of ['paper.txt', 'paper.png']) {
    const previewed = await callCkm(['freeze', '--from', file, '--preview'], {
      environment: nobody,
      cwd: table,
    });
    expect(previewed.stdout).toContain('nothing was sent; would tell 3 servers to do nothing with savings');
  }
  const brought = await ckm(nobody, 'freeze --from paper.txt');
  expect([brought.status, brought.stdout]).toEqual([0, expect.stringContaining('savings is stopped')]);
  const signing = ['sign', 'savings', '--message', 'no', '--domain', 'shop', '--yes', '--timeout', '30'];
  const refused = await callCkm(signing, { environment: owner, cwd: table });
  expect(errorOf(refused).code).toBe('POLICY_KEY_FROZEN');
  writeFileSync(join(table, 'cut.txt'), paper.slice(0, paper.indexOf('ur:envelope') + 60));
  const cut = await callCkm(['freeze', '--from', 'cut.txt'], { environment: nobody, cwd: table });
  expect([cut.status, errorOf(cut).code]).toEqual([65, 'FREEZE_PAPER_INVALID']);
}, 120_000);

test('every command of docs/alive.md is one of those run here', () => {
  expect(ON_PAGE).toHaveLength(12);
  for (const line of ON_PAGE) expect([...ran]).toContain(line);
});
