import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { hasProgram, run, scratchFolder } from '../fixtures/programs.js';
import { buildGitRequest, embedGitSignature, splitGitSignature } from './build.js';
import { latin1Bytes, readNamedTexts, readLatin1 } from './encoding.js';
import { charactersIn, ENCODING_TABLES, type EncodingTable } from './encoding-tables.js';
import { quoteText } from '../text/quote.js';
import { gitKind } from './index.js';

const key = ed25519Key('git', 'release');
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** A commit whose author, committer and message hold the same text in some encoding. */
function commitIn(encoding: string | null, text: Uint8Array): Uint8Array {
  const who = (role: string) => [encodeUtf8(`${role} `), text, encodeUtf8(' <a@b.org> 1 +0000\n')];
  const header = encoding === null ? '' : `encoding ${encoding}\n`;
  const parts = [...who('author'), ...who('committer')];
  return concatBytes(
    encodeUtf8(`tree ${'a'.repeat(40)}\n`),
    ...parts,
    encodeUtf8(`${header}\n`),
    text,
    Uint8Array.of(10),
  );
}

function tagWith(text: Uint8Array): Uint8Array {
  const head = `object ${'a'.repeat(40)}\ntype commit\ntag v1\ntagger Jo <a@b.org> 1 +0000\n\n`;
  return concatBytes(encodeUtf8(head), text, Uint8Array.of(10));
}

function repository() {
  const folder = scratchFolder();
  const git = (args: readonly string[], input?: Uint8Array) =>
    run(folder, 'git', args, input === undefined ? {} : { input }).trim();
  git(['init', '-q']);
  const write = (objects: readonly Uint8Array[]) => {
    const files = objects.map((_, at) => join(folder, String(at)));
    for (const [at, object] of objects.entries()) writeFileSync(files[at]!, object);
    return git(['hash-object', '-t', 'commit', '-w', ...files]).split('\n');
  };
  return { git, write };
}

/** Every single byte that an encoding of single bytes takes. */
function takenBytes(name: string): readonly Uint8Array[] {
  const all = Array.from({ length: 255 }, (_, at) => Uint8Array.of(at + 1));
  return all.filter((bytes) => outcome(() => readNamedTexts(name, [bytes], bytes)) === 'accepted');
}

function bytesOfCharacter(character: number): Uint8Array {
  return character < 256 ? Uint8Array.of(character) : Uint8Array.of(character >> 8, character & 255);
}

function describeOf(object: Uint8Array) {
  return gitKind.describe(gitKind.parse(buildGitRequest(object)), key.context);
}

/** What iconv of glibc makes of the text on the right. */
const WRITTEN: readonly (readonly [encoding: string, hex: string, text: string])[] = [
  ['ISO-8859-1', '4772 fc df 65', 'Grüße'],
  ['iso8859-1', '4772 fc df 65', 'Grüße'],
  ['latin1', '4772 fc df 65', 'Grüße'],
  ['CP1252', '93 4772 fc df 65 94 20 80', '“Grüße” €'],
  ['ISO-8859-15', '35 20 a4', '5 €'],
  ['ISO-8859-2', 'a3 f3 64 bc', 'Łódź'],
  ['windows-1251', 'cf f0 e8 e2 e5 f2', 'Привет'],
  ['KOI8-R', 'f0 d2 c9 d7 c5 d4', 'Привет'],
  ['CP866', '8f e0 a8 a2 a5 e2', 'Привет'],
  ['eucJP', 'c6 fc cb dc', '日本'],
  ['SJIS', '93 fa 96 7b', '日本'],
  ['EUC-KR', 'c7 d1 b1 db', '한글'],
  ['GBK', 'd6 d0 ce c4', '中文'],
  ['GB18030', 'd6 d0 ce c4', '中文'],
  ['Big5', 'a4 a4 a4 e5', '中文'],
  ['UTF-8', 'c3bc', 'ü'],
  ['US-ASCII', '6f6b', 'ok'],
];

