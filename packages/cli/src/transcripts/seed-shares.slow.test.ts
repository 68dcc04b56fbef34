import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wordsToSeed } from '@ckm/client';
import { reveal, secret } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, type Outcome, runProgram, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';

/** An owner whose seed was split into 2 of 3, and into one of the groups 2 of 2 and 2 of 3. */
let made: Scratch;
let scratch: Scratch;
const at = (...names: string[]) => join(scratch.path, ...names);
const owner = (args: readonly string[], home = at('home')): Promise<Outcome> =>
  callCkm([...args, '--home', home, '--passphrase-file', at('passphrase')]);
const share = (n: number) => at('shares', `share-${n}-of-3.txt`);
const grouped = (group: number, n: number, of: number) =>
  at('groups', `group-${group}-share-${n}-of-${of}.txt`);
const restored = (...files: string[]) =>
  owner(['seed', 'restore', ...files.flatMap((file) => ['--from', file])], at('new'));

beforeAll(async () => {
  made = scratchFolder();
  scratch = made;
  made.file('passphrase', 'river lamp seven onions\n');
  await makeOwner({ CKM_HOME: at('home'), CKM_PASSPHRASE_FILE: at('passphrase') });
  await makeOwner({ CKM_HOME: at('strange'), CKM_PASSPHRASE_FILE: at('passphrase') });
  const splits = [
    ['home', 'shares', '2of3'],
    ['home', 'again', '2of3'],
    ['home', 'groups', '2of2,2of3', '--groups-needed', '1'],
    ['strange', 'strangers', '2of3'],
  ] as const;
  for (const [home, out, groups, ...more] of splits) {
    const args = ['seed', 'backup', '--format', 'sskr', '--groups', groups, ...more, '--out', at(out)];
    expect(await owner(args, at(home))).toMatchObject({ status: 0 });
  }
  expect(await owner(['seed', 'backup', '--out', at('words')])).toMatchObject({ status: 0 });
}, 60_000);
afterAll(() => made.remove());
beforeEach(() => {
  scratch = scratchFolder();
  cpSync(made.path, scratch.path, { recursive: true });
});
afterEach(() => scratch.remove());

const wordsOf = async (home: string) => {
  const out = at('words-of-it');
  expect(await owner(['seed', 'backup', '--out', out], home)).toMatchObject({ status: 0 });
  return readFileSync(out, 'utf8');
};

describe('ckm seed backup --format sskr', () => {
  test('writes a file for each share into a new folder, each for its owner alone, and none of them twice', async () => {
    expect(readdirSync(at('shares'))).toEqual([1, 2, 3].map((n) => `share-${n}-of-3.txt`));
    expect(readdirSync(at('groups'))).toHaveLength(5);
    expect([statSync(at('shares')).mode & 0o777, statSync(share(1)).mode & 0o777]).toEqual([0o700, 0o600]);
    const page = readFileSync(share(2), 'utf8');
    expect(page).toMatch(/^Share 2 of 3, set [0-9a-f]{4}: any 2 of 3 shares bring the seed back$/m);
    expect(page.match(/ur:sskr\/[a-z]{86}\n/g)).toHaveLength(1);
    expect(page.split('\n').length).toBeLessThan(30);
    const again = await owner(['seed', 'backup', '--format', 'sskr', '--out', at('shares')]);
    expect([again.status, errorOf(again).code]).toEqual([64, 'FILE_EXISTS']);
  });

  test('tells machines which they are, and nothing of what they say', async () => {
    const { stdout } = await owner(['seed', 'backup', '--format', 'sskr', '--out', at('third'), '--json']);
    expect(JSON.parse(stdout)).toEqual({
      format: 'sskr',
      out: at('third'),
      set: expect.stringMatching(/^[0-9a-f]{4}$/),
      groupsNeeded: 1,
      groups: [{ needed: 2, of: 3 }],
      files: readdirSync(at('third')),
    });
  });

  test.each([
    [['--format', 'sskr', '--out', '-'], 'OPTION_INVALID'],
    [['--groups', '2of3'], 'OPTION_INVALID'],
    [['--format', 'sskr', '--groups', '1of1', '--out', 'NEW'], 'SSKR_PLAN_INVALID'],
    [['--format', 'sskr', '--groups', '1of1', '--preview'], 'SSKR_PLAN_INVALID'],
    [['--format', 'sskr', '--groups', '2of3,1of2', '--groups-needed', '1', '--preview'], 'SSKR_PLAN_INVALID'],
    [['--format', 'sskr', '--out', 'THERE', '--preview'], 'FILE_EXISTS'],
    [['--format', 'sskr', '--groups', '2of3,2of3', '--out', 'NEW'], 'ARGUMENT_MISSING'],
    [['--format', 'sskr'], 'INPUT_NEEDED'],
  ])('%j: refused, and nothing is written', async (args, code) => {
    const before = treeHash(scratch.path);
    const places = new Map([
      ['NEW', at('NEW')],
      ['THERE', at('shares')],
    ]);
    const refused = await owner(['seed', 'backup', ...args.map((arg) => places.get(arg) ?? arg)]);
    expect([errorOf(refused).code, refused.stdout]).toEqual([code, '']);
    expect(treeHash(scratch.path)).toBe(before);
  });
});

