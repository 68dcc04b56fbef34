import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, decodeHex, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { ed25519, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { hasProgram, run, scratchFolder } from '../fixtures/programs.js';
import type { KeyContext } from '../kind.js';
import { frostResults } from '../task.js';
import { messageKind } from './index.js';
import { lengthPrefixed } from '../wire/bytes.js';
import { verifySignature } from '@ckm/threshold';
import { buildMessageRequest } from './build.js';
import { messageToSign } from './domain.js';

const kind = messageKind;
const key = ed25519Key('message');

function describeOf(domain: string, content: string | Uint8Array) {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return kind.describe(kind.parse(buildMessageRequest({ domain, bytes })), key.context);
}

function payloadOf(domain: string, bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(1), lengthPrefixed(domain), lengthPrefixed(bytes));
}

describe('a message', () => {
  test('is told in one sentence and a table', () => {
    expect(describeOf('example.org/release', 'version 1.2 is good')).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Domain",
            "value": "example.org/release",
          },
          {
            "label": "Message",
            "note": "19 bytes",
            "value": "“version 1.2 is good”",
          },
          {
            "label": "Digest",
            "value": "SHA-256 90dc 15be 7dbc dcfe afdf f888 1704 2ee2 8047 bc70 d06c f042 de72 ddd1 8d70 3985",
          },
        ],
        "sentence": "Sign the message “version 1.2 is good” in the domain example.org/release with release",
        "warnings": [],
      }
    `);
  });

  test('without a domain says so', () => {
    expect(describeOf('', 'version 1.2 is good').sentence).toBe(
      'Sign the message “version 1.2 is good” as it is, without a domain, with release',
    );
  });

  describe('that nobody can read', () => {
    const contents = [decodeHex('00ff00ff'), encodeUtf8('pay \u202e1000\u202c'), encodeUtf8('a\u0000b')];

    test('is a file, told by its length and digest, where a domain keeps it from meaning anything else', () => {
      for (const content of contents) {
        const told = describeOf('example.org', content);
        const size = `${content.length} bytes`;
        const digest = encodeHex(sha256(content)).replace(/(.{4})(?=.)/g, '$1 ');
        expect(told.sentence).toBe(
          `Sign a file of ${size}, SHA-256 ${digest}, in the domain example.org with release`,
        );
        expect(told.rows.slice(1)).toEqual([
          { label: 'File', value: size, note: 'not text' },
          { label: 'Digest', value: `SHA-256 ${digest}`, note: 'sha256sum shows the same, without blanks' },
        ]);
        expect([told.blind, told.warnings]).toEqual([false, []]);
      }
    });

    test('is told to its owner by the name that only its owner knows', () => {
      const bytes = new Uint8Array(38_112).fill(0xff);
      const typed = kind.parse(buildMessageRequest({ domain: 'ckm', bytes }));
      const digest = encodeHex(sha256(bytes)).replace(/(.{4})(?=.)/g, '$1 ');
      const told = kind.describe(typed, { ...key.context, fileName: 'report.pdf' });
      expect(told.sentence).toBe(
        `Sign the file report.pdf, 38 KB, SHA-256 ${digest}, in the domain ckm with release`,
      );
      expect(told.rows[1]).toEqual({ label: 'File', value: 'report.pdf', note: '38,112 bytes, not text' });
      expect(kind.describe(typed, key.context).sentence).toBe(
        `Sign a file of 38 KB (38,112 bytes), SHA-256 ${digest}, in the domain ckm with release`,
      );
    });

    test('is signed blind without a domain', () => {
      for (const content of contents) {
        const told = describeOf('', content);
        expect(told.blind).toBe(true);
        expect(told.warnings.map(({ code }) => code)).toEqual(['BLIND_SIGNING']);
        expect(told.sentence).toMatch(/that cannot be described \(SHA-256 [0-9a-f ]{79}\) — blind signing —/);
      }
    });
  });

  test('of several lines is read as a whole', () => {
    const told = describeOf('example.org', 'one\r\ntwo\tthree\n');
    expect(told.blind).toBe(false);
    expect(told.rows[1]!.value).toBe('“one\\r\\ntwo\\tthree\\n”');
  });
});

describe('V11: two requests never sign the same bytes', () => {
  test('moving the border between domain and message changes them', () => {
    const one = messageToSign({ domain: 'ab', bytes: encodeUtf8('cd') });
    const two = messageToSign({ domain: 'abc', bytes: encodeUtf8('d') });
    expect(one).not.toEqual(two);
  });

  test('a raw message cannot spell a message with a domain', () => {
    const forged = messageToSign({ domain: 'example.org', bytes: encodeUtf8('pay') });
    expect(outcome(() => kind.parse(payloadOf('', forged)))).toBe('MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL');
  });
});

describe('V52: a raw message that means something elsewhere is refused', () => {
  const session = lengthPrefixed(sha256(encodeUtf8('session')));
  const tag = sha256(encodeUtf8('TapSighash'));
  test.each<[string, Uint8Array, string]>([
    ['a digest', sha256(encodeUtf8('x')), 'MESSAGE_IS_BARE_DIGEST'],
    ['zero', new Uint8Array(32), 'MESSAGE_IS_BARE_DIGEST'],
    [
      'an SSH signature',
      encodeUtf8('SSHSIG\u0000\u0000\u0000\u0003git'),
      'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    ],
    ['an SSH revocation list', encodeUtf8('SSHKRL\n\u0000'), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    [
      'an SSH login',
      concatBytes(session, Uint8Array.of(50, 0, 0, 0, 3)),
      'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    ],
    [
      'an SSH certificate',
      concatBytes(lengthPrefixed('ssh-ed25519-cert-v01@openssh.com'), session),
      'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    ],
    ['a git commit', encodeUtf8(`tree ${'a'.repeat(40)}\n`), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    ['a git tag', encodeUtf8(`object ${'a'.repeat(40)}\n`), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    ['a BIP-340 preimage', concatBytes(tag, tag, Uint8Array.of(0)), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    ['a TLS handshake', encodeUtf8(`${' '.repeat(64)}TLS 1.3, `), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    [
      'a web token',
      encodeUtf8('eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJib2IifQ'),
      'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    ],
    ['a short certificate', decodeHex('3003020101'), 'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL'],
    [
      'a long certificate',
      concatBytes(decodeHex('30820100'), new Uint8Array(256)),
      'MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL',
    ],
  ])('%s', (_, bytes, code) => {
    expect(outcome(() => kind.parse(payloadOf('', bytes)))).toBe(code);
    expect(outcome(() => buildMessageRequest({ domain: '', bytes }))).toBe(code);
    expect(outcome(() => kind.parse(payloadOf('example.org', bytes)))).toBe('accepted');
  });
});

test('V61: a domain has one spelling', () => {
  const bytes = encodeUtf8('hello');
  for (const domain of [
    'caf\u00e9',
    'cafe\u0301',
    '\uff45xample.org',
    'ex\u200bample.org',
    'example.org/',
    '\u0435xample',
  ]) {
    const accepted = outcome(() => buildMessageRequest({ domain, bytes })) === 'accepted';
    expect(accepted).toBe(/^[\x21-\x7e]+$/.test(domain));
  }
  expect(messageToSign({ domain: 'Example.org', bytes })).not.toEqual(
    messageToSign({ domain: 'example.org', bytes }),
  );
});

test('a message that repeats itself is only a message', () => {
  for (const letter of ['-', '=', '𠀀']) {
    const bytes = encodeUtf8(letter.repeat(100));
    expect(outcome(() => buildMessageRequest({ domain: '', bytes }))).toBe('accepted');
  }
});

describe('V9: a payload that is not exactly one message is refused', () => {
  const good = payloadOf('example.org', encodeUtf8('hello'));
  test('cut off, continued, of another version, with a length of 2³²-1', () => {
    for (let length = 0; length < good.length; length++) {
      expect(outcome(() => kind.parse(good.subarray(0, length)))).toBe('PAYLOAD_MALFORMED');
    }
    expect(outcome(() => kind.parse(concatBytes(good, Uint8Array.of(0))))).toBe('PAYLOAD_MALFORMED');
    expect(outcome(() => kind.parse(concatBytes(Uint8Array.of(2), good.subarray(1))))).toBe(
      'PAYLOAD_VERSION_UNKNOWN',
    );
    expect(outcome(() => kind.parse(decodeHex('01ffffffff')))).toBe('PAYLOAD_MALFORMED');
    expect(outcome(() => kind.parse(decodeHex('0100000000ffffffff')))).toBe('PAYLOAD_MALFORMED');
    expect(outcome(() => kind.parse(new Uint8Array(kind.maxBytes + 1)))).toBe('PAYLOAD_TOO_LARGE');
  });

  test('a domain that could be read as something else', () => {
    for (const domain of ['a b', 'a\n', 'ä', '“', 'a'.repeat(65), '\u202e']) {
      const told = outcome(() => kind.parse(payloadOf(domain, encodeUtf8('hello'))));
      expect(told).toMatch(/^(MESSAGE_DOMAIN_INVALID|PAYLOAD_MALFORMED)$/);
      expect(outcome(() => buildMessageRequest({ domain, bytes: new Uint8Array() }))).toBe(
        'MESSAGE_DOMAIN_INVALID',
      );
    }
  });
});

describe('the signature', () => {
  const typed = kind.parse(payloadOf('', encodeUtf8('hello, world')));
  const [task] = kind.tasks(typed, key.context);

  test('is returned only when it verifies', () => {
    const signature = key.sign(task!);
    expect(kind.finish(typed, key.context, [signature])).toEqual(signature.signature);
    expect(outcome(() => kind.finish(typed, key.context, []))).toBe('SIGNATURE_COUNT_WRONG');
    expect(outcome(() => kind.finish(typed, key.context, [signature, signature]))).toBe(
      'SIGNATURE_COUNT_WRONG',
    );
    const other = ed25519Key('message', 'other', 'mallory').sign(task!);
    expect(outcome(() => kind.finish(typed, key.context, [other]))).toBe('SIGNATURE_INVALID');
    expect(outcome(() => kind.finish(typed, key.context, frostResults([new Uint8Array(3)])))).toBe(
      'SIGNATURE_INVALID',
    );
  });

  test.skipIf(!hasProgram('openssl', 'version'))('of a raw message is accepted by openssl pkeyutl', () => {
    const folder = scratchFolder();
    const spki = concatBytes(decodeHex('302a300506032b6570032100'), key.context.public.groupKey);
    writeFileSync(join(folder, 'key.der'), spki);
    writeFileSync(join(folder, 'message'), 'hello, world');
    writeFileSync(join(folder, 'signature'), kind.finish(typed, key.context, [key.sign(task!)]));
    const args = 'pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -in message -sigfile signature';
    const told = run(folder, 'openssl', args.split(' '));
    expect(told).toContain('Signature Verified Successfully');
  });
});

describe('V43: signatures of every suite are checked by noble', () => {
  const message = encodeUtf8('hello');
  const suites = {
    ristretto255: ristretto255_FROST,
    secp256k1: secp256k1_FROST,
    'P-256': p256_FROST,
  } as const;

  test.each(Object.keys(suites) as (keyof typeof suites)[])('%s, by its FROST', (suite) => {
    const frost = suites[suite];
    const people = ['alice', 'bob'].map((name) => frost.Identifier.derive(name));
    const deal = frost.trustedDealer({ min: 2, max: 2 }, people);
    const nonces = people.map((id) => frost.commit(deal.secretShares[id]!));
    const list = nonces.map(({ commitments }) => commitments);
    const shares = Object.fromEntries(
      people.map((id, at) => [
        id,
        frost.signShare(deal.secretShares[id]!, deal.public, nonces[at]!.nonces, list, message),
      ]),
    );
    const signature = frost.aggregate(deal.public, list, message, shares);
    const publicKey = deal.public.commitments[0]!;
    expect(verifySignature(suite, publicKey, message, signature)).toBe(true);
    expect(verifySignature(suite, publicKey, encodeUtf8('other'), signature)).toBe(false);
  });

  test('secp256k1-tr and ed25519 by BIP-340 and RFC 8032', () => {
    const secret = sha256(message);
    const taproot = concatBytes(Uint8Array.of(2), schnorr.getPublicKey(secret));
    expect(verifySignature('secp256k1-tr', taproot, message, schnorr.sign(message, secret))).toBe(true);
    const edwards = ed25519.getPublicKey(secret);
    expect(verifySignature('ed25519', edwards, message, ed25519.sign(message, secret))).toBe(true);
    expect(verifySignature('ed25519', edwards, message, schnorr.sign(message, secret))).toBe(false);
  });

  test('small-order keys, and signatures that only a lenient verifier accepts, are not accepted', () => {
    const identity = concatBytes(Uint8Array.of(1), new Uint8Array(31));
    const trivial = concatBytes(identity, new Uint8Array(32));
    expect(verifySignature('ed25519', identity, message, trivial)).toBe(false);
  });
});

test('V16: a key answers only to the kind it was made for', () => {
  const typed = kind.parse(payloadOf('', encodeUtf8('hello')));
  const contexts: KeyContext[] = [
    ed25519Key('ssh').context,
    ed25519Key('git').context,
    { ...key.context, purpose: 'constructor' },
    { ...key.context, suite: 'secp256k1' },
  ];
  for (const context of contexts) {
    expect(outcome(() => kind.describe(typed, context))).toBe('REQUEST_KIND_NOT_FOR_KEY');
    expect(outcome(() => kind.tasks(typed, context))).toBe('REQUEST_KIND_NOT_FOR_KEY');
    expect(outcome(() => kind.finish(typed, context, []))).toBe('REQUEST_KIND_NOT_FOR_KEY');
  }
});
