// @module-tag long
import { concatBytes, joinBytes } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { decodeData } from './cbor/data.js';
import { decodeCanonical, encodeCanonical } from './cbor/dcbor.js';
import { TAG } from './cbor/tags.js';
import { encodeByteString, encodeHead, encodeTagged, encodeText } from './cbor/writer.js';
import { decodeEnvelope } from './envelope/decode.js';
import { digestsWithin, hideParts, showOnly } from './envelope/elide.js';
import { encodeEnvelope } from './envelope/encode.js';
import { assertion, elided, leaf, node, type Envelope } from './envelope/envelope.js';
import { formatEnvelope, formatEnvelopeFlat } from './envelope/format/notation.js';
import { formatTree } from './envelope/format/tree.js';
import { formatEnvelopeUr, parseEnvelopeUr } from './envelope/ur.js';
import { decodePublicKeys } from './identity/public-keys.js';
import { parseXidDocument } from './xid/document.js';

const LIST = 4;
const DEEP = 55;
const leafOf = (content: Uint8Array) => encodeTagged([TAG.envelope, TAG.leaf], content);
const times = (count: number, part: Uint8Array) => Array.from({ length: count }, () => part);
const list = (count: number, part: Uint8Array) => joinBytes([encodeHead(LIST, count), ...times(count, part)]);
const inLists = (depth: number, content: Uint8Array) =>
  concatBytes(new Uint8Array(depth).fill(0x81), content);
/** Different digests, in ascending order. */
const digests = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const digest = new Uint8Array(32);
    new DataView(digest.buffer).setUint32(0, i);
    return elided(digest);
  });
const pairs = (count: number) => Array.from({ length: count }, (_, i) => assertion(leaf(1), leaf(i)));
/** Bytes that hold CBOR, in one another until they are so long. */
function encodedIn(length: number): Uint8Array {
  const heads: Uint8Array[] = [];
  for (let inside = 1; inside < length;) {
    const head = concatBytes(Uint8Array.of(0xd8, TAG.encodedCbor), encodeHead(2, inside));
    heads.push(head);
    inside += head.length;
  }
  return joinBytes([...heads.reverse(), Uint8Array.of(1)]);
}

/** What takes about so many bytes, and is as costly as it can be made. */
const SHAPES: readonly (readonly [what: string, make: (bytes: number) => Uint8Array])[] = [
  ['a list of small numbers', (bytes) => leafOf(list(bytes, Uint8Array.of(1)))],
  [
    'lists in one another around a long text',
    (bytes) => leafOf(inLists(DEEP, encodeText('"'.repeat(bytes)))),
  ],
  ['a text of what must be escaped', (bytes) => leafOf(encodeText('\u202e\\'.repeat(bytes / 4)))],
  ['bytes that hold CBOR, in one another', (bytes) => leafOf(encodedIn(bytes))],
  ['many that hold CBOR, beside one another', (bytes) => leafOf(list(bytes / 100, encodedIn(100)))],
  [
    'keys of others, in one another',
    (bytes) =>
      leafOf(
        joinBytes([
          ...times(DEEP / 2, concatBytes(encodeHead(6, TAG.publicKeys), Uint8Array.of(0x82, 0xf6))),
          encodeByteString(new Uint8Array(bytes)),
        ]),
      ),
  ],
  ['pairs beside one another', (bytes) => encodeEnvelope(node(leaf('x'), pairs(bytes / 24)))],
  ['hidden parts', (bytes) => encodeEnvelope(node(leaf('x'), digests(bytes / 34)))],
  [
    'wrapped in one another',
    (bytes) =>
      joinBytes([...times(DEEP, Uint8Array.of(0xd8, TAG.envelope)), leafOf(encodeText('x'.repeat(bytes)))]),
  ],
  [
    'predicates in one another',
    (bytes) =>
      joinBytes([
        Uint8Array.of(0xd8, TAG.envelope),
        new Uint8Array(DEEP).fill(0xa1),
        leafOf(encodeText('x'.repeat(bytes))).slice(2),
        ...times(DEEP, Uint8Array.of(0)),
      ]),
  ],
];

/** Everything that is done with what somebody sent; whatever refuses does so in its own words. */
const WORKS: readonly (readonly [what: string, work: (bytes: Uint8Array, envelope: Envelope) => unknown])[] =
  [
    ['decodeEnvelope', (bytes) => decodeEnvelope(bytes)],
    ['encodeEnvelope', (_, envelope) => encodeEnvelope(envelope)],
    ['formatEnvelope', (_, envelope) => formatEnvelope(envelope)],
    ['formatEnvelopeFlat', (_, envelope) => formatEnvelopeFlat(envelope)],
    ['formatTree', (_, envelope) => formatTree(envelope)],
    ['digestsWithin', (_, envelope) => digestsWithin(envelope)],
    ['hideParts', (_, envelope) => hideParts(envelope, digestsWithin(leaf(1)))],
    ['showOnly', (_, envelope) => showOnly(envelope, digestsWithin(envelope))],
    ['parseEnvelopeUr', (_, envelope) => parseEnvelopeUr(formatEnvelopeUr(envelope))],
    ['decodeCanonical', (bytes) => encodeCanonical(decodeCanonical(bytes))],
    ['decodeData', (bytes) => orRefused(() => decodeData(bytes))],
    ['decodePublicKeys', (bytes) => orRefused(() => decodePublicKeys(bytes))],
    ['parseXidDocument', (_, envelope) => orRefused(() => parseXidDocument(envelope))],
  ];

function orRefused(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/) as string });
  }
}

/** The least of so many times, in milliseconds of this process. */
function costOf(times: number, work: () => unknown): number {
  const costs = Array.from({ length: times }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...costs);
}

const SMALL = 16_384;
const LARGE = 16 * SMALL;

describe.each(SHAPES)('of a quarter of a mebibyte of %s', (_, make) => {
  const [small, large] = [make(SMALL), make(LARGE)];
  test.each(WORKS)('%s throws nothing but a refusal, and takes no more than in proportion', (_what, work) => {
    const cost = (bytes: Uint8Array, count: number) => {
      const envelope = decodeEnvelope(bytes);
      return costOf(count, () => work(bytes, envelope));
    };
    // What grows with the square takes 256 times as long. Below a few milliseconds a clock says little.
    const most = 80 * Math.max(cost(small, 3), 8);
    const once = cost(large, 1);
    // A collector that came by is told apart by another look.
    expect(once < most ? once : cost(large, 3)).toBeLessThan(most);
  });
});