describe('a group of which each share is enough', () => {
  const groups = ['--format', 'sskr', '--groups', '2of3,1of5', '--groups-needed', '2'];

  test(
    'is previewed as what it is: any of its five shares brings the seed back with two of the other group',
    { tags: ['long'] },
    async () => {
      const backUp = ['seed', 'backup', ...groups, '--out', at('copies')];
      const previewed = await owner([...backUp, '--preview']);
      expect([previewed.status, previewed.stdout]).toEqual([
        0,
        expect.stringContaining(
          'all 2 groups bring the seed back (group 1: any 2 of 3 shares; group 2: any 1 of 5 shares)',
        ),
      ]);
      expect(await owner(backUp)).toMatchObject({ status: 0 });
      const files = ['group-1-share-3-of-3.txt', 'group-2-share-5-of-5.txt', 'group-1-share-1-of-3.txt'];
      expect(await restored(...files.map((file) => at('copies', file)))).toMatchObject({ status: 0 });
      expect(await wordsOf(at('new'))).toBe(readFileSync(at('words'), 'utf8'));
    },
  );
});

describe('ckm seed restore out of shares', () => {
  test('brings the same seed back', async () => {
    expect(await restored(share(3), share(1))).toMatchObject({ status: 0 });
    expect(await wordsOf(at('new'))).toBe(readFileSync(at('words'), 'utf8'));
  });

  const cut = (file: string) => {
    const text = readFileSync(file, 'utf8').replace(/(ur:sskr\/\S{20})\S{3}/, '$1');
    return scratch.file('cut', text);
  };
  test.each([
    ['one of two', () => [share(1)], 75, 'SEED_SHARES_TOO_FEW', /not enough: 1 more share \(2 in all\)$/],
    [
      'one of each group',
      () => [grouped(1, 1, 2), grouped(2, 1, 3)],
      75,
      'SEED_SHARES_TOO_FEW',
      /1 more of group 1 \(2 in all\), or 1 more of group 2 \(2 in all\)$/,
    ],
    [
      'the same one twice',
      () => [share(1), share(1)],
      75,
      'SEED_SHARE_REPEATED',
      /share-1-of-3.txt: share 1 of group 1 was given already/,
    ],
    [
      'of two splittings',
      () => [share(1), at('again', 'share-2-of-3.txt')],
      65,
      'SEED_SHARES_MIXED',
      /is of set [0-9a-f]{4}, and the others are of set/,
    ],
    [
      'one of a stranger',
      () => [share(1), at('strangers', 'share-2-of-3.txt')],
      65,
      'SEED_SHARES_MIXED',
      /is of set/,
    ],
    [
      'one that was cut',
      () => [share(1), cut(share(2))],
      65,
      'SSKR_SHARE_UNREADABLE',
      /cut: .*checksum does not match/,
    ],
    [
      'a share and the words',
      () => [share(1), at('words')],
      65,
      'SSKR_SHARE_UNREADABLE',
      /words: this is not a share/,
    ],
    ['a file that is not there', () => [share(1), at('nowhere')], 74, 'FILE_UNREADABLE', /there is no file/],
  ])(
    '%s: refused in words, nothing of a share is said, and nothing is written',
    async (_which, files, status, code, why) => {
      const given = files();
      const before = treeHash(scratch.path);
      const refused = await restored(...given);
      expect([refused.status, errorOf(refused).code, refused.stdout]).toEqual([status, code, '']);
      expect(errorOf(refused).message).toMatch(why);
      expect(refused.stderr).not.toMatch(/ur:sskr\/[a-z]{8}|tuna/);
      expect(treeHash(scratch.path)).toBe(before);
    },
  );
});

