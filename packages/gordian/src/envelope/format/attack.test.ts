import { joinBytes } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CborInput, taggedValue } from '../../cbor/dcbor.js';
import { TAG } from '../../cbor/tags.js';
import { encodeHead, encodeTagged } from '../../cbor/writer.js';
import { decodeEnvelope } from '../decode.js';
import { assertion, elided, leaf, node, type Envelope } from '../envelope.js';
import { formatEnvelope, formatEnvelopeFlat } from './notation.js';
import { formatTree } from './tree.js';

const BYTES = 2;
const flat = (value: CborInput): string => formatEnvelopeFlat(leaf(value));

/** An envelope whose leaf holds bytes that hold CBOR with bytes in it, and so on. @param around what stands around the bytes */
function nested(levels: number, around: Uint8Array): Envelope {
  const innermost = Uint8Array.of(0x01);
  const heads: Uint8Array[] = [];
  let length = innermost.length;
  for (let level = 0; level < levels; level++) {
    const head = joinBytes([around, encodeHead(BYTES, length)]);
    heads.push(head);
    length += head.length;
  }
  return decodeEnvelope(encodeTagged([TAG.envelope, TAG.leaf], joinBytes([...heads.reverse(), innermost])));
}

describe('printing an envelope whose bytes hold CBOR that holds bytes', () => {
  const encoded = encodeTagged([TAG.encodedCbor], new Uint8Array(0));
  // [4, h'', 40027([h'', h'', h'', h'…'])]: the parameters of a key that an agent holds, which name another such key.
  const key = Uint8Array.of(
    0x83,
    0x04,
    0x40,
    ...encodeTagged([TAG.encryptedKey], Uint8Array.of(0x84, 0x40, 0x40, 0x40)),
  );

  it('shows a few levels as they are', () => {
    expect(formatEnvelope(nested(3, encoded))).toBe('encoded(encoded(encoded(1)))');
  });

  it.each([9, 1_000, 100_000])('%d levels deep says where it stops, and does not throw', (levels) => {
    const printed = formatEnvelope(nested(levels, encoded));
    expect(printed).toMatch(/^(encoded\(){9}Bytes\(\d+\), nested too deep to be shown\){9}$/);
    expect(formatTree(nested(levels, encoded))).toContain(printed);
  });

  it.each([9, 60_000])('%d levels deep in the parameters of sealed keys does not throw', (levels) => {
    expect(formatEnvelope(nested(levels, key))).toMatch(
      /^\[4, h'', (EncryptedKey\(SSHAgent\(){8}EncryptedKey\){16}\]$/,
    );
  });
});

describe('a printed envelope shows where a text ends', () => {
  it('a text that looks like the end of a text and more is no more than a text', () => {
    const honest = node(leaf('Alice'), [assertion(leaf('knows'), leaf('Bob'))]);
    const forged = leaf('Alice" [ "knows": "Bob" ]');
    expect(formatEnvelopeFlat(honest)).toBe('"Alice" [ "knows": "Bob" ]');
    expect(formatEnvelopeFlat(forged)).toBe(String.raw`"Alice\" [ \"knows\": \"Bob\" ]"`);
    const pair = node(leaf('Alice'), [assertion(leaf('knows": "Bob'), leaf('x'))]);
    expect(formatEnvelopeFlat(pair)).toBe(String.raw`"Alice" [ "knows\": \"Bob": "x" ]`);
    expect(formatTree(leaf('a" b'))).toContain(String.raw` "a\" b"`);
  });

  it('a backslash in a text is not taken for an escape', () => {
    expect(flat('a\\')).toBe(String.raw`"a\\"`);
    expect([flat('\\n'), flat('\n')]).toEqual([String.raw`"\\n"`, String.raw`"\n"`]);
    expect(flat(['\\', '", "'])).toBe(String.raw`["\\", "\", \""]`);
  });

  it('a URI holds nothing that no URI can hold', () => {
    const uri = (text: string) => flat(taggedValue(TAG.uri, text));
    expect(uri('https://a.example/(x)?q=1#é')).toBe('URI(https://a.example/(x)?q=1#é)');
    expect(uri('a): "b"\\\u202e')).toBe(String.raw`URI(a):\u{20}\u{22}b\u{22}\u{5c}\u{202e})`);
  });

  const unescape = (printed: string) =>
    printed.replaceAll(/\\(?:u\{([0-9a-f]+)\}|n|.)/gu, (found, point: string | undefined) => {
      if (point !== undefined) return String.fromCodePoint(Number.parseInt(point, 16));
      return found === String.raw`\n` ? '\n' : found.slice(1);
    });

  it('no two texts are printed alike, and none holds a quotation mark or a control of its own', () => {
    const letters = fc.constantFrom(
      'a',
      '"',
      '\\',
      '\n',
      'u{22}',
      '\u001b',
      '\u202e',
      '\u0085',
      'é',
      ' ',
      '🗝',
    );
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const printed = flat(text);
        expect(printed).toMatch(/^"(?:[^"\\\p{Cc}\p{Cf}]|\\.)*"$/u);
        expect(unescape(printed.slice(1, -1))).toBe(text);
      }),
    );
  });
});

it('formatEnvelopeFlat prints an envelope of a thousand parts as it does one of three', () => {
  const withParts = (count: number) =>
    node(
      leaf('Alice'),
      Array.from({ length: count }, (_, i) => assertion(leaf('n'), leaf(i))),
    );
  expect(formatEnvelopeFlat(withParts(3))).toBe('"Alice" [ "n": 0, "n": 1, "n": 2 ]');
  expect(formatEnvelopeFlat(withParts(1_000)).split(', ')).toHaveLength(1_000);
  const hidden = node(leaf('Alice'), [
    elided(new Uint8Array(32)),
    assertion(node(leaf(1), [assertion(leaf(2), leaf(3))]), leaf(4)),
  ]);
  expect(formatEnvelopeFlat(hidden)).toBe('"Alice" [ 1 [ 2: 3 ] : 4, ELIDED ]');
});
