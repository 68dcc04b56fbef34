// @module-tag long
import { reveal, secret } from '@ckm/foundation';
import { scrypt } from '@noble/hashes/scrypt.js';
import { describe, expect, it } from 'vitest';
import { cbor, decodeCanonical, encodeCanonical, taggedValue } from '../../cbor/dcbor.js';
import { createIdentity } from '../../identity/identity.js';
import type { RandomBytes } from '../../primitives/random.js';
import { encryptedMessageCbor } from '../encode.js';
import { decryptSubject, encryptBytes, encryptSubject } from '../encrypt.js';
import {
  assertion,
  elided,
  withAssertion,
  knownValue,
  leaf,
  node,
  wrap,
  type Envelope,
} from '../envelope.js';
import { formatEnvelope } from '../format/notation.js';
import { KNOWN } from '../known-values.js';
import { assertionsOf, bareAssertion, leafText, objectsFor, subjectOf, unwrap } from '../queries.js';
import { signEnvelope, signSubject, verifiedContent } from '../signature.js';
import { TAG } from '../../cbor/tags.js';
import { parseEnvelopeUr, formatEnvelopeUr } from '../ur.js';
import { addPassword, decryptSubjectWithPassword } from './password.js';
import {
  addRecipient,
  decryptSubjectAsRecipient,
  openAsRecipient,
  openContentKey,
  encodeSealedKey,
  sealedKeyFrom,
  sealToRecipients,
} from './recipient.js';
import { joinEnvelopes, splitEnvelope } from './sskr.js';

function counting(start: number): RandomBytes {
  let next = start;
  return (length) => Uint8Array.from({ length }, () => (next = (next * 167 + 13) % 251));
}

const random = counting(7);
const alice = createIdentity(secret(new Uint8Array(32).fill(1)));
const bob = createIdentity(secret(new Uint8Array(32).fill(2)));
const carol = createIdentity(secret(new Uint8Array(32).fill(3)));
const hello = leaf('Hello.');
const contentKey = new Uint8Array(32).fill(9);

describe('a recipient permit', () => {
  it('opens for each recipient and for nobody else', () => {
    const sealed = sealToRecipients(hello, [alice.publicKeys.agreement, bob.publicKeys.agreement], random);
    const received = parseEnvelopeUr(formatEnvelopeUr(sealed));
    for (const who of [alice, bob]) expect(openAsRecipient(received, who.agreementKey)).toEqual(hello);
    expect(() => openAsRecipient(received, carol.agreementKey)).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_NOT_FOR_ME' }),
    );
  });

  it('V7: cannot be made for, nor opened with, a key of small order', () => {
    const small = new Uint8Array(32);
    const hidden = encryptSubject(hello, contentKey, random);
    expect(() => addRecipient(hidden, small, contentKey, random)).toThrow(
      expect.objectContaining({ code: 'AGREEMENT_KEY_INVALID' }),
    );
    const permit = permitOf(addRecipient(hidden, alice.publicKeys.agreement, contentKey, random));
    expect(openContentKey({ ...permit, ephemeralKey: small }, alice.agreementKey)).toBeNull();
  });

  it('V6: with another spelling of its ephemeral key does not open', () => {
    const permit = permitOf(
      addRecipient(encryptSubject(hello, contentKey, random), alice.publicKeys.agreement, contentKey, random),
    );
    const flipped = permit.ephemeralKey.slice();
    flipped[31]! |= 0x80;
    expect(openContentKey(permit, alice.agreementKey)).toEqual(contentKey);
    expect(openContentKey({ ...permit, ephemeralKey: flipped }, alice.agreementKey)).toBeNull();
    const beyondPrime = new Uint8Array(32).fill(0xff);
    beyondPrime[31] = 0x7f;
    for (const first of [0xed, 0xee, 0xff]) {
      beyondPrime[0] = first;
      expect(openContentKey({ ...permit, ephemeralKey: beyondPrime }, alice.agreementKey)).toBeNull();
    }
  });

  it('of a kind that we cannot use is passed over', () => {
    const postQuantum = taggedValue(
      TAG.sealedMessage,
      cbor([
        taggedValue(
          TAG.encrypted,
          encryptedMessageCbor(encryptBytes(hello.bytes, contentKey, new Uint8Array(12))),
        ),
        taggedValue(40102, cbor(new Uint8Array(4))),
      ]),
    );
    const hidden = withAssertion(
      encryptSubject(hello, contentKey, random),
      knownValue(KNOWN.hasRecipient),
      leaf(postQuantum),
    );
    const both = addRecipient(hidden, alice.publicKeys.agreement, contentKey, random);
    expect(leafText(decryptSubjectAsRecipient(both, alice.agreementKey))).toBe('Hello.');
  });

  it('V9: that is malformed is refused', () => {
    for (const item of [
      cbor(1),
      taggedValue(TAG.sealedMessage, cbor([1])),
      taggedValue(TAG.sealedMessage, cbor(1)),
    ]) {
      expect(() => sealedKeyFrom(item)).toThrow(expect.objectContaining({ code: 'PERMIT_INVALID' }));
    }
  });
});

