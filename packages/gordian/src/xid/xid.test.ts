import { decodeHex, encodeHex, secret } from '@ckm/foundation';
import { schnorr } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { type Cbor, decodeCanonical, encodeCanonical, taggedValue } from '../cbor/dcbor.js';
import { TAG } from '../cbor/tags.js';
import { formatUr, parseUr } from '../cbor/ur.js';
import {
  addAssertion,
  withAssertion,
  assertion,
  elided,
  knownValue,
  leaf,
  node,
  type Envelope,
} from '../envelope/envelope.js';
import { encodeEnvelope } from '../envelope/encode.js';
import { formatEnvelope } from '../envelope/format/notation.js';
import { KNOWN } from '../envelope/known-values.js';
import { assertionsOf, bareAssertion } from '../envelope/queries.js';
import { signEnvelope } from '../envelope/signature.js';
import { createIdentity } from '../identity/identity.js';
import {
  encodePublicKeys,
  publicKeysCbor,
  signingPublicKeyCbor,
  type SigningPublicKey,
} from '../identity/public-keys.js';
import {
  createXidDocument,
  inceptionKeyOf,
  parseXidDocument,
  signXidDocument,
  verifyXidDocument,
  xidDocumentEnvelope,
} from './document.js';
import { formatXid, formatXidDocument, parseXidUr } from './ur.js';
import { asXid, parseXid, xidCbor, xidFrom, xidHex, xidOf } from './xid.js';

// Expectations: BlockchainCommons/bc-components-rust, src/id/xid.rs and src/public_keys.rs;
// BlockchainCommons/bc-xid-rust, tests/test_xid_document.rs.
const XID_UR = 'ur:xid/hdcxuedeguisgevwhdaxnbluenutlbglhfiygamsamadmojkdydtneteeowffhwprtemcaatledk';
const DOCUMENT_UR =
  'ur:xid/tpsplftpsotanshdhdcxjsdigtwneocmnybadpdlzobysbstmekteypspeotcfldynlpsfolsbintyjkrhfnoyaylftpsotansgylftanshfhdcxhslkfzemaylrwttynsdlghrydpmdfzvdglndloimaahykorefddtsguogmvlahqztansgrhdcxetlewzvlwyfdtobeytidosbamkswaomwwfyabakssakggegychesmerkcatekpcxoycsfncsfggmplgshd';
const KEYS_UR =
  'ur:crypto-pubkeys/lftanshfhdcxzcgtcpytvsgafsondpjkbkoxaopsnniycawpnbnlwsgtregdfhgynyjksrgafmcstansgrhdcxlnfnwfzstovlrdfeuoghvwwyuesbcltsmetbgeurpfoyswfrzojlwdenjzckvadnrndtgsya';

const alice = createIdentity(secret(new Uint8Array(32).fill(1)));
const mallory = createIdentity(secret(new Uint8Array(32).fill(2)));

describe('an XID', () => {
  it('is written as the reference writes it', () => {
    const xid = parseXid(decodeHex('de2853684ae55803a08b36dd7f4e566649970601927330299fd333f33fecc037'));
    expect(formatXid(xid)).toBe(XID_UR);
    expect(parseXidUr(XID_UR.toUpperCase())).toEqual({ xid, keys: [], dereferenceVia: [], others: [] });
    expect(xidFrom(decodeCanonical(encodeCanonical(xidCbor(xid))))).toEqual(xid);
    expect(xidHex(xid)).toMatch(/^de285368/);
  });

  it('is the hash of the inception signing key', () => {
    const secretKey = decodeHex('322b5c1dd5a17c3481c2297990c85c232ed3c17b52ce9905c6ec5193ad132c36');
    const signing: SigningPublicKey = { scheme: 'schnorr', bytes: schnorr.getPublicKey(secretKey) };
    expect(encodeHex(encodeCanonical(signingPublicKeyCbor(signing)))).toBe(
      'd99c565820e8251dc3a17e0f2c07865ed191139ecbcddcbdd070ec1ff65df5148c7ef4005a',
    );
    expect(xidHex(xidOf({ signing }))).toBe(
      'd40e0602674df1b732f5e025d04c45f2e74ed1652c5ae1740f6a5502dbbdcd47',
    );
  });

  it('of another length is refused', () => {
    expect(() => parseXid(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'XID_INVALID' }));
    expect(() => asXid(new Uint8Array(33))).toThrow(expect.objectContaining({ code: 'XID_LENGTH' }));
    const short = formatUr({ type: 'xid', cbor: encodeCanonical(new Uint8Array(5)) });
    expect(() => parseXidUr(short)).toThrow(expect.objectContaining({ code: 'XID_INVALID' }));
  });
});

