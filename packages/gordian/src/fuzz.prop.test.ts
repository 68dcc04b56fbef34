import { encodeHex, EncodingError, CkmError, secret } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeData, encodeData, type Data } from './cbor/data.js';
import { createUrCollector, createUrParts, parseUr } from './cbor/ur.js';
import { decodeEnvelope } from './envelope/decode.js';
import { digestsWithin, hideParts, showOnly } from './envelope/elide.js';
import { encodeEnvelope } from './envelope/encode.js';
import { decryptSubject, encryptSubjectWithNonce } from './envelope/encrypt.js';
import { addAssertion, assertion, knownValue, leaf, wrap, type Envelope } from './envelope/envelope.js';
import { formatEnvelope, formatEnvelopeFlat } from './envelope/format/notation.js';
import { formatTree } from './envelope/format/tree.js';
import { sealToRecipients } from './envelope/permits/recipient.js';
import { signEnvelope } from './envelope/signature.js';
import { createIdentity } from './identity/identity.js';
import { decodePublicKeys } from './identity/public-keys.js';
import { contentEnvelope, documentNaming } from './message/content.js';
import { authenticateMessage, openMessage, unsealMessage } from './message/open.js';
import { sealMessage } from './message/seal.js';
import { createXidDocument, parseXidDocument } from './xid/document.js';

const RUNS = { numRuns: 100 };

const envelopes: fc.Arbitrary<Envelope> = fc.letrec<{ envelope: Envelope }>((tie) => ({
  envelope: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc
      .oneof(fc.string(), fc.integer(), fc.uint8Array({ maxLength: 40 }), fc.boolean())
      .map((value) => leaf(value)),
    fc.nat(2000).map((value) => knownValue(value)),
    tie('envelope').map(wrap),
    fc.tuple(tie('envelope'), tie('envelope')).map(([predicate, object]) => assertion(predicate, object)),
    fc
      .tuple(
        tie('envelope'),
        fc.array(fc.tuple(tie('envelope'), tie('envelope')), { minLength: 1, maxLength: 4 }),
      )
      .map(([subject, pairs]) =>
        pairs.reduce<Envelope>(
          (whole, [predicate, object]) => addAssertion(whole, assertion(predicate, object)),
          subject,
        ),
      ),
  ),
})).envelope;

const data: fc.Arbitrary<Data> = fc.letrec<{ data: Data }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom<Data>(null, true, false),
    fc.integer(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'grapheme' }).map((text) => text.normalize('NFC')),
    fc.uint8Array(),
    fc.array(tie('data'), { maxLength: 5 }),
    fc.dictionary(fc.string(), tie('data'), { maxKeys: 5, noNullPrototype: false }),
  ),
})).data;

/** Bytes near a valid encoding: some changed, some cut off, some doubled. */
function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert'));
  return fc.tuple(valid, fc.array(change, { minLength: 1, maxLength: 4 })).map(([bytes, changes]) => {
    let result = [...bytes];
    for (const [where, value, how] of changes) {
      const at = where % (result.length + 1);
      if (how === 'set') result[at] = value;
      else if (how === 'insert') result.splice(at, 0, value);
      else result = result.slice(0, at);
    }
    return Uint8Array.from(result);
  });
}

function throwsOnlyEncodingErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(EncodingError);
  }
}

describe('envelopes', () => {
  it('come back from their encoding, whatever they hold', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const bytes = encodeEnvelope(envelope);
        const decoded = decodeEnvelope(bytes);
        expect(encodeEnvelope(decoded)).toEqual(bytes);
        expect(decoded.digest).toEqual(envelope.digest);
      }),
      RUNS,
    );
  });

  it('keep their digest whatever is hidden, and print', () => {
    fc.assert(
      fc.property(envelopes, fc.func(fc.boolean()), (envelope, isChosen) => {
        const chosen = new Set([...digestsWithin(envelope)].filter((digest) => isChosen(digest)));
        for (const hidden of [hideParts(envelope, chosen), showOnly(envelope, chosen)]) {
          expect(hidden.digest).toEqual(envelope.digest);
          expect(decodeEnvelope(encodeEnvelope(hidden)).digest).toEqual(envelope.digest);
          expect(formatEnvelope(hidden).length).toBeGreaterThan(0);
          expect(formatEnvelopeFlat(hidden)).not.toContain('\n');
          expect(formatTree(hidden).split('\n').length).toBeGreaterThan(0);
        }
      }),
      RUNS,
    );
  });

  it('keep their digest when encrypted, and come back', () => {
    const key = new Uint8Array(32).fill(1);
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const hidden = encryptSubjectWithNonce(wrap(envelope), key, new Uint8Array(12));
        expect(hidden.digest).toEqual(wrap(envelope).digest);
        expect(encodeEnvelope(decryptSubject(hidden, key))).toEqual(encodeEnvelope(wrap(envelope)));
      }),
      RUNS,
    );
  });
});

