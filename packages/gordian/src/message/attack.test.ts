import { CkmError, encodeUtf8, equalBytes, secret } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { taggedValue } from '../cbor/dcbor.js';
import { decodeEnvelope } from '../envelope/decode.js';
import { encodeEnvelope } from '../envelope/encode.js';
import { elided, leaf, node, wrap, type Envelope, type NodeEnvelope } from '../envelope/envelope.js';
import { KNOWN } from '../envelope/known-values.js';
import { openAsRecipient, sealToRecipients } from '../envelope/permits/recipient.js';
import { TAG } from '../cbor/tags.js';
import { createIdentity, type Identity } from '../identity/identity.js';
import { openMessage } from './open.js';
import { sealMessage } from './seal.js';

const NOW = 1_790_000_000;
const person = (seed: number): Identity => createIdentity(secret(new Uint8Array(32).fill(seed)));
const [alice, alpha] = [person(1), person(2)];
let drawn = 0;
const random = (length: number) => new Uint8Array(length).fill(++drawn);

const bytes = sealMessage({
  sender: alice,
  recipient: alpha,
  id: new Uint8Array(32).fill(8),
  date: NOW,
  expiresAt: NOW + 60,
  function: 'sign.start',
  body: encodeUtf8('\x60'),
  random,
});
const open = (sealed: Uint8Array) =>
  openMessage({ recipient: alpha, bytes: sealed, now: NOW, resolveSender: () => alice.publicKeys });

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'OK';
}

describe('a recipient who spells a signed message in another way with the same digest, and seals it again', () => {
  const signed = openAsRecipient(decodeEnvelope(bytes), alpha.agreementKey) as NodeEnvelope;
  const content = (signed.subject as { envelope: NodeEnvelope }).envelope;

  function respelled(change: (part: Envelope) => Envelope): Uint8Array {
    const other = node(content.subject, content.assertions.map(change));
    expect(other.digest).toEqual(content.digest);
    const resealed = node(wrap(other), signed.assertions);
    return encodeEnvelope(sealToRecipients(resealed, [alpha.publicKeys.agreement], random));
  }

  it('is refused when he hides the format', () => {
    const hide = (part: Envelope): Envelope =>
      part.kind === 'assertion' &&
      part.predicate.kind === 'knownValue' &&
      part.predicate.value === KNOWN.conformsTo
        ? { ...part, object: elided(part.object.digest) }
        : part;
    expect(codeOf(() => open(respelled((part) => part)))).toBe('OK');
    expect(codeOf(() => open(respelled(hide)))).toBe('MESSAGE_INVALID');
  });

  it('is refused when he writes a known value as a leaf', () => {
    const unfold = (part: Envelope): Envelope =>
      part.kind === 'assertion' && part.predicate.kind === 'knownValue'
        ? { ...part, predicate: leaf(taggedValue(TAG.knownValue, part.predicate.value)) }
        : part;
    expect(codeOf(() => open(respelled(unfold)))).toBe('MESSAGE_INVALID');
  });
});

it('a stranger who hides a part of his introduction is refused, though its digest stays', () => {
  const introduced = sealMessage({
    sender: alice,
    recipient: alpha,
    id: new Uint8Array(32).fill(9),
    date: NOW,
    expiresAt: NOW + 60,
    function: 'account.open',
    body: encodeUtf8('\x60'),
    introduce: true,
    random,
  });
  const signed = openAsRecipient(decodeEnvelope(introduced), alpha.agreementKey) as NodeEnvelope;
  const content = (signed.subject as { envelope: NodeEnvelope }).envelope;
  /** The content with 'allow' under the key elided. */
  const hidden = (envelope: Envelope): Envelope => {
    if (envelope.kind === 'assertion') {
      const isAllow = envelope.predicate.kind === 'knownValue' && envelope.predicate.value === KNOWN.allow;
      return isAllow ? elided(envelope.digest) : { ...envelope, object: hidden(envelope.object) };
    }
    return envelope.kind === 'node' ? { ...envelope, assertions: envelope.assertions.map(hidden) } : envelope;
  };
  const seal = (change: (envelope: Envelope) => Envelope) =>
    encodeEnvelope(
      sealToRecipients(node(wrap(change(content)), signed.assertions), [alpha.publicKeys.agreement], random),
    );
  expect(codeOf(() => open(seal((same) => same)))).toBe('OK');
  expect(codeOf(() => open(seal(hidden)))).toBe('MESSAGE_INVALID');
});

it('a relay that shifts the ephemeral key by a point of small order gains other bytes of the same message, with the same id', () => {
  const { Point } = ed25519;
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', true);
  const { Fp } = Point;
  // What follows tag 40011.
  const marker = Uint8Array.of(0xd9, 0x9c, 0x4b, 0x58, 0x20);
  const at = bytes.findIndex((_, i) => equalBytes(bytes.subarray(i, i + 5), marker)) + 5;
  const u = Fp.fromBytes(bytes.slice(at, at + 32));
  const point = Point.fromBytes(Fp.toBytes(Fp.div(Fp.sub(u, 1n), Fp.add(u, 1n))));
  const { y } = point.add(torsion).toAffine();
  const other = bytes.slice();
  other.set(Fp.toBytes(Fp.div(Fp.add(1n, y), Fp.sub(1n, y))), at);
  expect(other).not.toEqual(bytes);
  expect(codeOf(() => open(other))).toBe('OK');
  expect(open(other).header.id).toEqual(open(bytes).header.id);
});
