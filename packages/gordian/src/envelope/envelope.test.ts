import { decodeHex, encodeHex } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { cbor, type CborInput, taggedValue } from '../cbor/dcbor.js';
import { decodeEnvelope } from './decode.js';
import { digestSet, digestsWithin, hideParts, showOnly, unhide } from './elide.js';
import { encodeEnvelope } from './encode.js';
import { encryptSubjectWithNonce, decryptSubject } from './encrypt.js';
import {
  addAssertion,
  withAssertion,
  assertion,
  digestCbor,
  elided,
  knownValue,
  leaf,
  node,
  wrap,
  type Envelope,
} from './envelope.js';
import { formatEnvelope, formatEnvelopeFlat } from './format/notation.js';
import { formatTree } from './format/tree.js';
import { KNOWN } from './known-values.js';
import { bareAssertion, leafText, objectFor, objectsFor } from './queries.js';
import { isEquivalent } from './signature.js';
import { TAG } from '../cbor/tags.js';
import { parseEnvelopeUr } from './ur.js';

// Expectations: BlockchainCommons/bc-envelope-rust, tests/{core,core_nesting,elision,encrypted,format}_tests.rs.

const text = (value: string): Envelope => leaf(value);
const says = (subject: Envelope, predicate: string, object: string): Envelope =>
  withAssertion(subject, text(predicate), text(object));
const lines = (...parts: readonly string[]): string => parts.join('\n');
const arid = (hex: string): Envelope => leaf(taggedValue(TAG.arid, cbor(decodeHex(hex))));

const hello = text('Hello.');
const knowsBob = assertion(text('knows'), text('Bob'));
const one = addAssertion(text('Alice'), knowsBob);
const two = says(one, 'knows', 'Carol');

function roundTrip(envelope: Envelope): Envelope {
  const bytes = encodeEnvelope(envelope);
  const decoded = decodeEnvelope(bytes);
  expect(encodeEnvelope(decoded)).toEqual(bytes);
  expect(decoded).toEqual(envelope);
  return decoded;
}

describe('the digest of', () => {
  const cases: readonly (readonly [string, Envelope, string])[] = [
    ['an integer', leaf(42), '7f83f7bda2d63959d34767689f06d47576683d378d9eb8d09386c9a020395c53'],
    ['a negative integer', leaf(-42), '9e0ad272780de7aa1dbdfbc99058bb81152f623d3b95b5dfb0a036badfcc9055'],
    ['a text', hello, '8cc96cdb771176e835114a0f8936690b41cfed0df22d014eedd64edaea945d59'],
    [
      'a known value',
      knownValue(KNOWN.note),
      '0fcd6a39d6ed37f2e2efa6a96214596f1b28a5cd42a5a27afc32162aaf821191',
    ],
    ['a predicate', text('knows'), 'db7dd21c5169b4848d2a1bcb0a651c9617cdd90bae29156baaefbb2a8abef5ba'],
    ['an object', text('Bob'), '13b741949c37b8e09cc3daa3194c58e4fd6b2f14d4b1d0f035a46d6d5a1d3f11'],
    ['an assertion', knowsBob, '78d666eb8f4c0977a0425ab6aa21ea16934a6bc97c6f0c3abaefac951c1714a2'],
    ['a node', one, '8955db5e016affb133df56c11fe6c5c82fa3036263d651286d134c7e56c0e9f2'],
    ['a node with two assertions', two, 'b8d857f6e06a836fbc68ca0ce43e55ceb98eefd949119dab344e11c4ba5a0471'],
    ['a wrapped envelope', wrap(hello), '172a5e51431062e7b13525cbceb8ad8475977444cf28423e21c0d1dcbdfcaf47'],
    [
      'a twice wrapped one',
      wrap(wrap(hello)),
      '8b14f3bcd7c05aac8f2162e7047d7ef5d5eab7d82ee3f9dc4846c70bae4d200b',
    ],
    [
      'a digest as a leaf',
      leaf(digestCbor(hello.digest)),
      '07b518af92a6196bc153752aabefedb34ff8e1a7d820c01ef978dfc3e7e52e05',
    ],
  ];
  it.each(cases)('%s is the one of the reference', (_name, envelope, digest) => {
    expect(encodeHex(envelope.digest)).toBe(digest);
    expect(encodeHex(roundTrip(envelope).digest)).toBe(digest);
  });
});