describe('V9: whatever bytes arrive, only a typed refusal is thrown', () => {
  const encoded = envelopes.map(encodeEnvelope);
  const sources: readonly (readonly [string, fc.Arbitrary<Uint8Array>])[] = [
    ['random bytes', fc.uint8Array({ maxLength: 200 })],
    ['bytes near an envelope', mutated(encoded)],
  ];
  it.each(sources)('by the decoders of envelopes, keys and data: %s', (_name, source) => {
    fc.assert(
      fc.property(source, (bytes) => {
        throwsOnlyEncodingErrors(() => {
          const decoded = decodeEnvelope(bytes);
          expect(encodeHex(encodeEnvelope(decoded))).toBe(encodeHex(bytes));
          formatEnvelope(decoded);
          formatTree(decoded);
          parseXidDocument(decoded);
        });
        throwsOnlyEncodingErrors(() => decodePublicKeys(bytes));
        throwsOnlyEncodingErrors(() => expect(encodeData(decodeData(bytes))).toEqual(bytes));
      }),
      RUNS,
    );
  });

  it('by readers of URs and their parts', () => {
    const parts = createUrParts({ type: 'bytes', cbor: encodeData(new Uint8Array(100)) }, 20);
    const texts = Array.from({ length: 8 }, () => parts.next());
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.string({ maxLength: 3 }),
        (text, where, inserted) => {
          const at = where % text.length;
          const changed = text.slice(0, at) + inserted + text.slice(at + 1);
          throwsOnlyEncodingErrors(() => parseUr(changed));
          throwsOnlyEncodingErrors(() => createUrCollector().add(changed));
        },
      ),
      RUNS,
    );
  });
});

it('data come back from their encoding', () => {
  fc.assert(
    fc.property(data, (value) => {
      const bytes = encodeData(value);
      expect(encodeData(decodeData(bytes))).toEqual(bytes);
    }),
    RUNS,
  );
});

describe('V9: a receiver of messages', () => {
  const person = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
  const [alice, alpha] = [person(1), person(2)];
  const sealed = sealMessage({
    sender: alice,
    recipient: alpha,
    id: new Uint8Array(32).fill(3),
    date: 1000,
    expiresAt: 1100,
    function: 'key.list',
    body: encodeData({ after: null }),
    random: (length) => new Uint8Array(length).fill(4),
  });
  const open = (bytes: Uint8Array) =>
    openMessage({ recipient: alpha, bytes, now: 1001, resolveSender: () => alice.publicKeys });

  it('opens the message it was sent', () => {
    expect(open(sealed).function).toBe('key.list');
  });

  it('throws only typed errors, and always throws, for bytes near a message', () => {
    fc.assert(
      fc.property(mutated(fc.constant(sealed)), (bytes) => {
        fc.pre(encodeHex(bytes) !== encodeHex(sealed));
        expect(() => open(bytes)).toThrow(CkmError);
      }),
      RUNS,
    );
  });

  it('throws only typed errors for whatever a sender with an account signs, and reads each message in one way only', () => {
    const header = {
      sender: alice.xid,
      recipient: alpha.xid,
      id: new Uint8Array(32).fill(3),
      date: 1000,
      expiresAt: 1100,
    };
    const introduced = createXidDocument(alice.publicKeys);
    const contents = [
      contentEnvelope(header, 'key.list', encodeData({})),
      contentEnvelope({ ...header, inReplyTo: new Uint8Array(32).fill(5) }, 'key.list', encodeData([1, 2])),
      contentEnvelope(header, 'account.open', encodeData({ invite: null }), introduced),
      contentEnvelope(header, 'key.list', encodeData({}), documentNaming(alice.xid, alpha.publicKeys)),
    ].map(encodeEnvelope);
    let opened = 0;
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...contents), mutated(fc.constantFrom(...contents))), (bytes) => {
        const content = decoded(bytes);
        fc.pre(content !== null);
        const reseal = sealToRecipients(
          signEnvelope(content, alice),
          [alpha.publicKeys.agreement],
          (length) => new Uint8Array(length).fill(4),
        );
        for (const accept of ['request', 'reply'] as const) {
          const message = tryOpen(encodeEnvelope(reseal), accept);
          if (message === null) continue;
          opened++;
          const document =
            message.introduction === null
              ? message.claimedKey === null
                ? undefined
                : documentNaming(message.header.sender, message.claimedKey)
              : createXidDocument(message.introduction);
          const again = contentEnvelope(message.header, message.function, message.body, document);
          expect(again.digest).toEqual(content.digest);
        }
      }),
      { numRuns: 100 },
    );
    expect(opened).toBeGreaterThan(10);
  });

  function decoded(bytes: Uint8Array): Envelope | null {
    try {
      return decodeEnvelope(bytes);
    } catch {
      return null;
    }
  }

  function tryOpen(bytes: Uint8Array, accept: 'request' | 'reply') {
    try {
      const claimed = unsealMessage({ recipient: alpha, bytes, now: 1001, accept });
      return {
        ...authenticateMessage(claimed, alice.publicKeys),
        introduction: claimed.introduction,
        claimedKey: claimed.claimedKey,
      };
    } catch (error) {
      expect(error).toBeInstanceOf(CkmError);
      return null;
    }
  }
});