function permitOf(envelope: Envelope) {
  const [object] = objectsFor(envelope, KNOWN.hasRecipient);
  const item = object?.kind === 'leaf' ? object.bytes : new Uint8Array();
  const sealed = sealedKeyFrom(decodeCanonical(item));
  expect(encodeSealedKey(sealed!)).toEqual(item);
  return sealed!;
}

describe('a password permit', () => {
  const hidden = encryptSubject(hello, contentKey, random);

  it.each(['argon2id', 'scrypt'] as const)('with %s opens with the password and with no other', (method) => {
    const locked = addPassword(hidden, secret('correct horse'), contentKey, random, method);
    expect(leafText(decryptSubjectWithPassword(locked, secret('correct horse')))).toBe('Hello.');
    expect(() => decryptSubjectWithPassword(locked, secret('wrong'))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_PASSWORD_WRONG' }),
    );
    expect(formatEnvelope(locked)).toContain(
      method === 'scrypt' ? 'EncryptedKey(Scrypt)' : 'EncryptedKey(Argon2id)',
    );
  });

  it('V9: that asks for more work than a machine has is refused before any is done', () => {
    const salt = taggedValue(TAG.salt, cbor(new Uint8Array(16)));
    const costs = [
      [2, salt, 40, 8, 1],
      [2, salt, 15, 1_000_000, 1],
      [2, salt, 15, 8, 100],
      [2, salt, 0, 8, 1],
      [2, salt, 15, 8],
      [3, salt, 1],
      [3],
      [3, cbor(1)],
    ];
    for (const cost of costs) {
      const message = encryptBytes(contentKey, contentKey, new Uint8Array(12), encodeCanonical(cost));
      const permit = taggedValue(TAG.encryptedKey, taggedValue(TAG.encrypted, encryptedMessageCbor(message)));
      const locked = withAssertion(hidden, knownValue(KNOWN.hasSecret), leaf(permit));
      expect(() => decryptSubjectWithPassword(locked, secret('x'))).toThrow(
        expect.objectContaining({ code: 'PERMIT_INVALID' }),
      );
    }
  });
});

/** A password permit that costs next to nothing; `logN` on the wire, whatever was done. */
function cheapPermit(password: string, logN = 1): Envelope {
  const salt = random(16);
  const cost = encodeCanonical([2, taggedValue(TAG.salt, salt), logN, 8, 1]);
  const key = scrypt(new TextEncoder().encode(password), salt, { N: 2, r: 8, p: 1, dkLen: 32 });
  const message = encryptBytes(contentKey, key, random(12), cost);
  return leaf(taggedValue(TAG.encryptedKey, taggedValue(TAG.encrypted, encryptedMessageCbor(message))));
}

