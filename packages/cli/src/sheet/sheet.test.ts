import { encodeHex, secret, type Secret } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { foldLines } from '../terminal/fold-lines.js';
import { outcomeOf } from '../test/outcome.js';
import { splitForQr } from './qr.js';
import { checkSheet, createSheetCheck } from './sheet-check.js';
import { sheetPage } from './sheet-page.js';
import { checkedLines, formatSheet, parseSheet, type Sheet, type SheetKey, sheetLines } from './sheet.js';

const NOON = 1_795_953_600;

function seedOf(byte: number): Secret<Uint8Array> {
  return secret(new Uint8Array(32).fill(byte));
}

function keyOf(name: string, network: SheetKey['network'], byte: number): SheetKey {
  const transcriptHash = new Uint8Array(32).fill(byte);
  const use = {
    purpose: 'message',
    suite: 'ed25519',
    quorum: '2 of 3',
    servers: ['alpha'],
    recovery: 'epoch',
    publicForm: null,
  };
  return { ...use, name, network, transcriptHash };
}
const KEYS = [keyOf('notes', null, 0xa1), keyOf('savings', 'signet', 0xb2)];

const NAMES = ['alpha', 'bravo', 'charlie'];

function serverOf(name: string, i: number) {
  return { name, xid: new Uint8Array(32).fill(i + 1), url: `https://${name}.example/a&amp;b` };
}

function sheetOf(names: readonly string[] = NAMES, seed = seedOf(7)): Sheet {
  const servers = names.map(serverOf);
  const check = createSheetCheck(seed, checkedLines({ madeOn: '2026-11-29', servers, keys: KEYS }));
  return { madeAt: NOON, servers, keys: KEYS, check };
}

test.each([40, 60, 64, 100])(
  'a sheet that a terminal of %d columns has broken is read as it was',
  (columns) => {
    const text = formatSheet(sheetOf());
    const folded = foldLines(text, columns);
    expect(folded).not.toBe(text);
    expect(parseSheet(folded)).toEqual(parseSheet(text));
    expect(checkSheet(seedOf(7), parseSheet(folded))).toBe('good');
  },
);

/** As a program writes down a screen that breaks lines wherever it is full. */
function cutAt(columns: number, text: string): string {
  const rows = new RegExp(`.{1,${columns}}`, 'g');
  return text
    .split('\n')
    .flatMap((line) => line.match(rows) ?? [''])
    .join('\n');
}

test('a sheet that was copied off a screen of any width, cut in the middle of words, is read as it was', () => {
  const text = formatSheet(sheetOf());
  for (let columns = 40; columns <= 140; columns++) {
    for (const rows of [cutAt(columns, text), cutAt(columns, text).replace(/ +$/gm, '')]) {
      const copied = `${rows}alice@laptop:~$ \n`;
      expect([columns, parseSheet(copied)]).toEqual([columns, parseSheet(text)]);
      expect(checkSheet(seedOf(7), parseSheet(copied))).toBe('good');
    }
  }
});

test.each([
  ['a row is missing', (rows: string[]) => rows.filter((row) => !/^[0-9a-f]+ https/.test(row))],
  ['two rows have changed places', (rows: string[]) => rows.toReversed()],
])('of a sheet that was copied off a screen, and %s, nothing is taken', (_what, change) => {
  const [readable, lines] = formatSheet(sheetOf()).split('ckm-recovery-sheet: 1\n') as [string, string];
  const rows = change(cutAt(60, lines).split('\n')).join('\n');
  expect(
    outcomeOf(() => checkSheet(seedOf(7), parseSheet(`${readable}ckm-recovery-sheet: 1\n${rows}`))),
  ).toMatch(/^(?:SHEET_INVALID|SHEET_CHANGED)$/);
});

test.each([
  ['text', (sheet: Sheet) => Promise.resolve(formatSheet(sheet))],
  ['a page', sheetPage],
  [
    // Whoever parses a page drops the line break behind `<pre>`.
    'a page that a browser has saved',
    async (sheet: Sheet) => (await sheetPage(sheet)).replace('<pre>\n', '<pre>'),
  ],
])(
  'parseSheet reads what was written as %s, and its check is good for its own seed',
  async (_what, write) => {
    const { servers, check } = sheetOf();
    const keys = KEYS.map(({ name, network, transcriptHash }) => ({ name, network, transcriptHash }));
    const read = parseSheet(await write(sheetOf()));
    expect(read).toEqual({ madeOn: '2026-11-29', servers, keys, check });
    expect(checkSheet(seedOf(7), read)).toBe('good');
    expect(outcomeOf(() => checkSheet(seedOf(8), read))).toBe('SHEET_OF_ANOTHER_SEED');
  },
);

