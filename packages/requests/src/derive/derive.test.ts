import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import type { KeyContext } from '../kind.js';
import { lengthPrefixed } from '../wire/bytes.js';
import { encodePayload } from '../wire/payload.js';
import { buildDeriveRequest } from './build.js';
import { deriveKind } from './index.js';
import { decodeLabel, encodeLabel, formatLabel, parseLabel } from './label.js';

const key: KeyContext = {
  ...ed25519Key('derive', 'vault').context,
  suite: 'ristretto255',
  public: { ...ed25519Key('derive').context.public, suite: 'ristretto255' },
};
const label = parseLabel('backup/nas');
const payload = buildDeriveRequest(label);

describe('V61, S8: a label has one spelling', () => {
  test('is read and written as it is typed', () => {
    expect(label).toEqual({ purpose: 'secret', parts: ['backup', 'nas'] });
    expect(formatLabel(decodeLabel(encodeLabel(label)))).toBe('backup/nas');
    expect(parseLabel('Größe/日本/a b').parts).toEqual(['Größe', '日本', 'a b']);
  });

  test.each([
    ['nothing', ''],
    ['a slash in front', '/backup'],
    ['a slash behind', 'backup/'],
    ['two slashes together', 'backup//nas'],
    ['a line break', 'backup\nnas'],
    ['a carriage return', 'backup\rnas'],
    ['a zero', 'backup\0'],
    ['a tab', 'a\tb'],
    ['letters apart from their marks', 'Gro\u0308\u00dfe'],
    ['a joiner that does not show', 'a\u200db'],
    ['a mark that turns words around', '\u202eabc'],
    ['another space', 'a\u00a0b'],
    ['an unassigned letter', '\u0378'],
    ['half a letter', '\ud800'],
    ['a private letter', '\ue000'],
    ['a part of 129 bytes', 'a'.repeat(129)],
    ['17 parts', Array.from({ length: 17 }, () => 'a').join('/')],
    ['1,025 bytes in all', [...Array.from({ length: 8 }, () => 'a'.repeat(128)), 'b'].join('/')],
  ])('refuses %s, and puts nothing right', (_, text) => {
    expect(outcome(() => parseLabel(text))).toBe('LABEL_INVALID');
  });

  test('takes 16 parts of 64 bytes, and one of 128', () => {
    expect(parseLabel(Array.from({ length: 16 }, () => 'a'.repeat(64)).join('/')).parts).toHaveLength(16);
    expect(parseLabel('ö'.repeat(64)).parts).toHaveLength(1);
  });

  test.each<[string, Uint8Array, string]>([
    ['a text', encodeData('secret/backup'), 'PAYLOAD_MALFORMED'],
    ['another purpose', encodeData(['envelope', 'backup']), 'LABEL_INVALID'],
    ['no part', encodeData(['secret']), 'LABEL_INVALID'],
    ['a number among its parts', encodeData(['secret', 7]), 'PAYLOAD_MALFORMED'],
    ['a slash inside a part', encodeData(['secret', 'backup/nas']), 'LABEL_INVALID'],
    [
      'a longer way to write a length',
      Uint8Array.of(0x98, 2, ...encodeData(['secret', 'a']).slice(1)),
      'PAYLOAD_MALFORMED',
    ],
    ['bytes behind it', concatBytes(encodeLabel(label), Uint8Array.of(0)), 'PAYLOAD_MALFORMED'],
    ['arrays a thousand deep', new Uint8Array(1000).fill(0x81), 'PAYLOAD_MALFORMED'],
    ['nothing', new Uint8Array(), 'PAYLOAD_MALFORMED'],
    [
      'letters apart from their marks',
      concatBytes(encodeData(['secret', 'abc']).slice(0, -4), Uint8Array.of(0x63, 0x6f, 0xcc, 0x88)),
      'PAYLOAD_MALFORMED',
    ],
  ])('a server refuses %s', (_, bytes, code) => {
    expect(outcome(() => deriveKind.parse(encodePayload(lengthPrefixed(bytes))))).toBe(code);
  });

  test('two labels never have the same bytes: no slash, no part and no letter is lost', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'b', 'A', 'ä', ' ', '2'),
      minLength: 1,
      maxLength: 4,
    });
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const [a, b] = [one, other].map((each) => encodeLabel({ purpose: 'secret', parts: each }).join());
        expect(a === b).toBe(one.join('/') === other.join('/'));
      }),
    );
  });
});

describe('a request for a derived secret', () => {
  const typed = deriveKind.parse(payload);

  test('says what it hands out', () => {
    expect(deriveKind.describe(typed, key)).toEqual({
      sentence: 'Give out the secret that vault has for “backup/nas”',
      rows: [
        { label: 'Label', value: '“backup/nas”' },
        { label: 'Secret', value: '32 bytes, the same each time', note: 'no server sees it' },
      ],
      warnings: [],
      blind: false,
    });
  });

  test('tells rules the label and its first part, whole', () => {
    expect(deriveKind.facts(deriveKind.parse(buildDeriveRequest(parseLabel('heirs2/a/b'))), key)).toEqual({
      label: ['heirs2/a/b'],
      labelFirst: ['heirs2'],
    });
  });

  test('is one evaluation at the label, and what comes of it is the secret, verified by nobody', () => {
    expect(deriveKind.tasks(typed, key)).toEqual([
      { craft: 'evaluation', mode: 'derive', input: encodeLabel(label) },
    ]);
    const output = new Uint8Array(32).fill(7);
    expect(deriveKind.finish(typed, key, [{ craft: 'evaluation', output }])).toEqual(output);
    const wrong = [
      [],
      [{ craft: 'evaluation' as const, output: new Uint8Array(31) }],
      [{ craft: 'frost' as const, signature: output }],
    ];
    for (const results of wrong)
      expect(outcome(() => deriveKind.finish(typed, key, results))).toBe('SIGNATURE_COUNT_WRONG');
    expect(deriveKind.verify(typed, key, output)).toBe(false);
    expect(deriveKind.showArtefact(output).text).toBe('07'.repeat(32));
  });

  test('is for keys that were made for it, and these answer to nothing else', () => {
    expect(outcome(() => deriveKind.tasks(typed, ed25519Key('message').context))).toBe(
      'REQUEST_KIND_NOT_FOR_KEY',
    );
    expect(outcome(() => deriveKind.tasks(typed, ed25519Key('derive').context))).toBe(
      'REQUEST_KIND_NOT_FOR_KEY',
    );
    expect(deriveKind.form.build(encodeUtf8('backup/nas'), new Map())).toEqual(payload);
  });
});
