import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsToSeed } from '@ckm/client';
import { reveal, secret } from '@ckm/foundation';
import { formatUr } from '@ckm/gordian';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inColumns } from '../terminal/show-words.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Outcome, type Scratch, scratchFolder, treeHash } from '../test/run-ckm.js';

let scratch: Scratch;
let home: string;
let words: string;
let strangers: string;
let passphrase: string;
let other: string;

const owner = (args: readonly string[], file = passphrase, at = home): Promise<Outcome> =>
  callCkm([...args, '--home', at, '--passphrase-file', file]);

/** An owner and a stranger, each with a home and words of their own: made once, and copied for each test. */
let made: Scratch;
beforeAll(async () => {
  made = scratchFolder();
  const file = made.file('passphrase', 'river lamp seven onions\n');
  made.file('other', 'window tiger eleven pears\n');
  for (const [name, out] of [
    ['home', 'words'],
    ['elsewhere', 'strangers'],
  ] as const) {
    const at = join(made.path, name);
    await makeOwner({ CKM_HOME: at, CKM_PASSPHRASE_FILE: file });
    expect((await owner(['seed', 'backup', '--out', join(made.path, out)], file, at)).status).toBe(0);
  }
});
afterAll(() => made.remove());

beforeEach(() => {
  scratch = scratchFolder();
  cpSync(made.path, scratch.path, { recursive: true });
  [home, passphrase, other, words, strangers] = ['home', 'passphrase', 'other', 'words', 'strangers'].map(
    (name) => join(scratch.path, name),
  ) as [string, string, string, string, string];
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

describe('ckm seed passphrase', () => {
  const change = (present: string, next: string, ...flags: string[]) =>
    owner(['seed', 'passphrase', '--new-passphrase-file', next, ...flags], present);

  test('exchanges the passphrase of one who knows the present one, and keeps the seed', async () => {
    const before = treeHash(home);
    expect((await change(passphrase, other, '--preview')).status).toBe(0);
    expect(treeHash(home)).toBe(before);
    expect((await change(passphrase, other)).status).toBe(0);
    expect(await backupWith(other)).toBe(readFileSync(words, 'utf8'));
    expect(await backupWith(passphrase)).toBe('PASSPHRASE_WRONG');
  });

  test('changes nothing without the present one, or for a new one that is too short', async () => {
    const before = treeHash(home);
    expect(errorOf(await change(other, other)).code).toBe('PASSPHRASE_WRONG');
    expect(errorOf(await change(passphrase, scratch.file('short', 'river\n'))).code).toBe(
      'PASSPHRASE_TOO_WEAK',
    );
    expect(treeHash(home)).toBe(before);
  });
});

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

describe('ckm seed restore reads a backup', () => {
  const cut = (all: readonly string[]) => all.map((word) => word.slice(0, 4));
  const crypto = (all: readonly string[]): string => {
    const seed = reveal(wordsToSeed(secret(all.join(' '))), 'writing it as an older program does');
    return formatUr({ type: 'crypto-seed', cbor: Uint8Array.of(0xa1, 0x01, 0x58, 32, ...seed) });
  };
  const forms: readonly (readonly [string, (all: readonly string[]) => string])[] = [
    [
      'cut to four letters, numbered, in capitals',
      (all) =>
        cut(all)
          .map((word, i) => `${i + 1}. ${word}\n`)
          .join('')
          .toUpperCase(),
    ],
    ['in quotation marks, with commas', (all) => `[${all.map((word) => `“${word}”`).join(',\r\n')}]`],
    ['under the old name of ur:seed', crypto],
    [
      'under the old name, in capitals and quotation marks, over two lines',
      (all) => `"${crypto(all).toUpperCase().replace(/.{60}/, '$&\n')}"`,
    ],
  ];

  const restored = async (file: string) => {
    const outcome = await owner(['seed', 'restore', '--new-passphrase', '--preview', '--from', file], other);
    return [outcome.status, outcome.stdout];
  };
  const isGood = [0, expect.stringContaining('the backup is good')];

  test.each(forms)('%s', async (_form, write) => {
    const text = write(readFileSync(words, 'utf8').trim().split(/\s+/));
    expect(await restored(scratch.file('backup', text))).toEqual(isGood);
  });

  test.each(forms)('%s, in UTF-16 as some editors save', async (_form, write) => {
    const text = write(readFileSync(words, 'utf8').trim().split(/\s+/));
    const little = Buffer.from(`\ufeff${text}`, 'utf16le');
    for (const bytes of [little, Buffer.from(little).swap16(), little.subarray(2)]) {
      const file = scratch.file('backup', '');
      writeFileSync(file, bytes);
      expect(await restored(file)).toEqual(isGood);
    }
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

describe('a passphrase for something new', () => {
  test.each([
    ['eleven byte', 64, 'PASSPHRASE_TOO_WEAK'],
    ['a', 64, 'PASSPHRASE_TOO_WEAK'],
    ['twelve bytes', 0, undefined],
  ])('“%s” is judged alike for an owner and for a server: status %i', async (text, status, code) => {
    const file = scratch.file('judged', `${text}\n`);
    const asOwner = await owner(['init'], file, join(scratch.path, 'fresh'));
    const folder = join(scratch.path, 'server');
    const asOperator = await callCkm([
      'server',
      'init',
      folder,
      '--name',
      'a',
      '--sealed',
      '--passphrase-file',
      file,
    ]);
    for (const outcome of [asOwner, asOperator]) {
      expect([outcome.status, status === 0 ? undefined : errorOf(outcome).code]).toEqual([status, code]);
    }
  });
});

describe('a passphrase file', () => {
  test('that others can read is pointed out, and one that they cannot is not', async () => {
    const open = scratch.file('open', 'river lamp seven onions\n');
    chmodSync(open, 0o644);
    const told = await owner(['seed', 'backup', '--out', `${words}-3`], open);
    expect([told.status, told.stderr]).toEqual([0, expect.stringContaining(`chmod go-rwx ${open}`)]);
    const quiet = await owner(['seed', 'backup', '--out', `${words}-4`]);
    expect([quiet.status, quiet.stderr]).toEqual([0, '']);
  });
});

test('the words come back as init shows them: numbered, in columns', async () => {
  const list = readFileSync(words, 'utf8').trim().split(' ');
  const shown = scratch.file('shown', inColumns(list));
  const again = join(scratch.path, 'again');
  expect((await owner(['seed', 'restore', '--from', shown], other, again)).status).toBe(0);
  const out = join(scratch.path, 'restored-words');
  expect((await owner(['seed', 'backup', '--out', out], other, again)).status).toBe(0);
  expect(readFileSync(out, 'utf8').trim().split(' ')).toEqual(list);
});