describe('a commit in an encoding that it names', () => {
  test.each(WRITTEN)('%s is read in it', (encoding, hex, text) => {
    const { sentence, rows, warnings } = describeOf(commitIn(encoding, bytesOf(hex)));
    const quoted = text.replaceAll(/[“”]/g, String.raw`\$&`);
    expect(sentence).toContain(`Sign commit “${quoted}” by `);
    expect(rows.find(({ label }) => label === 'Author')?.value).toContain(quoted);
    const named = rows.filter(({ label }) => label === 'Encoding').map(({ value }) => value);
    expect(named).toEqual(encoding === 'UTF-8' ? [] : [encoding]);
    expect(rows.some(({ label }) => label === 'Also')).toBe(false);
    expect(warnings).toEqual([]);
  });

  test.skipIf(!hasProgram('iconv', '--version'))('holds what iconv reads there (needs iconv)', () => {
    for (const [encoding, hex, text] of WRITTEN)
      expect(run('/', 'iconv', ['-f', encoding, '-t', 'UTF-8'], { input: bytesOf(hex) }), encoding).toBe(
        text,
      );
  });

  test.skipIf(!hasProgram('iconv', '--version'))(
    'is read as iconv reads every character of it that we take (needs iconv)',
    { tags: 'slow' },
    () => {
      const others = [['LATIN1'], ['CP1252']].map((names): EncodingTable => ({ names, label: '' }));
      for (const { names, pairs } of [...others, ...ENCODING_TABLES]) {
        const written =
          pairs === undefined ? takenBytes(names[0]!) : charactersIn(pairs).map(bytesOfCharacter);
        expect(written.length, names[0]).toBeGreaterThan(200);
        const input = concatBytes(...written.flatMap((bytes) => [bytes, Uint8Array.of(10)]));
        const theirs = run('/', 'iconv', ['-f', names[0]!, '-t', 'UTF-8'], { input });
        expect(readNamedTexts(names[0]!, [input], input).texts, names[0]).toEqual([theirs]);
      }
    },
  );

  test.skipIf(!hasProgram('iconv', '--version'))('is called as iconv calls it (needs iconv)', () => {
    const known = new Set(run('/', 'iconv', ['-l']).split(/[\s,/]+/));
    expect(ENCODING_TABLES.flatMap(({ names }) => names).filter((name) => !known.has(name))).toEqual([]);
  });

  test.each([
    ['l-atin.1', 'fc'],
    ['k.oi8r', 'd2'],
    ['u.t.f.8', 'c3a9'],
    ['latin-2', 'a3'],
  ])('%s, which is no name to iconv, is refused', (encoding, hex) => {
    expect(outcome(() => buildGitRequest(commitIn(encoding, bytesOf(hex))))).toBe('GIT_ENCODING_UNSUPPORTED');
  });

  test.each([
    ['UTF-7', '2b2f6f6b'],
    ['UTF-16LE', '6f6b'],
    ['ISO-2022-JP', '1b2442467c1b2842'],
    ['HZ', '7e7b56507e7d'],
    ['nobody-knows', '6f6b'],
    ['utf\n -8', '6f6b'],
  ])('%s, where a byte may mean anything, is refused', (encoding, hex) => {
    expect(outcome(() => buildGitRequest(commitIn(encoding, bytesOf(hex))))).toBe('GIT_ENCODING_UNSUPPORTED');
  });

  test.each([
    ['UTF-8', 'ff'],
    ['US-ASCII', 'fc'],
    ['EUC-JP', 'c6'],
    ['ISO-8859-7', 'ff'],
    ['GB2312', '80'],
    ['GB2312', '8140'],
    ['EUC-KR', 'c9a1'],
    ['SJIS', '5c'],
    ['CP1251', '98'],
    ['CP1258', '61cc'],
    ['Big5', '8740'],
  ])('%s, and not written in it, is refused', (encoding, hex) => {
    expect(outcome(() => buildGitRequest(commitIn(encoding, bytesOf(hex))))).toBe('GIT_ENCODING_UNSUPPORTED');
  });

  test('of which another line is not written in it is refused: git shows all of it as it is then', () => {
    const object = commitIn('EUC-KR', bytesOf('c7d1'));
    const text = readLatin1(object).replace('encoding', 'note \xff\nencoding');
    expect(outcome(() => buildGitRequest(latin1Bytes(text)))).toBe('GIT_ENCODING_UNSUPPORTED');
  });

  test('of which the bytes are UTF-8 as well shows both readings, and warns', () => {
    const { sentence, rows, warnings } = describeOf(commitIn('GBK', encodeUtf8('批准')));
    expect(sentence).toContain('“鎵瑰噯”');
    expect(rows).toContainEqual({ label: 'As UTF-8', value: '“批准”' });
    expect(warnings.map(({ code }) => code)).toEqual(['ENCODING_TWO_WAYS']);
  });

  test('that hides a control character of that encoding shows it, and warns', () => {
    const { sentence, warnings } = describeOf(commitIn('ISO-8859-1', bytesOf('6f 9b 6b')));
    expect(sentence).toContain(String.raw`“o\u{9b}k”`);
    expect(warnings.map(({ code }) => code)).toEqual(['HIDDEN_CHARACTERS']);
  });
});