describe('the encoding', () => {
  it('keeps leaves, known values, wraps, assertions, nodes and hidden parts apart', () => {
    const hex = (envelope: Envelope): string => encodeHex(encodeEnvelope(envelope));
    expect(hex(leaf(42))).toBe('d8c8d8c9182a');
    expect(hex(knownValue(4))).toBe('d8c804');
    expect(hex(wrap(hello))).toBe('d8c8d8c8d8c96648656c6c6f2e');
    expect(hex(knowsBob)).toBe('d8c8a1d8c9656b6e6f7773d8c963426f62');
    expect(hex(one)).toBe('d8c882d8c965416c696365a1d8c9656b6e6f7773d8c963426f62');
    expect(hex(elided(hello.digest))).toBe(`d8c85820${encodeHex(hello.digest)}`);
  });

  it(
    'encodeEnvelope writes a node of 60,000 assertions, which are more parts than a call takes arguments',
    { tags: 'slow' },
    () => {
      const many = Array.from({ length: 60_000 }, (_, i) => assertion(knownValue(1), knownValue(70_000 + i)));
      const bytes = encodeEnvelope(node(hello, many));
      expect(encodeEnvelope(decodeEnvelope(bytes))).toEqual(bytes);
    },
  );

  it('is read back from more assertions than fit into one head byte', () => {
    let many: Envelope = text('many');
    for (let i = 0; i < 300; i++) many = withAssertion(many, leaf(i), leaf(i));
    roundTrip(many);
  });
});

describe('V9: an attacker who writes envelopes by hand', () => {
  const refusals: readonly (readonly [string, string, string])[] = [
    ['tag 200 left out', '182a', 'ENVELOPE_INVALID'],
    ['a bare text', 'd8c86141', 'ENVELOPE_INVALID'],
    ['a retired leaf tag', 'd8c8d818182a', 'ENVELOPE_INVALID'],
    ['an unknown tag', 'd8c8d86400', 'ENVELOPE_INVALID'],
    ['a short digest', 'd8c84100', 'ENVELOPE_INVALID'],
    ['a node without assertions', 'd8c88101', 'ENVELOPE_INVALID'],
    ['an assertion with two predicates', 'd8c8a201010202', 'ENVELOPE_INVALID'],
    ['an empty assertion', 'd8c8a0', 'ENVELOPE_INVALID'],
    ['a leaf where an assertion belongs', 'd8c88201d8c902', 'ENVELOPE_ASSERTION_EXPECTED'],
    ['the same assertion twice', 'd8c88301a10102a10102', 'ENVELOPE_ORDER_INVALID'],
    ['a long-form integer', 'd8c8180a', 'CBOR_INVALID'],
    ['bytes behind the end', 'd8c80101', 'CBOR_INVALID'],
    ['nothing', '', 'CBOR_INVALID'],
    [
      'an encrypted part without digest',
      `d8c8d99c428341004c${'00'.repeat(12)}50${'00'.repeat(16)}`,
      'ENVELOPE_INVALID',
    ],
  ];
  it.each(refusals)('is refused: %s', (_name, hex, code) => {
    expect(() => decodeEnvelope(decodeHex(hex))).toThrow(expect.objectContaining({ code }));
  });

  it('cannot put assertions into another order', () => {
    const bytes = encodeEnvelope(two);
    const at = encodeHex(bytes).indexOf('a1d8c9') / 2;
    const half = (bytes.length - at) / 2;
    const [first, second] =
      two.kind === 'node' ? two.assertions.map((each) => encodeEnvelope(each).slice(2)) : [];
    expect(half).toBeGreaterThan(0);
    const swapped = new Uint8Array([...bytes.slice(0, at), ...second!, ...first!]);
    expect(() => decodeEnvelope(swapped)).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_ORDER_INVALID' }),
    );
  });
});