describe('ckm seed verify', () => {
  test('says which shares bring the seed back, without the passphrase, and doctor says when it was tried', async () => {
    const args = ['seed', 'verify', share(3), share(2), '--home', at('home'), '--no-input'];
    const { stdout, status } = await callCkm(args);
    expect([status, stdout]).toEqual([
      0,
      'these shares bring the owner seed back: share 3 of group 1, share 2 of group 1\n',
    ]);
    const doctor = await owner(['doctor']);
    expect(doctor.stdout).toMatch(
      /^ok +backup +the 24 words of the owner seed were last shown or typed in here on \d{4}-\d\d-\d\d, and tried on \d{4}-\d\d-\d\d$/m,
    );
  });

  test.each([
    ['two of three', () => [share(3), share(1)]],
    ['all three', () => [share(2), share(3), share(1)]],
    ['a whole group', () => [grouped(1, 2, 2), grouped(1, 1, 2)]],
    ['two groups, one of them not whole', () => [grouped(2, 2, 3), grouped(1, 1, 2), grouped(2, 3, 3)]],
  ])('%s, in any order, bring the seed back', async (_which, files) => {
    expect(await owner(['seed', 'verify', ...files()])).toMatchObject({ status: 0 });
  });

  test('takes them all from one stream, too', async () => {
    const stdin = [1, 2].map((n) => /ur:sskr\S+/.exec(readFileSync(share(n), 'utf8'))![0]).join('\n');
    expect(await callCkm(['seed', 'verify', '-', '--home', at('home')], { stdin })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('bring the owner seed back'),
    });
  });

  test('tells shares that it could not try; takes the words, too; and looks only, with --preview', async () => {
    const before = treeHash(at('home'));
    const seen = await owner([
      'seed',
      'verify',
      grouped(1, 1, 2),
      grouped(2, 2, 3),
      grouped(1, 2, 2),
      '--preview',
    ]);
    expect(seen.stdout).toBe(
      'these shares bring the owner seed back: share 1 of group 1, share 2 of group 1\nnot tried, too few of their group are here: share 2 of group 2\n',
    );
    expect((await owner(['seed', 'verify', at('words'), '--preview'])).stdout).toBe(
      'this backup brings the owner seed back\n',
    );
    expect(treeHash(at('home'))).toBe(before);
  });

  test('knows shares of another seed, also where the folder lost its print', async () => {
    const strangers = [1, 2].map((n) => at('strangers', `share-${n}-of-3.txt`));
    for (const lose of [() => undefined, () => rmSync(at('home', 'seed-print'))]) {
      lose();
      const refused = await owner(['seed', 'verify', ...strangers]);
      expect([refused.status, errorOf(refused).code]).toEqual([75, 'SEED_DIFFERS']);
      expect(await owner(['seed', 'verify', share(1), share(2)])).toMatchObject({ status: 0 });
    }
  });
});

/** The example of the page that stands under that heading. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/without-ckm.md'), 'utf8');

test.skipIf(!hasProgram('python3', '--version'))(
  'whoever has no ckm any more follows docs/without-ckm.md with shares: Python alone has the same seed (needs python3)',
  async () => {
    const [, script] = /## The shares\n[^]*?```python\n([^]*?)```/.exec(PAGE)!;
    scratch.file('shares.py', script!);
    const seed = reveal(wordsToSeed(secret(readFileSync(at('words'), 'utf8').trim())), 'comparing');
    const hex = Buffer.from(seed).toString('hex');
    const python = (...files: string[]) =>
      runProgram('python3', ['shares.py', ...files], { cwd: scratch.path });
    for (const files of [
      [share(1), share(3)],
      [share(3), share(2)],
      [grouped(2, 1, 3), grouped(2, 3, 3)],
    ])
      expect(await python(...files)).toMatchObject({ status: 0, stdout: `${hex}\n` });
    for (const files of [[share(1)], [share(1), at('again', 'share-2-of-3.txt')]])
      expect((await python(...files)).status).not.toBe(0);
  },
);
