import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { errorOf, type Outcome, runCkm, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';

let scratch: Scratch;
let home: string;
let words: string;
let strangers: string;
let passphrase: string;
let other: string;

const owner = (args: readonly string[], file = passphrase, at = home): Promise<Outcome> =>
  runCkm([...args, '--home', at, '--passphrase-file', file]);

beforeEach(async () => {
  scratch = scratchFolder();
  home = join(scratch.path, 'home');
  passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
  other = scratch.file('other', 'window tiger eleven pears\n');
  words = join(scratch.path, 'words');
  strangers = join(scratch.path, 'strangers');
  const elsewhere = join(scratch.path, 'elsewhere');
  for (const [at, out] of [
    [home, words],
    [elsewhere, strangers],
  ] as const) {
    expect((await owner(['init'], passphrase, at)).status).toBe(0);
    expect((await owner(['seed', 'backup', '--out', out], passphrase, at)).status).toBe(0);
  }
});
afterEach(() => scratch.remove());

const backupWith = async (file: string): Promise<string> => {
  const out = join(scratch.path, `again-${Math.floor(performance.now())}`);
  const outcome = await owner(['seed', 'backup', '--out', out], file);
  return outcome.status === 0 ? readFileSync(out, 'utf8') : errorOf(outcome).code;
};
/** The command that a hint names, as it is typed. */
const advisedBy = ({ hint }: { hint: string }) =>
  /ckm (seed restore[a-z -]*)/.exec(hint)?.[1]?.trim().split(' ');

describe('a passphrase that is lost', () => {
  test('is replaced by what the hint says, with the words; the old passphrase opens nothing any more', async () => {
    const refused = errorOf(await owner(['seed', 'backup', '--out', `${words}-2`], other));
    expect(refused.code).toBe('PASSPHRASE_WRONG');
    const advice = advisedBy(refused)!;
    expect((await owner([...advice, '--from', words], other)).status).toBe(0);
    expect(await backupWith(other)).toBe(readFileSync(words, 'utf8'));
    expect(await backupWith(passphrase)).toBe('PASSPHRASE_WRONG');
    expect(readdirSync(home).filter((name) => name.includes('before'))).toEqual([]);
  });

  test('restored without the flag says which flag', async () => {
    const refused = errorOf(await owner(['seed', 'restore', '--from', words], other));
    expect(refused.code).toBe('SEED_EXISTS');
    expect(advisedBy(refused)).toEqual(['seed', 'restore', '--new-passphrase']);
  });
});

describe('somebody else’s words over an owner’s seed', () => {
  test.each([['--new-passphrase'], ['--new-passphrase --preview']])(
    'are refused with %s, and nothing is changed',
    async (flags) => {
      const before = treeHash(home);
      const refused = await owner(['seed', 'restore', ...flags.split(' '), '--from', strangers], other);
      expect([refused.status, errorOf(refused).code]).toEqual([75, 'SEED_DIFFERS']);
      expect(treeHash(home)).toBe(before);
    },
  );

  test('are refused even when the seed file is gone or damaged', async () => {
    for (const change of [(path: string) => writeFileSync(path, 'garbage'), (path: string) => rmSync(path)]) {
      change(join(home, 'seed'));
      const refused = await owner(['seed', 'restore', '--new-passphrase', '--from', strangers], other);
      expect(errorOf(refused).code).toBe('SEED_DIFFERS');
    }
  });
});

describe('a seed file that is damaged', () => {
  test('is restored by what the hint says', async () => {
    writeFileSync(join(home, 'seed'), 'garbage');
    const refused = errorOf(await owner(['seed', 'backup', '--out', `${words}-2`]));
    expect(refused.code).toBe('SEED_FILE_CORRUPT');
    expect((await owner([...advisedBy(refused)!, '--from', words], other)).status).toBe(0);
    expect(await backupWith(other)).toBe(readFileSync(words, 'utf8'));
  });

  test('and that nothing can be compared with, is kept beside the new one, and said so', async () => {
    const old = readFileSync(join(home, 'seed'));
    rmSync(join(home, 'seed-print'));
    const restored = await owner(['seed', 'restore', '--new-passphrase', '--from', strangers], other);
    expect(restored.status).toBe(0);
    const [kept] = readdirSync(home).filter((name) => name.startsWith('seed.before-'));
    expect(restored.stderr).toContain(join(home, kept!));
    expect(readFileSync(join(home, kept!))).toEqual(old);
    expect(await backupWith(other)).toBe(readFileSync(strangers, 'utf8'));
  });
});