describe('elision', () => {
  const hide = (envelope: Envelope, ...targets: readonly Envelope[]): string =>
    formatEnvelope(roundTrip(hideParts(envelope, digestSet(...targets))));
  const show = (envelope: Envelope, ...targets: readonly Envelope[]): string =>
    formatEnvelope(roundTrip(showOnly(envelope, digestSet(...targets))));

  it('hides a whole, a subject, a predicate, an object, an assertion', () => {
    expect(hide(one, one)).toBe('ELIDED');
    expect(hide(one, text('Alice'))).toBe(lines('ELIDED [', '    "knows": "Bob"', ']'));
    expect(hide(one, text('knows'))).toBe(lines('"Alice" [', '    ELIDED: "Bob"', ']'));
    expect(hide(one, text('Bob'))).toBe(lines('"Alice" [', '    "knows": ELIDED', ']'));
    expect(hide(one, knowsBob)).toBe(lines('"Alice" [', '    ELIDED', ']'));
    expect(hide(two, text('knows'))).toBe(
      lines('"Alice" [', '    ELIDED: "Bob"', '    ELIDED: "Carol"', ']'),
    );
    expect(hide(two, text('Bob'))).toBe(
      lines('"Alice" [', '    "knows": "Carol"', '    "knows": ELIDED', ']'),
    );
    expect(hide(two, knowsBob)).toBe(lines('"Alice" [', '    "knows": "Carol"', '    ELIDED', ']'));
    expect(hide(wrap(wrap(hello)), hello)).toBe(lines('{', '    {', '        ELIDED', '    }', '}'));
  });

  it('shows nothing, structure, a subject, an assertion, a predicate, an object', () => {
    expect(show(one)).toBe('ELIDED');
    expect(show(one, one)).toBe(lines('ELIDED [', '    ELIDED', ']'));
    expect(show(two, two)).toBe(lines('ELIDED [', '    ELIDED (2)', ']'));
    expect(show(two, two, text('Alice'))).toBe(lines('"Alice" [', '    ELIDED (2)', ']'));
    expect(show(two, two, knowsBob)).toBe(lines('ELIDED [', '    ELIDED: ELIDED', '    ELIDED', ']'));
    expect(show(one, one, knowsBob, text('knows'))).toBe(lines('ELIDED [', '    "knows": ELIDED', ']'));
    expect(show(two, two, knowsBob, text('Bob'))).toBe(
      lines('ELIDED [', '    ELIDED: "Bob"', '    ELIDED', ']'),
    );
  });

  it('shows as many levels as are asked for', () => {
    const within = (levels?: number): string => formatEnvelope(showOnly(two, digestsWithin(two, levels)));
    expect(within(0)).toBe('ELIDED');
    expect(within(1)).toBe(lines('"Alice" [', '    ELIDED (2)', ']'));
    expect(within(2)).toBe(lines('"Alice" [', '    ELIDED: ELIDED', '    ELIDED: ELIDED', ']'));
    expect(within(3)).toBe(formatEnvelope(two));
    expect(within()).toBe(formatEnvelope(two));
  });

  it('shows one assertion in full among hidden ones', () => {
    const three = says(two, 'livesAt', '123 Main St.');
    const home = says(text('x'), 'livesAt', '123 Main St.');
    const shown = new Set([
      ...digestsWithin(three, 1),
      ...digestsWithin(knowsBob),
      ...(home.kind === 'node' ? digestsWithin(home.assertions[0]!) : []),
    ]);
    expect(formatEnvelope(showOnly(three, shown))).toBe(
      lines('"Alice" [', '    "knows": "Bob"', '    "livesAt": "123 Main St."', '    ELIDED', ']'),
    );
  });

  it('is undone only with what was hidden', () => {
    const hidden = elided(hello.digest);
    expect(unhide(hidden, hello)).toBe(hello);
    expect(isEquivalent(hidden, hello)).toBe(true);
    expect(() => unhide(hidden, text('Hello!'))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_DIGEST_MISMATCH' }),
    );
  });
});

