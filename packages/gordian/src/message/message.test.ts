import { CkmError, concatBytes, encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { describe, expect, it } from 'vitest';
import { encodeData } from '../cbor/data.js';
import { decodeEnvelope } from '../envelope/decode.js';
import { encodeEnvelope } from '../envelope/encode.js';
import {
  withAssertion,
  assertion,
  elided,
  knownValue,
  leaf,
  node,
  wrap,
  type Envelope,
  type NodeEnvelope,
} from '../envelope/envelope.js';
import { formatEnvelope } from '../envelope/format/notation.js';
import { KNOWN } from '../envelope/known-values.js';
import { openAsRecipient, sealToRecipients } from '../envelope/permits/recipient.js';
import { signEnvelope } from '../envelope/signature.js';
import { createIdentity, signBytes, verifyBytes, type Identity } from '../identity/identity.js';
import type { RandomBytes } from '../primitives/random.js';
import { primitives } from '../primitives/runtime.js';
import { createXidDocument, xidDocumentEnvelope } from '../xid/document.js';
import { xidCbor } from '../xid/xid.js';
import { contentEnvelope } from './content.js';
import { authenticateMessage, openMessage, unsealMessage } from './open.js';
import { createMessageId, sealMessage, type SealMessageArgs } from './seal.js';

const NOW = 1_790_000_000;

/** A different, repeatable stream for each test. */
function seededRandom(start: number): RandomBytes {
  let next = start;
  return (length) =>
    Uint8Array.from({ length }, () => (next = (next * 1103515245 + 12345) & 0x7fffffff) >>> 16);
}

function person(seed: number): Identity {
  return createIdentity(secret(new Uint8Array(32).fill(seed)));
}

const stuck: RandomBytes = (length) => new Uint8Array(length).fill(1);

const alice = person(1);
const mallory = person(2);
const alpha = person(3);
const bravo = person(4);
const body = encodeData({ keyId: new Uint8Array(32).fill(9), note: 'pay the plumber' });

function argsFor(changes: Partial<SealMessageArgs> = {}): SealMessageArgs {
  const random = seededRandom(7);
  return {
    sender: alice,
    recipient: alpha,
    id: createMessageId(random),
    date: NOW,
    expiresAt: NOW + 120,
    function: 'sign.start',
    body,
    random,
    ...changes,
  };
}

function openAt(server: Identity, bytes: Uint8Array, now = NOW) {
  return openMessage({
    recipient: server,
    bytes,
    now,
    resolveSender: (xid) => (xid[0] === alice.xid[0] ? alice.publicKeys : null),
  });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

/** Signs and seals whatever content, as an attacker with a valid account would. */
function sealContent(content: Envelope, signer = alice, to = alpha): Uint8Array {
  return encodeEnvelope(
    sealToRecipients(signEnvelope(content, signer), [to.publicKeys.agreement], seededRandom(11)),
  );
}

function contentOf(changes: Partial<SealMessageArgs> = {}): NodeEnvelope {
  const { id, date, expiresAt, inReplyTo } = argsFor(changes);
  const header = { sender: alice.xid, recipient: alpha.xid, id, date, expiresAt };
  return contentEnvelope(inReplyTo === undefined ? header : { ...header, inReplyTo }, 'sign.start', body);
}

describe('a sealed message', () => {
  it('reaches its recipient with everything that was put in', () => {
    const args = argsFor();
    const message = openAt(alpha, sealMessage(args));
    expect(message.function).toBe('sign.start');
    expect(message.body).toEqual(body);
    expect(message.header).toEqual({
      sender: alice.xid,
      recipient: alpha.xid,
      id: args.id,
      date: NOW,
      expiresAt: NOW + 120,
    });
  });

  it('carries the id of the request when it is an answer, and an id of its own', () => {
    const inReplyTo = new Uint8Array(32).fill(5);
    const sealed = sealMessage(argsFor({ inReplyTo }));
    const message = openMessage({
      recipient: alpha,
      bytes: sealed,
      now: NOW,
      accept: 'reply',
      resolveSender: () => alice.publicKeys,
    });
    expect(message.header.inReplyTo).toEqual(inReplyTo);
    expect(message.header.id).toEqual(argsFor().id);
  });

  it('shows neither sender nor recipient nor function on its outside', () => {
    const bytes = Buffer.from(sealMessage(argsFor()));
    for (const secretPart of [
      alice.xid,
      alpha.xid,
      alice.publicKeys.signing.bytes,
      encodeUtf8('sign.start'),
    ]) {
      expect(bytes.includes(Buffer.from(secretPart))).toBe(false);
    }
  });

  it('has these frozen bytes: version 1 never changes', () => {
    const sealed = sealMessage({
      sender: person(1),
      recipient: person(2),
      id: new Uint8Array(32).fill(3),
      date: 1000,
      expiresAt: 1100,
      function: 'key.list',
      body: encodeData({ after: null }),
      random: (length) => new Uint8Array(length).fill(4),
    });
    expect(sealed).toHaveLength(490);
    expect(encodeHex(primitives.sha256(sealed))).toBe(
      'aa70f8a221ee7a02d2f4efa18ff345d58e6ad2f6ce0f685447239364830207b8',
    );
  });

  it('prints as Gordian tools print it once it is opened', () => {
    const opened = openAsRecipient(decodeEnvelope(sealMessage(argsFor())), alpha.agreementKey);
    const short = (bytes: Uint8Array) => encodeHex(bytes.subarray(0, 4));
    expect(formatEnvelope(opened)).toBe(
      [
        '{',
        `    request(ARID(${short(argsFor().id)})) [`,
        `        "recipient": XID(${short(alpha.xid)})`,
        `        'body': «"sign.start"» [`,
        `            ❰_❱: encoded({"note": "pay the plumber", "keyId": h'${'09'.repeat(32)}'})`,
        '        ]',
        `        'conformsTo': "ckm/message/v1"`,
        `        'date': 2026-09-21T14:13:20Z`,
        `        'sender': XID(${short(alice.xid)})`,
        `        'validUntil': 2026-09-21T14:15:20Z`,
        '    ]',
        '} [',
        `    'signed': Signature(Ed25519)`,
        ']',
      ].join('\n'),
    );
  });

  it('is an ordinary Gordian Envelope: a generic reader opens it', () => {
    const sealed = decodeEnvelope(sealMessage(argsFor()));
    const opened = openAsRecipient(sealed, alpha.agreementKey);
    expect(opened.kind).toBe('node');
  });
});

describe('an attacker', () => {
  it('V63: cannot have a request for alpha accepted by bravo, even when alpha itself re-seals it', () => {
    const sealed = sealMessage(argsFor());
    expect(codeOf(() => openAt(bravo, sealed))).toBe('MESSAGE_NOT_FOR_ME');
    const opened = openAsRecipient(decodeEnvelope(sealed), alpha.agreementKey);
    const forwarded = encodeEnvelope(sealToRecipients(opened, [bravo.publicKeys.agreement], seededRandom(3)));
    expect(codeOf(() => openAt(bravo, forwarded))).toBe('MESSAGE_NOT_FOR_ME');
  });

  it('cannot change any byte on the way', { tags: 'slow' }, () => {
    const sealed = sealMessage(argsFor());
    for (let at = 0; at < sealed.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const changed = sealed.slice();
        changed[at]! ^= flip;
        expect(
          codeOf(() => openAt(alpha, changed)),
          `byte ${at}`,
        ).not.toBe('nothing was thrown');
      }
    }
  });

  it('cannot cut a message short or make it longer', () => {
    const sealed = sealMessage(argsFor());
    for (let length = 0; length < sealed.length; length += 7) {
      expect(codeOf(() => openAt(alpha, sealed.subarray(0, length)))).not.toBe('nothing was thrown');
    }
    expect(codeOf(() => openAt(alpha, concatBytes(sealed, new Uint8Array(1))))).toBe('CBOR_INVALID');
  });

  it('V63: cannot sign in the name of alice with another key', () => {
    const forged = sealContent(contentOf(), mallory);
    expect(codeOf(() => openAt(alpha, forged))).toBe('MESSAGE_SIGNATURE_INVALID');
  });

  it('cannot make the receiver trust keys from the message over those of the account', () => {
    const document = { ...createXidDocument(mallory.publicKeys), xid: alice.xid };
    const parts = contentOf().assertions.filter((one) => !isAbout(one, KNOWN.sender));
    const claim = assertion(knownValue(KNOWN.sender), xidDocumentEnvelope(document));
    const forged = sealContent(node(contentOf().subject, [...parts, claim]), mallory);
    expect(codeOf(() => openAt(alpha, forged))).toBe('MESSAGE_INVALID');
  });

  it('V17: cannot pass an answer off as a request, nor a request as an answer', () => {
    const answer = sealMessage(argsFor({ inReplyTo: new Uint8Array(32).fill(5) }));
    expect(codeOf(() => openAt(alpha, answer))).toBe('MESSAGE_UNEXPECTED');
    const rules = { recipient: alpha, now: NOW, accept: 'reply' } as const;
    expect(codeOf(() => unsealMessage({ ...rules, bytes: sealMessage(argsFor()) }))).toBe(
      'MESSAGE_UNEXPECTED',
    );
  });

  it('is unknown without an account', () => {
    const stranger = sealMessage(argsFor({ sender: mallory }));
    expect(codeOf(() => openAt(alpha, stranger))).toBe('MESSAGE_SENDER_UNKNOWN');
  });
});

function isAbout(envelope: Envelope, predicate: number): boolean {
  return envelope.kind === 'assertion' && envelope.predicate === knownValue(predicate);
}

describe('an introduction', () => {
  it('lets a stranger show the keys its XID is made from', () => {
    const opened = unsealMessage({
      recipient: alpha,
      now: NOW,
      bytes: sealMessage(argsFor({ introduce: true })),
    });
    expect(opened.introduction).toEqual(alice.publicKeys);
    expect(authenticateMessage(opened, alice.publicKeys).header.sender).toEqual(alice.xid);
  });

  it('is refused when its keys are not those of the XID', () => {
    const honest = unsealMessage({
      recipient: alpha,
      now: NOW,
      bytes: sealMessage(argsFor({ introduce: true })),
    });
    expect(codeOf(() => authenticateMessage(honest, mallory.publicKeys))).toBe('MESSAGE_SIGNATURE_INVALID');
  });

  it('V9: is refused when it carries anything but one key', () => {
    const plain = createXidDocument(alice.publicKeys);
    const second = createXidDocument(mallory.publicKeys).keys[0]!;
    const documents = [
      { ...plain, keys: [...plain.keys, second] },
      { ...plain, dereferenceVia: ['https://alice.example'] },
      createXidDocument(alice.publicKeys, { nickname: 'laptop' }),
      { ...plain, keys: [{ ...plain.keys[0]!, allow: ['sign'] as const }] },
    ];
    const { id, date, expiresAt } = argsFor();
    const header = { sender: alice.xid, recipient: alpha.xid, id, date, expiresAt };
    for (const document of documents) {
      const content = contentEnvelope(header, 'account.open', body, document);
      expect(codeOf(() => openAt(alpha, sealContent(content)))).toBe('MESSAGE_INVALID');
    }
  });

  it('is absent from ordinary messages', () => {
    const opened = unsealMessage({ recipient: alpha, now: NOW, bytes: sealMessage(argsFor()) });
    expect(opened.introduction).toBeNull();
  });
});

describe('a key that a message names', () => {
  const laptop = createIdentity(secret(new Uint8Array(32).fill(31)), alice.xid);
  const open = (bytes: Uint8Array) => unsealMessage({ recipient: alpha, now: NOW, bytes });
  const named = (changes: Partial<SealMessageArgs> = {}) =>
    sealMessage(argsFor({ sender: laptop, namesKey: true, ...changes }));

  it('is only claimed: a receiver says whether it is one of the sender’s', () => {
    const opened = open(named());
    expect([opened.claimed.sender, opened.introduction]).toEqual([alice.xid, null]);
    expect(opened.claimedKey).toEqual(laptop.publicKeys);
    expect(authenticateMessage(opened, laptop.publicKeys).header.sender).toEqual(alice.xid);
    expect(codeOf(() => authenticateMessage(opened, alice.publicKeys))).toBe('MESSAGE_SIGNATURE_INVALID');
  });

  it('is absent from every other message, whose bytes are as they were', () => {
    for (const change of [{}, { introduce: true }]) {
      expect(open(sealMessage(argsFor(change))).claimedKey).toBeNull();
    }
    expect(sealMessage(argsFor({ namesKey: false }))).toEqual(sealMessage(argsFor()));
  });

  it('is not the first of an XID, which needs no name, and is not in a reply', () => {
    expect(codeOf(() => named({ sender: alice }))).toBe('MESSAGE_ARGUMENTS');
    const reply = named({ inReplyTo: new Uint8Array(32).fill(5) });
    const rules = { recipient: alpha, now: NOW, accept: 'reply', bytes: reply } as const;
    expect(codeOf(() => unsealMessage(rules))).toBe('MESSAGE_INVALID');
  });

  it('is unknown to whoever looks up senders by their XID alone', () => {
    expect(codeOf(() => openAt(alpha, named()))).toBe('MESSAGE_SENDER_UNKNOWN');
  });

  it('V9: is refused with anything beside it', () => {
    const plain = createXidDocument(laptop.publicKeys);
    const only = { ...plain.keys[0]!, allow: [] };
    const documents = [
      { ...plain, xid: alice.xid, keys: [{ ...only, allow: ['all'] as const }] },
      { ...plain, xid: alice.xid, keys: [{ ...only, nickname: 'laptop' }] },
      { ...plain, xid: alice.xid, keys: [only], dereferenceVia: ['https://alice.example'] },
      { ...plain, xid: alice.xid, keys: [only, createXidDocument(mallory.publicKeys).keys[0]!] },
      { ...plain, keys: [only] },
    ];
    const { id, date, expiresAt } = argsFor();
    const header = { sender: alice.xid, recipient: alpha.xid, id, date, expiresAt };
    for (const document of documents) {
      const content = contentEnvelope(header, 'key.list', body, document);
      expect(codeOf(() => openAt(alpha, sealContent(content, laptop)))).toBe('MESSAGE_INVALID');
    }
  });
});

describe('time', () => {
  it('V68: an expired message is refused, to the second', () => {
    const sealed = sealMessage(argsFor());
    expect(openAt(alpha, sealed, NOW + 119).function).toBe('sign.start');
    expect(codeOf(() => openAt(alpha, sealed, NOW + 120))).toBe('MESSAGE_EXPIRED');
  });

  it('V68: a message from the future is refused beyond the tolerated skew', () => {
    const sealed = sealMessage(argsFor({ date: NOW + 61, expiresAt: NOW + 100 }));
    expect(codeOf(() => openAt(alpha, sealed))).toBe('MESSAGE_FROM_FUTURE');
    expect(openAt(alpha, sealed, NOW + 1).function).toBe('sign.start');
  });

  it('V68: a message that would have to be remembered for ever is refused', () => {
    const sealed = sealMessage(argsFor({ expiresAt: NOW + 301 }));
    expect(codeOf(() => openAt(alpha, sealed))).toBe('MESSAGE_LIVES_TOO_LONG');
  });
});

describe('V9: what a sender with an account can put inside', () => {
  it('is refused when a part is repeated, unknown, annotated, hidden or missing', () => {
    const content = contentOf();
    const withExtra = (extra: Envelope) => sealContent(node(content.subject, [...content.assertions, extra]));
    const date = content.assertions.find((one) => isAbout(one, KNOWN.date))!;
    const variants = {
      repeated: withExtra(assertion(knownValue(KNOWN.sender), leaf(xidCbor(mallory.xid)))),
      unknown: withExtra(assertion(knownValue(KNOWN.note), leaf('hello'))),
      annotated: sealContent(
        node(content.subject, [
          ...content.assertions.filter((one) => one !== date),
          withAssertion(date, knownValue(KNOWN.note), leaf('x')),
        ]),
      ),
      ...Object.fromEntries(
        content.assertions.flatMap((one, i) => {
          const rest = content.assertions.filter((other) => other !== one);
          return [
            [`missing ${i}`, sealContent(node(content.subject, rest))],
            [`hidden ${i}`, sealContent(node(content.subject, [...rest, elided(one.digest)]))],
          ];
        }),
      ),
    };
    for (const [name, bytes] of Object.entries(variants)) {
      expect(
        codeOf(() => openAt(alpha, bytes)),
        name,
      ).toBe('MESSAGE_INVALID');
    }
  });

  it('is refused when it is longer than the limit, before anything is decoded', () => {
    const sealed = sealMessage(argsFor({ body: encodeData(new Uint8Array(2000)) }));
    const rules = { recipient: alpha, bytes: sealed, now: NOW, resolveSender: () => alice.publicKeys };
    expect(codeOf(() => openMessage({ ...rules, maxBytes: 2000 }))).toBe('MESSAGE_TOO_LONG');
    expect(openMessage({ ...rules, maxBytes: sealed.length }).body).toHaveLength(2003);
  });

  it('is refused when the body or the message nests deeper than the limit', () => {
    const deepBody = concatBytes(new Uint8Array(33).fill(0x81), new Uint8Array([0x00]));
    expect(codeOf(() => openAt(alpha, sealMessage(argsFor({ body: deepBody }))))).toBe('CBOR_TOO_DEEP');
    expect(openAt(alpha, sealMessage(argsFor({ body: deepBody.subarray(1) }))).body).toHaveLength(33);
    let deep: Envelope = leaf(1);
    for (let i = 0; i < 40; i++) deep = wrap(deep);
    expect(codeOf(() => openAt(alpha, sealContent(deep)))).toBe('CBOR_TOO_DEEP');
    expect(codeOf(() => openAt(alpha, new Uint8Array(100_000).fill(0x81)))).toBe('CBOR_TOO_DEEP');
  });

  it('is refused when it holds more items than a message has, before they are decoded', () => {
    const many = leaf(Array.from({ length: 600 }, (_, i) => i));
    expect(codeOf(() => openAt(alpha, sealContent(many)))).toBe('CBOR_TOO_LONG');
    expect(
      codeOf(() =>
        openAt(alpha, concatBytes(new Uint8Array([0x9a, 0, 16, 0, 0]), new Uint8Array(1_000_000))),
      ),
    ).toBe('CBOR_TOO_LONG');
  });

  it('V17: is refused when the signed thing is not a message, such as an XID document', () => {
    const document = xidDocumentEnvelope(createXidDocument(alice.publicKeys));
    expect(codeOf(() => openAt(alpha, sealContent(document)))).toBe('MESSAGE_INVALID');
  });

  it('V17: a signature over a message digest is not a signature over bytes, nor the other way round', () => {
    const content = wrap(contentOf());
    const signature = signBytes(alice, 'ckm/any', content.digest);
    expect(verifyBytes(alice.publicKeys, 'ckm/other', content.digest, signature)).toBe(false);
    const signed = node(content, [assertion(knownValue(KNOWN.signed), leaf(signature))]);
    const sealed = sealToRecipients(signed, [alpha.publicKeys.agreement], seededRandom(5));
    expect(codeOf(() => openAt(alpha, encodeEnvelope(sealed)))).toBe('MESSAGE_INVALID');
  });

  it('is refused with a second permit or a note on the outside', () => {
    const sealed = decodeEnvelope(sealMessage(argsFor()));
    const noted = withAssertion(sealed, knownValue(KNOWN.note), leaf('urgent'));
    expect(codeOf(() => openAt(alpha, encodeEnvelope(noted)))).toBe('MESSAGE_INVALID');
    const two = sealToRecipients(
      signEnvelope(contentOf(), alice),
      [alpha.publicKeys.agreement, bravo.publicKeys.agreement],
      seededRandom(5),
    );
    expect(codeOf(() => openAt(alpha, encodeEnvelope(two)))).toBe('MESSAGE_INVALID');
  });
});

describe('V66: a random source that repeats itself', () => {
  it('still gives two messages different keys', () => {
    const first = decodeEnvelope(sealMessage(argsFor({ random: stuck })));
    const second = decodeEnvelope(sealMessage(argsFor({ random: stuck, function: 'sign.stop' })));
    const permits = [first, second].map((one) => (one.kind === 'node' ? one.assertions[0]!.digest : null));
    expect(permits[0]).not.toEqual(permits[1]);
  });

  it('is noticed when it returns zeros', () => {
    expect(codeOf(() => sealMessage(argsFor({ random: (length) => new Uint8Array(length) })))).toBe(
      'RANDOM_FAILED',
    );
  });
});