describe('an XID document of the reference', () => {
  const document = parseXidUr(DOCUMENT_UR);

  it('comes back byte for byte', () => {
    expect(formatXidDocument(document)).toBe(DOCUMENT_UR);
    expect(xidHex(document.xid)).toBe('71274df133169a0e2d2ffb11cbc7917732acafa31989f685cca6cb69d473b93c');
    expect(formatXid(document.xid)).toBe(
      'ur:xid/hdcxjsdigtwneocmnybadpdlzobysbstmekteypspeotcfldynlpsfolsbintyjkrhfnvsbyrdfw',
    );
  });

  it('holds its inception key, allowed everything', () => {
    expect(document.keys).toHaveLength(1);
    expect(inceptionKeyOf(document)).toMatchObject({ allow: ['all'], deny: [], nickname: '' });
  });

  it('prints as the reference prints it, addresses included', () => {
    const key = [
      `    'key': PublicKeys(eb9b1cae, SigningPublicKey(71274df1, SchnorrPublicKey(9022010e)), EncapsulationPublicKey(b4f7059a, X25519PublicKey(b4f7059a))) [`,
      `        'allow': 'All'`,
      '    ]',
    ];
    expect(formatEnvelope(xidDocumentEnvelope(document))).toBe(['XID(71274df1) [', ...key, ']'].join('\n'));
    const found = { ...document, dereferenceVia: ['https://resolver.example.com', 'btcr:01234567'] };
    expect(formatEnvelope(xidDocumentEnvelope(found))).toBe(
      [
        'XID(71274df1) [',
        `    'dereferenceVia': URI(btcr:01234567)`,
        `    'dereferenceVia': URI(https://resolver.example.com)`,
        ...key,
        ']',
      ].join('\n'),
    );
  });
});

it('public keys of the reference come back byte for byte', () => {
  const untagged = parseUr(KEYS_UR, 'crypto-pubkeys').cbor;
  const item = decodeCanonical(new Uint8Array([0xd9, 0x9c, 0x51, ...untagged]));
  const document = parseXidDocument(
    node(leaf(xidCbor(alice.xid)), [assertion(knownValue(KNOWN.key), leaf(item))]),
  );
  const [key] = document.keys;
  expect(encodeHex(key!.publicKeys.signing.bytes)).toBe(
    'fd4d22f9e8493da52d730aa402ac9e661deca099ef4db5503f519a73c3493e18',
  );
  expect(encodeHex(key!.publicKeys.agreement)).toBe(
    '863cf3facee3ba45dc54e5eedecb21d791d64adfb0a1c63bfb6fea366c1ee62b',
  );
  expect(encodePublicKeys(key!.publicKeys).slice(3)).toEqual(untagged);
  expect(inceptionKeyOf(document)).toBeNull();
});

describe('a document of our own', () => {
  const document = createXidDocument(alice.publicKeys, {
    nickname: 'laptop',
    dereferenceVia: ['https://alice.example'],
  });

  it('keeps everything on the way out and back, also what it does not understand', () => {
    const extra = assertion(knownValue(KNOWN.note), leaf('hello'));
    const rich = {
      ...document,
      keys: [
        {
          ...document.keys[0]!,
          endpoints: ['https://a.example/inbox'],
          allow: ['sign', 'verify'] as const,
          deny: ['burn'] as const,
          others: [elided(new Uint8Array(32).fill(7))],
        },
      ],
      others: [extra],
    };
    const parsed = parseXidUr(formatXidDocument(rich));
    expect(xidDocumentEnvelope(parsed)).toEqual(xidDocumentEnvelope(rich));
    expect(parsed.others).toEqual([extra]);
    expect(parsed.keys[0]!.allow).toHaveLength(2);
  });

  it('verifies when its inception key signed all of it', () => {
    expect(verifyXidDocument(signXidDocument(document, alice))).toEqual(document);
  });

  it('does not verify unsigned, signed by somebody else, or after its keys were exchanged', () => {
    expect(verifyXidDocument(xidDocumentEnvelope(document))).toBeNull();
    expect(verifyXidDocument(signXidDocument(document, mallory))).toBeNull();
    const stolen = { ...createXidDocument(mallory.publicKeys), xid: alice.xid };
    expect(verifyXidDocument(signXidDocument(stolen, mallory))).toBeNull();
    const both = { ...document, keys: [...document.keys, ...stolen.keys] };
    expect(verifyXidDocument(signXidDocument(both, mallory))).toBeNull();
  });

  it('says nothing about what was added outside its signature', () => {
    const signed = signXidDocument(document, alice);
    const outside = addAssertion(signed, assertion(knownValue(KNOWN.key), leaf('forged')));
    expect(verifyXidDocument(outside)).toEqual(document);
  });
});