describe('symmetric encryption', () => {
  const key = decodeHex('38900719dea655e9a1bc1682aaccf0bfcd79a7239db672d39216e4acdd660dc0');
  const nonce = decodeHex('4d785658f36c22fb5aed3ac0');
  const subjects = {
    hello,
    wrapped: wrap(hello),
    twice: wrap(wrap(hello)),
    note: knownValue(4),
    knowsBob,
    one,
    two,
  };
  it.each(Object.entries(subjects))('hides and reveals without changing a digest: %s', (_name, envelope) => {
    const hidden = roundTrip(encryptSubjectWithNonce(envelope, key, nonce));
    expect(hidden.digest).toEqual(envelope.digest);
    expect(decryptSubject(hidden, key)).toEqual(envelope);
    expect(() => decryptSubject(hidden, nonce.slice().fill(1, 0, 1) && key.slice().fill(0))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_KEY_WRONG' }),
    );
  });

  it('refuses to hide what is hidden already', () => {
    const hidden = encryptSubjectWithNonce(one, key, nonce);
    for (const again of [hidden, elided(hello.digest)]) {
      expect(() => encryptSubjectWithNonce(again, key, nonce)).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_ALREADY_HIDDEN' }),
      );
    }
    expect(() => decryptSubject(one, key)).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_NOT_ENCRYPTED' }),
    );
  });

  it('formatEnvelopeFlat prints an encrypted part as ENCRYPTED, without its content', () => {
    const hidden = encryptSubjectWithNonce(one, key, nonce);
    expect(formatEnvelopeFlat(hidden)).toBe('ENCRYPTED [ "knows": "Bob" ]');
    expect(formatTree(hidden)).toBe(
      lines(
        '8955db5e NODE',
        '    13941b48 subj ENCRYPTED',
        '    78d666eb ASSERTION',
        '        db7dd21c pred "knows"',
        '        13b74194 obj "Bob"',
      ),
    );
  });
});

describe('assertions on every part', () => {
  const ab = assertion(text('A'), text('B'));
  const knowsWithAb = assertion(addAssertion(text('knows'), ab), text('Bob'));

  it('print in braces, on predicates and on objects', () => {
    expect(formatEnvelope(knowsWithAb)).toBe(lines('"knows" [', '    "A": "B"', ']', ': "Bob"'));
    expect(formatEnvelope(addAssertion(knowsBob, ab))).toBe(
      lines('{', '    "knows": "Bob"', '} [', '    "A": "B"', ']'),
    );
    const full = addAssertion(
      addAssertion(text('Alice'), ab),
      addAssertion(assertion(addAssertion(text('knows'), ab), addAssertion(text('Bob'), ab)), ab),
    );
    expect(formatEnvelope(roundTrip(full))).toBe(
      lines(
        '"Alice" [',
        '    {',
        '        "knows" [',
        '            "A": "B"',
        '        ]',
        '        : "Bob" [',
        '            "A": "B"',
        '        ]',
        '    } [',
        '        "A": "B"',
        '    ]',
        '    "A": "B"',
        ']',
      ),
    );
  });

  it('of several levels keep the digests of the reference', () => {
    const subject = addAssertion(
      text('subject'),
      assertion(
        says(text('predicate'), 'predicate-predicate', 'predicate-object'),
        says(text('object'), 'object-predicate', 'object-object'),
      ),
    );
    expect(formatTree(subject)).toBe(
      lines(
        'e06d7003 NODE',
        '    8e4e62eb subj "subject"',
        '    91a436e0 ASSERTION',
        '        cece8b2c pred NODE',
        '            d21efb76 subj "predicate"',
        '            66a0c92b ASSERTION',
        '                ab829e9f pred "predicate-predicate"',
        '                f1098628 obj "predicate-object"',
        '        03a99a27 obj NODE',
        '            fda63155 subj "object"',
        '            d1878aea ASSERTION',
        '                88bb262f pred "object-predicate"',
        '                0bdb89a6 obj "object-object"',
      ),
    );
    expect(formatEnvelopeFlat(subject)).toBe(
      '"subject" [ "predicate" [ "predicate-predicate": "predicate-object" ] : "object" [ "object-predicate": "object-object" ] ]',
    );
  });

  it('on assertions are found by the pair beneath them', () => {
    const noted = withAssertion(knowsBob, knownValue(KNOWN.note), text('hearsay'));
    const alice = addAssertion(text('Alice'), noted);
    expect(objectFor(alice, text('knows'))).toEqual(text('Bob'));
    expect(objectsFor(two, text('knows'))).toHaveLength(2);
    expect(() => objectFor(two, text('knows'))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_AMBIGUOUS' }),
    );
    expect(bareAssertion(text('Alice'))).toBeNull();
  });
});