describe('decryptSubjectWithPassword, of many permits,', () => {
  const hidden = encryptSubject(hello, contentKey, random);
  const withPermits = (permits: readonly Envelope[]) =>
    permits.reduce<Envelope>(
      (whole, permit) => withAssertion(whole, knownValue(KNOWN.hasSecret), permit),
      hidden,
    );

  it.each([6, 40])('opens with each of %i passwords, and with no other', (count) => {
    const passwords = Array.from({ length: count }, (_, i) => `password ${i}`);
    const locked = withPermits(passwords.map((password) => cheapPermit(password)));
    for (const password of passwords)
      expect(leafText(decryptSubjectWithPassword(locked, secret(password)))).toBe('Hello.');
    expect(() => decryptSubjectWithPassword(locked, secret('another'))).toThrow(
      expect.objectContaining({ code: 'ENVELOPE_PASSWORD_WRONG' }),
    );
  });

  it('passes over what is hidden, foreign, malformed or too dear, and tries the cheap before the dear', () => {
    const foreign = encryptBytes(
      contentKey,
      contentKey,
      random(12),
      encodeCanonical([1, cbor(random(16)), 100_000, 0]),
    );
    const others = [
      elided(random(32)),
      leaf('no permit'),
      leaf(taggedValue(TAG.encryptedKey, [1, 2])),
      leaf(taggedValue(TAG.encryptedKey, taggedValue(TAG.encrypted, encryptedMessageCbor(foreign)))),
      cheapPermit('someone', 40),
      ...Array.from({ length: 20 }, () => cheapPermit('someone', 18)),
    ];
    const started = performance.now();
    const locked = withPermits([...others, cheapPermit('mine')]);
    expect(leafText(decryptSubjectWithPassword(locked, secret('mine')))).toBe('Hello.');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('says PERMIT_INVALID where none opens and one could not be tried', () => {
    const locked = withPermits([cheapPermit('mine'), leaf('no permit')]);
    expect(() => decryptSubjectWithPassword(locked, secret('another'))).toThrow(
      expect.objectContaining({ code: 'PERMIT_INVALID' }),
    );
  });
});

describe('an SSKR permit', () => {
  const plan = { groupsNeeded: 1, groups: [{ needed: 2, of: 3 }] };
  const sealed = encryptSubject(wrap(hello), contentKey, random);

  it('opens with two of three copies, in any order, and not with one', () => {
    const [copies] = splitEnvelope(sealed, contentKey, plan, random) as [readonly Envelope[]];
    expect(formatEnvelope(copies[0]!)).toBe(`ENCRYPTED [\n    'sskrShare': SSKRShare\n]`);
    for (const [a, b] of [
      [0, 1],
      [2, 0],
      [1, 2],
    ] as const) {
      expect(unwrap(joinEnvelopes([copies[a]!, copies[b]!]))).toEqual(hello);
    }
    for (const few of [[], [copies[0]!], [copies[0]!, copies[0]!]]) {
      expect(() => joinEnvelopes(few)).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_SHARES_INSUFFICIENT' }),
      );
    }
  });

  it('is not spoilt by copies of another splitting', () => {
    const [copies] = splitEnvelope(sealed, contentKey, plan, counting(20)) as [readonly Envelope[]];
    const [others] = splitEnvelope(sealed, contentKey, plan, counting(90)) as [readonly Envelope[]];
    expect(unwrap(joinEnvelopes([others[0]!, copies[0]!, copies[1]!]))).toEqual(hello);
  });
});

describe('a permit with a note', () => {
  const note = (envelope: Envelope) => withAssertion(envelope, knownValue(KNOWN.note), leaf('for Bob'));
  /** The same envelope with a note on each permit: on the object, or on the assertion. */
  const noted = (envelope: Envelope, on: 'object' | 'assertion'): Envelope =>
    node(
      subjectOf(envelope),
      assertionsOf(envelope).map((one) => {
        const pair = bareAssertion(one)!;
        return on === 'object' ? assertion(pair.predicate, note(pair.object)) : note(one);
      }),
    );

  it.each(['object', 'assertion'] as const)('on its %s opens as one without', (on) => {
    const hidden = encryptSubject(wrap(hello), contentKey, random);
    const sealed = noted(addRecipient(hidden, bob.publicKeys.agreement, contentKey, random), on);
    const received = parseEnvelopeUr(formatEnvelopeUr(sealed));
    expect(formatEnvelope(received)).toContain(`'note': "for Bob"`);
    expect(unwrap(decryptSubjectAsRecipient(received, bob.agreementKey))).toEqual(hello);
    const locked = noted(withAssertion(hidden, knownValue(KNOWN.hasSecret), cheapPermit('mine')), on);
    expect(unwrap(decryptSubjectWithPassword(locked, secret('mine')))).toEqual(hello);
    const plan = { groupsNeeded: 1, groups: [{ needed: 2, of: 2 }] };
    const [copies] = splitEnvelope(hidden, contentKey, plan, random) as [readonly Envelope[]];
    expect(unwrap(joinEnvelopes(copies.map((copy) => noted(copy, on))))).toEqual(hello);
  });

  it('that is malformed or hidden does not keep another from opening', () => {
    const hidden = encryptSubject(wrap(hello), contentKey, random);
    const spoilt = [
      leaf('no permit'),
      leaf(taggedValue(TAG.sealedMessage, [1])),
      elided(random(32)),
    ].reduce<Envelope>(
      (whole, permit) => withAssertion(whole, knownValue(KNOWN.hasRecipient), permit),
      hidden,
    );
    const sealed = addRecipient(spoilt, bob.publicKeys.agreement, contentKey, random);
    expect(unwrap(decryptSubjectAsRecipient(sealed, bob.agreementKey))).toEqual(hello);
    expect(() => decryptSubjectAsRecipient(spoilt, bob.agreementKey)).toThrow(
      expect.objectContaining({ code: 'PERMIT_INVALID' }),
    );
    const plan = { groupsNeeded: 1, groups: [{ needed: 2, of: 2 }] };
    const [copies] = splitEnvelope(hidden, contentKey, plan, random) as [readonly Envelope[]];
    const mixed = copies.map((copy) =>
      [elided(random(32)), leaf('no share'), leaf(taggedValue(TAG.sskrShare, 1))].reduce<Envelope>(
        (whole, share) => withAssertion(whole, knownValue(KNOWN.sskrShare), share),
        copy,
      ),
    );
    expect(unwrap(joinEnvelopes(mixed))).toEqual(hello);
  });
});

it('one envelope takes any mix of permits for one content key', () => {
  const signed = signEnvelope(withAssertion(leaf('poem'), knownValue(KNOWN.note), leaf('draft')), alice);
  const hidden = encryptSubject(wrap(signed), contentKey, random);
  const locked = addRecipient(
    addPassword(hidden, secret('unicorns'), contentKey, random, 'scrypt'),
    bob.publicKeys.agreement,
    contentKey,
    random,
  );
  const [[first, second]] = splitEnvelope(
    locked,
    contentKey,
    { groupsNeeded: 1, groups: [{ needed: 2, of: 2 }] },
    random,
  ) as [[Envelope, Envelope]];
  const opened = [
    decryptSubject(first, contentKey),
    decryptSubjectWithPassword(first, secret('unicorns')),
    decryptSubjectAsRecipient(first, bob.agreementKey),
    joinEnvelopes([first, second]),
  ].map(unwrap);
  for (const one of opened) {
    expect(one).toEqual(signed);
    expect(verifiedContent(one, alice.publicKeys.signing)).not.toBeNull();
    expect(verifiedContent(one, bob.publicKeys.signing)).toBeNull();
  }
});

it('a signature covers the subject only, unless the envelope is wrapped', () => {
  const noted = withAssertion(hello, knownValue(KNOWN.note), leaf('original'));
  const signed = signSubject(noted, alice);
  expect(verifiedContent(signed, alice.publicKeys.signing)).toBeNull();
  expect(reveal(alice.signingKey, 'test')).toHaveLength(64);
});