/** Documents that other programs write. Source: bc-components-rust, src/mldsa, src/mlkem and src/signing. */
describe('a document with more in it than we use', () => {
  const bare = xidDocumentEnvelope(createXidDocument(alice.publicKeys, { nickname: 'laptop' }));
  const [listing] = assertionsOf(bare);
  const laptop = bareAssertion(listing!)!.object;
  const note = (envelope: Envelope) => withAssertion(envelope, knownValue(KNOWN.note), leaf('a note'));
  const key = (object: Envelope) => assertion(knownValue(KNOWN.key), object);
  const about = (subject: Envelope, ...assertions: readonly Envelope[]) => node(subject, assertions);

  /** What is read of it, once it is clear that it verifies and is written again bit for bit. */
  function readAgain(envelope: Envelope) {
    const document = verifyXidDocument(signEnvelope(envelope, alice));
    expect(document).not.toBeNull();
    expect(encodeEnvelope(xidDocumentEnvelope(document!))).toEqual(encodeEnvelope(envelope));
    expect(parseXidUr(formatXidDocument(document!))).toEqual(document);
    return document!;
  }

  const signing = signingPublicKeyCbor(alice.publicKeys.signing);
  const agreement = taggedValue(TAG.x25519PublicKey, alice.publicKeys.agreement);
  const mldsa = taggedValue(TAG.signingPublicKey, taggedValue(40_104, [2, new Uint8Array(1312)]));
  const mlkem = taggedValue(40_101, [512, new Uint8Array(800)]);
  const ssh = taggedValue(
    TAG.signingPublicKey,
    taggedValue(40_801, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 alice'),
  );
  const pairs: readonly (readonly [string, Cbor])[] = [
    ['a post-quantum key', taggedValue(TAG.publicKeys, [mldsa, mlkem])],
    ['a post-quantum agreement key', taggedValue(TAG.publicKeys, [signing, mlkem])],
    ['a post-quantum signing key', taggedValue(TAG.publicKeys, [mldsa, agreement])],
    ['an SSH key', taggedValue(TAG.publicKeys, [ssh, agreement])],
    [
      'a key of a kind to come',
      taggedValue(TAG.publicKeys, [taggedValue(TAG.signingPublicKey, [3, 'x']), agreement]),
    ],
  ];

  it.each(pairs)('parseXidDocument keeps %s as it came, and uses the others', (_what, pair) => {
    for (const listed of [key(leaf(pair)), note(key(note(leaf(pair))))]) {
      const document = readAgain(addAssertion(bare, listed));
      expect(document.keys.map(({ nickname }) => nickname)).toEqual(['laptop']);
      expect(document.others).toEqual([listed]);
    }
  });

  it('prints post-quantum and SSH keys by the names of the reference', () => {
    const printed = pairs.map(([, pair]) => formatEnvelope(leaf(pair)));
    expect(printed[0]).toMatch(
      /^PublicKeys\([0-9a-f]{8}, SigningPublicKey\([0-9a-f]{8}, MLDSA44PublicKey\([0-9a-f]{8}\)\), EncapsulationPublicKey\(([0-9a-f]{8}), MLKEM512PublicKey\(\1\)\)\)$/,
    );
    expect(printed[3]).toMatch(
      /SigningPublicKey\([0-9a-f]{8}, SSHPublicKey\([0-9a-f]{8}\)\), .*X25519PublicKey/,
    );
    expect(printed[4]).toBe('PublicKeys');
  });

  it("whose inception key is of a kind that we cannot use verifies as nobody's", () => {
    const only = about(leaf(xidCbor(alice.xid)), key(leaf(pairs[0]![1])));
    expect(parseXidDocument(only).keys).toEqual([]);
    expect(verifyXidDocument(signEnvelope(only, alice))).toBeNull();
  });

  it.each([
    ['assertion', note(key(laptop))],
    ['object', key(note(laptop))],
    ['assertion and the object', note(key(note(laptop)))],
  ])('a key is used when there is a note on its %s', (_where, listed) => {
    const document = readAgain(about(leaf(xidCbor(alice.xid)), listed));
    expect(inceptionKeyOf(document)).toMatchObject({ nickname: 'laptop', allow: ['all'] });
  });

  const said: readonly (readonly [string, Envelope])[] = [
    ['allow', knownValue(KNOWN.sign)],
    ['deny', knownValue(KNOWN.burn)],
    ['endpoint', leaf(taggedValue(TAG.uri, 'https://a.example/inbox'))],
  ];
  it.each(said)('%s of a key counts when there is a note on it, beside one without', (name, object) => {
    const plain = assertion(knownValue(KNOWN[name as 'allow']), object);
    const onObject = assertion(knownValue(KNOWN[name as 'allow']), note(object));
    const value = { allow: ['sign'], deny: ['burn'], endpoint: ['https://a.example/inbox'] }[name]!;
    const member = name === 'endpoint' ? 'endpoints' : name;
    const keys = leaf(publicKeysCbor(alice.publicKeys));
    for (const [all, count] of [
      [[onObject], 1],
      [[note(plain)], 1],
      [[plain, onObject], 2],
      [[plain, onObject, note(plain), note(onObject)], 4],
    ] as const) {
      const document = readAgain(about(leaf(xidCbor(alice.xid)), key(about(keys, ...all))));
      expect(document.keys[0]).toMatchObject({ [member]: Array.from({ length: count }, () => value[0]) });
    }
  });

  it('its addresses and nicknames are read when there is a note on them', () => {
    const via = assertion(
      knownValue(KNOWN.dereferenceVia),
      note(leaf(taggedValue(TAG.uri, 'btcr:01234567'))),
    );
    const named = assertion(knownValue(KNOWN.nickname), note(leaf('phone')));
    const phone = key(about(leaf(publicKeysCbor(alice.publicKeys)), named));
    const document = readAgain(about(leaf(xidCbor(alice.xid)), via, phone));
    expect(document).toMatchObject({ dereferenceVia: ['btcr:01234567'], keys: [{ nickname: 'phone' }] });
  });
});

describe('dereferenceVia takes only URIs', () => {
  const via = (text: string) =>
    addAssertion(
      xidDocumentEnvelope(createXidDocument(alice.publicKeys)),
      assertion(knownValue(KNOWN.dereferenceVia), leaf(taggedValue(TAG.uri, text))),
    );
  const invalid = expect.objectContaining({ code: 'XID_DOCUMENT_INVALID' });

  it.each([
    '',
    'alice',
    'a b',
    '//a.example',
    '/path',
    'https://',
    ' https://a.example',
    'https://a.example\n',
    'https://a b.example',
    'a:\u202eb',
  ])('parseXidDocument and xidDocumentEnvelope refuse %j', (text) => {
    expect(() => parseXidDocument(via(text))).toThrow(invalid);
    const document = createXidDocument(alice.publicKeys, { dereferenceVia: [text] });
    expect(() => xidDocumentEnvelope(document)).toThrow(invalid);
    const endpoint = { ...document.keys[0]!, endpoints: [text] };
    expect(() => xidDocumentEnvelope({ ...document, dereferenceVia: [], keys: [endpoint] })).toThrow(invalid);
  });

  it.each([
    'https://a.example/x?y#z',
    'btcr:01234567',
    'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
    'mailto:alice@a.example',
    'ur:xid/ab',
    'https://bücher.example/ä',
  ])('and take %s as it is written', (text) =>
    expect(parseXidDocument(via(text)).dereferenceVia).toEqual([text]),
  );
});

describe('V9: a malformed document', () => {
  const key = (envelope: Envelope) => assertion(knownValue(KNOWN.key), envelope);
  const subject = leaf(xidCbor(alice.xid));
  const goodKey = (nickname: string): Envelope => {
    const base = xidDocumentEnvelope(createXidDocument(alice.publicKeys, { nickname }));
    return base.kind === 'node' && base.assertions[0]!.kind === 'assertion'
      ? base.assertions[0]!.object
      : base;
  };
  const cases: readonly (readonly [string, Envelope, string])[] = [
    ['a subject that is not an XID', node(leaf('alice'), [key(goodKey(''))]), 'XID_INVALID'],
    ['a key that is text', node(subject, [key(leaf('key'))]), 'PUBLIC_KEYS_INVALID'],
    ['a hidden key', node(subject, [key(elided(new Uint8Array(32)))]), 'ENVELOPE_LEAF_EXPECTED'],
    ['the same key twice', node(subject, [key(goodKey('a')), key(goodKey('b'))]), 'XID_DOCUMENT_INVALID'],
    [
      'an address that is a number',
      node(subject, [assertion(knownValue(KNOWN.dereferenceVia), leaf(1))]),
      'ENVELOPE_LEAF_EXPECTED',
    ],
    [
      'an unknown privilege',
      node(subject, [key(withAssertion(goodKey(''), knownValue(KNOWN.allow), knownValue(9)))]),
      'XID_DOCUMENT_INVALID',
    ],
    [
      'two nicknames',
      node(subject, [key(withAssertion(goodKey('a'), knownValue(KNOWN.nickname), leaf('b')))]),
      'XID_DOCUMENT_INVALID',
    ],
  ];
  it.each(cases)('is refused: %s', (_name, envelope, code) => {
    expect(() => parseXidDocument(envelope)).toThrow(expect.objectContaining({ code }));
    expect(() => verifyXidDocument(signEnvelope(envelope, alice))).toThrow(expect.objectContaining({ code }));
  });
});