describe('printing', () => {
  it('shows a catalogue of nested facts as the reference does', () => {
    const author = withAssertion(
      withAssertion(
        arid('9c747ace78a4c826392510dd6285551e7df4e5164729a1b36198e56e017666c8'),
        knownValue(KNOWN.dereferenceVia),
        text('LibraryOfCongress'),
      ),
      knownValue(KNOWN.name),
      text('Ayn Rand'),
    );
    const titled = (title: string, language: string): Envelope =>
      withAssertion(text(title), knownValue(KNOWN.language), text(language));
    const work = [
      assertion(knownValue(KNOWN.isA), text('novel')),
      assertion(text('isbn'), text('9780451191144')),
      assertion(text('author'), author),
      assertion(knownValue(KNOWN.dereferenceVia), text('LibraryOfCongress')),
      assertion(knownValue(KNOWN.name), titled('Atlas Shrugged', 'en')),
      assertion(knownValue(KNOWN.name), titled('La rebelión de Atlas', 'es')),
    ].reduce<Envelope>(
      (envelope, each) => addAssertion(envelope, each),
      arid('7fb90a9d96c07f39f75ea6acf392d79f241fac4ec0be2120f7c82489711e3e80'),
    );
    expect(encodeHex(work.digest)).toMatch(/^26681136/);
    expect(formatEnvelope(work)).toBe(
      lines(
        'ARID(7fb90a9d) [',
        `    'isA': "novel"`,
        '    "author": ARID(9c747ace) [',
        `        'dereferenceVia': "LibraryOfCongress"`,
        `        'name': "Ayn Rand"`,
        '    ]',
        '    "isbn": "9780451191144"',
        `    'dereferenceVia': "LibraryOfCongress"`,
        `    'name': "Atlas Shrugged" [`,
        `        'language': "en"`,
        '    ]',
        `    'name': "La rebelión de Atlas" [`,
        `        'language': "es"`,
        '    ]',
        ']',
      ),
    );
  });

  it('shows dates, lists, long texts and values of unknown tags', () => {
    const flat = (envelope: Envelope): string => formatEnvelopeFlat(envelope);
    expect(flat(leaf(taggedValue(TAG.date, 1_830_297_600)))).toBe('2028-01-01');
    expect(flat(leaf(taggedValue(TAG.date, 1_830_297_661)))).toBe('2028-01-01T00:01:01Z');
    expect(flat(leaf(['Subject 1', 'Subject 2']))).toBe('["Subject 1", "Subject 2"]');
    expect(flat(leaf(['say "no"']))).toBe(String.raw`["say \"no\""]`);
    expect(flat(leaf(true))).toBe('true');
    expect(flat(knownValue(0))).toBe(`''`);
    expect(flat(knownValue(70))).toBe(`'All'`);
    expect(flat(knownValue(99_999))).toBe(`'99999'`);
    expect(formatTree(text('Signed by Example Electrical Engineering Board'))).toBe(
      'f106bad1 "Signed by Example Electrical Engineering…"',
    );
    const unknown = parseEnvelopeUr('ur:envelope/tpsotaaodnoyadgdjlssmkcklgoskseodnyteofwwfylkiftaydpdsjz');
    expect(flat(unknown)).toBe(`555({1: h'6fc4981e8da778332bf93342f3f77d3a'})`);
  });

  const DATES: readonly (readonly [seconds: number, text: string])[] = [
    [-1, '1969-12-31T23:59:59Z'],
    [-86_400, '1969-12-31'],
    [0.5, '1970-01-01'],
    [1_675_854_714.25, '2023-02-08T11:11:54Z'],
    [253_402_300_800, '+10000-01-01'],
    [253_402_300_801, '+10000-01-01T00:00:01Z'],
    [-62_167_219_201, '-0001-12-31T23:59:59Z'],
    [1e14, '1(100000000000000)'],
    [Infinity, '1(Infinity)'],
  ];
  it.each(DATES)('shows the date %d as %s, as the reference does', (seconds, date) => {
    expect(formatEnvelope(leaf(taggedValue(TAG.date, seconds)))).toBe(date);
  });

  it('shows known values and functions by their registered names', () => {
    const names = {
      17: 'Unknown',
      27: 'verifiableAt',
      71: 'Authorize',
      103: 'OK',
      200: 'Seed',
      301: 'Bitcoin',
      506: 'PSBT',
    };
    for (const [value, name] of Object.entries({
      ...names,
      613: 'Dihypergraph',
      706: 'Self',
      28: '28',
      707: '707',
    })) {
      expect(formatEnvelope(knownValue(Number(value)))).toBe(`'${name}'`);
      expect(formatEnvelope(leaf(taggedValue(TAG.knownValue, Number(value))))).toBe(`'${name}'`);
    }
    expect(formatEnvelope(knownValue(2n ** 64n - 1n))).toBe(`'18446744073709551615'`);
    expect(formatEnvelope(leaf(taggedValue(TAG.function, 15)))).toBe('«not»');
  });

  it('shows which post-quantum scheme signed or sealed, and never a private key', () => {
    const flat = (value: CborInput): string => formatEnvelopeFlat(leaf(value));
    expect(flat(taggedValue(TAG.signature, taggedValue(TAG.mldsaSignature, [3, new Uint8Array(4)])))).toBe(
      'Signature(MLDSA65)',
    );
    expect(
      flat(taggedValue(TAG.sealedMessage, [0, taggedValue(TAG.mlkemCiphertext, [768, new Uint8Array(4)])])),
    ).toBe('SealedMessage(MLKEM768)');
    const secrets = Object.entries(TAG).filter(([name]) =>
      /private|password|symmetric|seed|hdKey|ecKey/i.test(name),
    );
    expect(secrets).toHaveLength(15);
    for (const [, tag] of secrets)
      expect(flat([taggedValue(tag, [1, new Uint8Array(32).fill(0xab)])])).not.toMatch(/abab|Bytes/);
    expect(flat([1e21, -(2 ** 64), 1.5e-7, 0.001, true, null])).toBe(
      '[1e21, -1.8446744073709552e19, 1.5e-7, 0.001, true, null]',
    );
  });

  it('formatEnvelope, formatTree and leafText read a leaf of more than a mebibyte', () => {
    const long = 'x'.repeat(1_100_000);
    const limits = { maxBytes: 2_000_000, maxDepth: 8 };
    const read = (envelope: Envelope) => decodeEnvelope(encodeEnvelope(envelope), limits);
    expect(formatEnvelope(read(text(long)))).toBe(`"${long}"`);
    expect(formatEnvelopeFlat(read(node(hello, [assertion(text('said'), text(long))])))).toContain(long);
    expect(formatTree(read(text(long)))).toContain(` "${'x'.repeat(40)}…"`);
    expect(leafText(read(text(long)))).toBe(long);
    expect(formatEnvelope(read(leaf(new Uint8Array(1_100_000))))).toBe('Bytes(1100000)');
  });

  it('formatEnvelope prints a leaf that nests deeper than a message may', () => {
    let nested: CborInput = 1;
    for (let level = 0; level < 100; level++) nested = [nested];
    expect(formatEnvelope(leaf(nested))).toBe(`${'['.repeat(100)}1${']'.repeat(100)}`);
  });

  it('cannot be made to write control or direction-changing characters to a terminal', () => {
    const printed = formatEnvelope(text('a\u001b[2Jb\u202ec\u0007d\ne\u0085'));
    expect(printed).toBe(String.raw`"a\u{1b}[2Jb\u{202e}c\u{7}d\ne\u{85}"`);
  });
});

it('a compressed part is carried along with its digest but not opened', () => {
  const compressed = taggedValue(
    TAG.compressed,
    cbor([1, 2, cbor(new Uint8Array([1])), digestCbor(hello.digest)]),
  );
  const bytes = new Uint8Array([0xd8, 0xc8, ...leafBytes(compressed)]);
  const decoded = decodeEnvelope(bytes);
  expect(decoded.digest).toEqual(hello.digest);
  expect(encodeEnvelope(decoded)).toEqual(bytes);
  expect(formatEnvelope(node(text('Alice'), [decoded]))).toBe(lines('"Alice" [', '    COMPRESSED', ']'));
});

function leafBytes(item: Parameters<typeof leaf>[0]): Uint8Array {
  return leaf(item).bytes;
}