describe('a commit or tag that is not UTF-8 and names no encoding', () => {
  test.each([
    ['commit', commitIn(null, bytesOf('4772fcdf65'))],
    ['tag', tagWith(bytesOf('4772fcdf65'))],
  ])('the %s shows every byte as a letter, and warns', (_what, object) => {
    const { sentence, rows, warnings } = describeOf(object);
    expect(sentence).toContain('“Grüße”');
    expect(rows).toContainEqual({ label: 'Encoding', value: 'not named', note: 'shown as ISO-8859-1' });
    expect(warnings.map(({ code }) => code)).toEqual(['ENCODING_UNKNOWN']);
  });

  test('a line at which git believes that a signature begins is found whatever the letters around it', () => {
    const text = concatBytes(bytesOf('fc0a'), encodeUtf8('-----BEGIN SSH SIGNATURE-----'));
    expect(outcome(() => buildGitRequest(tagWith(text)))).toBe('GIT_ALREADY_SIGNED');
  });
});

/** Texts that are UTF-8, under the names of encodings in which some are texts too, and others are none. */
const LABELLED: readonly (readonly [encoding: string, text: string])[] = [
  'GB2312',
  'GBK',
  'EUC-KR',
  'Big5',
  'SJIS',
  'EUC-JP',
  'windows-1252',
  'l-atin.1',
  'KOI8-R',
  'CP1251',
].flatMap((name) =>
  ['删除全部备份', '批准付款', '결제를 승인합니다', 'prix 5 €', 'удалить', '支払い承認', '“no”'].map(
    (text) => [name, text] as const,
  ),
);

test.skipIf(!hasProgram('git', '--version'))(
  'what is UTF-8 and called otherwise is refused, or told as git shows it with a warning (needs git)',
  { tags: 'slow' },
  () => {
    const { git, write } = repository();
    const objects = LABELLED.map(([encoding, text]) => commitIn(encoding, encodeUtf8(text)));
    const ids = write(objects);
    const shown = git(['log', '--no-walk=unsorted', '--format=<%s>', '--encoding=UTF-8', ...ids]).split('\n');
    const told = objects.map((object) => outcome(() => buildGitRequest(object)));
    expect(told.filter((code) => code === 'accepted').length).toBeGreaterThan(10);
    for (const [at, [encoding, text]] of LABELLED.entries()) {
      if (told[at] !== 'accepted') continue;
      const { sentence, warnings } = describeOf(objects[at]!);
      expect(sentence, `${encoding} ${text}`).toContain(
        `Sign commit ${quoteText(shown[at]!.slice(1, -1), 100)} by`,
      );
      expect(warnings.map(({ code }) => code)).toContain('ENCODING_TWO_WAYS');
    }
  },
);

test.skipIf(!hasProgram('git', '--version'))(
  'git shows a signed commit in KOI8-R as we did (needs git)',
  () => {
    const { git } = repository();
    const tree = git(['write-tree']);
    const text = readLatin1(commitIn('KOI8-R', bytesOf('f0 d2 c9 d7 c5 d4')));
    const object = latin1Bytes(text.replace('a'.repeat(40), tree));
    const typed = gitKind.parse(buildGitRequest(object));
    const armored = gitKind.finish(typed, key.context, gitKind.tasks(typed, key.context).map(key.sign));
    const complete = embedGitSignature(object, armored);
    const id = git(['hash-object', '-t', 'commit', '-w', '--stdin'], complete);
    expect(git(['log', '-1', '--format=%an: %s', '--encoding=UTF-8', id])).toBe('Привет: Привет');
    expect(describeOf(object).sentence).toContain('Sign commit “Привет” by Привет <a@b.org>');
    expect(splitGitSignature(complete)).toEqual({ object, armored });
  },
);