test.each([
  ['another identity stands for a server', /^(server: bravo )[0-9a-f]{4}/m, '$1ffff'],
  ['a server has another address', /^(server: bravo .*)example/m, '$1attacker.example'],
  ['a server has another name', 'server: bravo', 'server: brave'],
  ['a server is left out', /^server: bravo.*\n/m, ''],
  ['a server stands twice under two names', /^server: bravo (.*)\n/m, '$&server: delta $1\n'],
  ['two servers have changed places', /^(server: bravo.*\n)(server: charlie.*\n)/m, '$2$1'],
  ['an old day was replaced by a new one', 'made: 2026-11-29', 'made: 2027-11-29'],
  ['the day is left out', /^made.*\n/m, ''],
  ['a key has another name', /^key: notes/m, 'key: savings2'],
  ['a key has another likeness', /^key: notes a1/m, 'key: notes a2'],
  ['addresses are those of another network', /^(key: savings \w+) signet/m, '$1 bitcoin'],
  ['a key is left out', /^key: notes.*\n/m, ''],
  ['the check is that of another sheet', /^(check: \w+ ).*$/m, `$1${'ab'.repeat(32)}`],
])('checkSheet refuses a sheet on which %s', (_what, from, to) => {
  const text = formatSheet(sheetOf());
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  expect(outcomeOf(() => checkSheet(seedOf(7), parseSheet(changed)))).toBe('SHEET_CHANGED');
});

test('checkSheet takes nothing for good that has no check, whatever else stands behind the servers', () => {
  const stripped = formatSheet(sheetOf()).replace(/^check:.*\n/m, '');
  expect(checkSheet(seedOf(7), parseSheet(stripped))).toBe('unknown');
  // Lines that were put in front are the ones that are read, and the check behind is not about them.
  const before = `ckm-recovery-sheet: 1\nserver: eve ${'ee'.repeat(32)} https://eve.example\n\n`;
  expect(checkSheet(seedOf(7), parseSheet(before + formatSheet(sheetOf())))).toBe('unknown');
});

test.each([
  ['key: notes 00', 'line “key: notes 00”'],
  ['check: 00', 'line “check: 00”'],
  ['server: bravo 00 https://bravo.example', 'line “server: bravo 00'],
])('parseSheet does not pass over a line that it cannot read: %s', (line, said) => {
  const text = `ckm-recovery-sheet: 1\nserver: alpha ${'aa'.repeat(32)} https://alpha.example\n${line}\n`;
  expect(() => parseSheet(text)).toThrow(said);
});

test('createSheetCheck gives each seed a name of its own, and each text of the lines one check', () => {
  const lines = ['one', 'two'];
  const one = createSheetCheck(seedOf(7), lines);
  const other = createSheetCheck(seedOf(8), lines);
  expect(encodeHex(one.seedName)).not.toBe(encodeHex(other.seedName));
  expect([one.seedName.length, one.mac.length]).toEqual([8, 32]);
  expect(createSheetCheck(seedOf(7), ['one\ntwo'])).toEqual(one);
  expect(encodeHex(createSheetCheck(seedOf(7), ['one', 'two', '']).mac)).not.toBe(encodeHex(one.mac));
});

test('a page of three hundred servers has QR codes for all of them, and is read back', async () => {
  const names = Array.from({ length: 300 }, (_, i) => `server-${i}-${'x'.repeat(20)}`);
  const sheet = sheetOf(names);
  const page = await sheetPage(sheet);
  const parts = splitForQr(sheetLines(sheet));
  expect(parts.join('\n')).toBe(sheetLines(sheet).join('\n'));
  expect(Math.max(...parts.map((part) => Buffer.byteLength(part)))).toBeLessThanOrEqual(1_000);
  expect(page).toContain(`<figcaption>${parts.length} of ${parts.length}</figcaption>`);
  // What `ckm seed restore --sheet` reads at most.
  expect(Buffer.byteLength(page)).toBeLessThan(16_777_216);
  expect(checkSheet(seedOf(7), parseSheet(page))).toBe('good');
});

test('a page of three servers has one QR code, of the lines that stand beside it', async () => {
  const page = await sheetPage(sheetOf());
  expect(splitForQr(sheetLines(sheetOf()))).toEqual([sheetLines(sheetOf()).join('\n')]);
  expect([page.match(/<figure>/g)?.length, page.includes('figcaption>')]).toEqual([1, false]);
});
