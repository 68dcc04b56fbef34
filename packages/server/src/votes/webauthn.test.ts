import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  encodeVote,
  encodeVoteStatement,
  hashVote,
  judgeVote,
  parseVote,
  type Passkey,
  type Polling,
  type Voter,
  type VoteStatement,
} from '@ckm/api';
import { concatBytes, decodeHex, encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { type AssertionForm, BROKEN_ASSERTIONS, createAuthenticator } from '@ckm/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultInAssertion, isAssertionBy, isUsablePasskey } from './webauthn.js';

const authenticators = (['ES256', 'EdDSA', 'RS256'] as const).map((each) => createAuthenticator(each));
const challenge = new Uint8Array(32).fill(0xfb);
const broken = Object.entries(BROKEN_ASSERTIONS);

describe.each(authenticators)('an assertion by $algorithm', (authenticator) => {
  const { passkey, assert } = authenticator;

  test.each<[string, AssertionForm]>([
    ['as browsers make it', {}],
    ['without the word on its frame', { clientData: { crossOrigin: undefined } }],
    ['with members that are to come', { clientData: { tokenBinding: null, extra: { a: [1] } } }],
    ['with its members in another order', { clientText: clientTextBackwards(passkey) }],
    ['of a passkey that several devices share', { flags: 0x1d }],
    ['of one that could be shared', { flags: 0x0d }],
    ['with flags that are to come', { flags: 0x27 }],
    ['with a counter', { counter: 0xffff_ffff }],
    ['with extensions', { flags: 0x85, rest: encodeData({ credBlob: new Uint8Array(32) }) }],
    ['with s in the lower half', { highS: false }],
    ['with s in the upper half', { highS: true }],
  ])('%s is good', (_what, form) => {
    expect(faultInAssertion(passkey, challenge, assert(challenge, form))).toBeNull();
  });

  test.each(broken)('is refused for this alone: %s', (_what, { fault, assert: assertBroken }) => {
    expect(faultInAssertion(passkey, challenge, assertBroken(authenticator, challenge))).toBe(fault);
  });

  test('counts at each origin that is certified, whatever its counter says', () => {
    const two = { ...passkey, origins: ['https://vote.ckm.example', ...passkey.origins] };
    for (const counter of [9, 3, 3, 0])
      expect(isAssertionBy(two, challenge, assert(challenge, { counter }))).toBe(true);
  });

  test('is none by another passkey, also of another algorithm', () => {
    const assertion = assert(challenge);
    for (const other of authenticators)
      expect(isAssertionBy(other.passkey, challenge, assertion)).toBe(other === authenticator);
    const renamed = authenticators.find((other) => other !== authenticator)!.passkey.alg;
    expect(faultInAssertion({ ...passkey, alg: renamed }, challenge, assertion)).toBe('public key');
  });

  test('V9: of whatever bytes is refused, and throws nothing', () => {
    const good = assert(challenge);
    const bytes = fc.uint8Array({ maxLength: 80 });
    const part = (whole: Uint8Array) =>
      fc.oneof(
        bytes,
        fc.nat(whole.length).map((length) => whole.subarray(0, length)),
      );
    const parts = fc.record({
      authenticatorData: part(good.authenticatorData),
      clientData: fc.oneof(part(good.clientData), fc.json().map(encodeUtf8)),
      signature: part(good.signature),
    });
    fc.assert(
      fc.property(parts, bytes, (assertion, spki) => {
        const isWhole =
          assertion.authenticatorData.length === good.authenticatorData.length &&
          assertion.clientData.length === good.clientData.length &&
          assertion.signature.length === good.signature.length;
        fc.pre(!isWhole);
        expect(isAssertionBy(passkey, challenge, assertion)).toBe(false);
        expect(faultInAssertion({ ...passkey, spki }, challenge, good)).toBe('public key');
      }),
      { numRuns: 200 },
    );
  });
});

test('a signature of ES256 is DER, and neither r and s alone nor DER with something behind it', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const passkey: Passkey = { ...authenticators[0]!.passkey, spki: spkiOf(publicKey) };
  const { authenticatorData, clientData } = authenticators[0]!.assert(challenge);
  const hash = createHash('sha256').update(clientData).digest();
  const signing = (dsaEncoding: 'der' | 'ieee-p1363') =>
    Uint8Array.from(sign('sha256', concatBytes(authenticatorData, hash), { key: privateKey, dsaEncoding }));
  const fault = (signature: Uint8Array) =>
    faultInAssertion(passkey, challenge, { authenticatorData, clientData, signature });
  expect(fault(signing('der'))).toBeNull();
  expect(fault(signing('ieee-p1363'))).toBe('signature');
  expect(fault(Uint8Array.of(...signing('der'), 0))).toBe('signature');
  expect(fault(new Uint8Array(0))).toBe('signature');
  expect(fault(new Uint8Array(513))).toBe('signature');
});

describe('a passkey', () => {
  const usable = (alg: Passkey['alg'], spki: Uint8Array) =>
    isUsablePasskey({ ...authenticators[0]!.passkey, alg, spki });
  const rsa = (modulusLength: number, publicExponent = 65_537) =>
    spkiOf(generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey);

  test('is usable when its key is of its algorithm', () => {
    for (const { passkey } of authenticators) {
      expect(isUsablePasskey(passkey)).toBe(true);
      for (const other of authenticators)
        expect(usable(other.passkey.alg, passkey.spki)).toBe(other.passkey === passkey);
    }
  });

  test('is refused when its key is weak, of another kind, or spelled otherwise', () => {
    expect(usable(-257, rsa(1_024))).toBe(false);
    expect(usable(-257, rsa(2_048, 3))).toBe(false);
    expect(usable(-7, spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey))).toBe(false);
    expect(usable(-7, spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey))).toBe(false);
    expect(usable(-8, spkiOf(generateKeyPairSync('x25519').publicKey))).toBe(false);
    const { spki } = authenticators[0]!.passkey;
    for (const { passkey } of authenticators)
      expect(usable(passkey.alg, Uint8Array.of(...passkey.spki, 0))).toBe(false);
    expect(usable(-7, spki.subarray(0, -1))).toBe(false);
    expect(usable(-7, compressed(spki))).toBe(false);
    // Not on the curve.
    expect(usable(-7, spki.with(90, spki[90]! ^ 1))).toBe(false);
    expect(usable(-7, new Uint8Array(0))).toBe(false);
  });
});

/** W3C Web Authentication Level 3, §16 “Test Vectors”: `example.org`, made with fixed keys. */
describe('the published assertions', () => {
  const RP_ID_HASH = 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5';
  const ending =
    ',"extraData":"clientDataJSON may be extended with additional fields in the future, such as this: ';
  const published = (
    of: Pick<Passkey, 'alg' | 'spki'>,
    vector: { challenge: string; flags: string; rest: string; signature: string },
  ) => {
    const key: Passkey = { kind: 'passkey', ...of, rpId: 'example.org', origins: ['https://example.org'] };
    const asked = decodeHex(vector.challenge);
    const named = Buffer.from(asked).toString('base64url');
    const text = `{"type":"webauthn.get","challenge":"${named}","origin":"https://example.org",${vector.rest}}`;
    return faultInAssertion(key, asked, {
      authenticatorData: decodeHex(`${RP_ID_HASH}${vector.flags}00000000`),
      clientData: encodeUtf8(text),
      signature: decodeHex(vector.signature),
    });
  };
  const es256 = (x: string, y: string) => ({
    alg: -7 as const,
    spki: spkiOf(fromJwk({ kty: 'EC', crv: 'P-256', x: base64url(x), y: base64url(y) })),
  });

  test('of ES256, with a very long credential id (§16.6), is good', () => {
    const key = es256(
      '3b8176b7504489cc593046d7988abb7905a742de6ac2cdc748a873c663e90cb1',
      '1436d5edc9a75f23999eef9d5950a5c2455514ee1014084720f841a06b828a11',
    );
    const vector = {
      challenge: 'ef1deba56dce48f674a447ccf63b9599258ce87648e5c396f2ef0ca1da460e3b',
      flags: '0d',
      rest: '"crossOrigin":false',
      signature:
        '304502203ecef83fb12a0cae7841055f9f87103a99fd14b424194bbf06c4623d3ee6e3fd' +
        '022100d2ace346db262b1374a6b70faa51f518a42ddca13a4125ce6f5052a75bac9fb6',
    };
    expect(published(key, vector)).toBeNull();
    expect(published(key, { ...vector, flags: '1d' })).toBe('signature');
  });

  test('of ES256, from a page inside another one (§16.4), is refused for that', () => {
    const key = es256(
      '22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d',
      'cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e',
    );
    const vector = {
      challenge: '876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137',
      flags: '05',
      rest: `"crossOrigin":true${ending}92pcTVD0Aby-q4dtmj6efg"`,
      signature:
        '3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7' +
        '022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf',
    };
    expect(published(key, vector)).toBe('cross origin');
  });

  test('of RS256 (§16.10) fails at nothing but that its user was not verified', () => {
    const n = (2n ** 1279n - 1n) * (2n ** 2203n - 1n);
    const hex = n.toString(16);
    const jwk = { kty: 'RSA', n: base64url(hex.padStart(hex.length + (hex.length % 2), '0')), e: 'AQAB' };
    const vector = {
      challenge: '295f59f5fa8fe62c5aca9e27626c78c8da376ae6d8cd2dd29aebad601e1bc4c5',
      flags: '19',
      rest: '"crossOrigin":false',
      signature: RS256_SIGNATURE,
    };
    const key = { alg: -257, spki: spkiOf(fromJwk(jwk)) } as const;
    expect(published(key, vector)).toBe('user verification');
    expect(published(key, { ...vector, flags: '1d' })).toBe('signature');
  });

  test('of Ed25519 (§16.11) fails at nothing but that its user was not verified', () => {
    const x = base64url('44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832');
    const vector = {
      challenge: '895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2',
      flags: '01',
      rest: '"crossOrigin":false',
      signature:
        'f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cf' +
        'dfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b',
    };
    const key = { alg: -8, spki: spkiOf(fromJwk({ kty: 'OKP', crv: 'Ed25519', x })) } as const;
    expect(published(key, vector)).toBe('user verification');
    expect(published(key, { ...vector, flags: '05' })).toBe('signature');
  });
});

describe('a vote by passkey', () => {
  const filled = (byte: number) => new Uint8Array(32).fill(byte);
  const now = 1_790_000_000;
  const about = {
    matter: 'request' as const,
    matterId: filled(1),
    keyId: filled(2),
    termsHash: filled(3),
    requester: filled(4),
    kind: 'bitcoin',
    payloadHash: filled(5),
    tasksHash: filled(6),
  };
  const said: VoteStatement = {
    ...about,
    v: 1,
    verdict: 'yes',
    serial: 1,
    approver: filled(7),
    audience: [filled(8)],
    epoch: 0,
    transcriptHash: filled(9),
    descriptionHash: filled(10),
    reason: null,
    issuedAt: now,
    expiresAt: now + 600,
  };

  test.each(authenticators)(
    'of $algorithm counts with the digest as its challenge',
    ({ passkey, assert }) => {
      const approvers: Voter[] = [{ name: 'alice', xid: filled(7), keys: [passkey] }];
      const polling: Polling = {
        ballot: { ...about, serverId: filled(8), expiresAt: now + 600 },
        approvers,
        without: [],
        moment: { now, maxSkewSeconds: 60 },
      };
      const bytes = encodeVoteStatement(said);
      const voting = (of: Uint8Array, statement = bytes) =>
        judgeVote(parseVote(encodeVote(statement, assert(hashVote(of)))), polling, isAssertionBy);
      expect(voting(bytes)).toBeNull();
      expect(voting(encodeVoteStatement({ ...said, verdict: 'no' }))).toBe('VOTE_NOT_PROVEN');
      expect(voting(bytes, encodeVoteStatement({ ...said, serial: 2 }))).toBe('VOTE_NOT_PROVEN');
    },
  );
});

const RS256_SIGNATURE =
  '01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f888d67d880ea730a428498d3bc8e1ee11f2b1ecbe6c292b118c55ffa' +
  'addefa8cad0a54dd137c51f1eec673f1bb6c4d1789d6826a222b22d0f585fc901fdc933212e579d199b89d672aa44891333e6a13' +
  '55536025e82b25590256c3538229b55737083b2f6b9377e49e2472f11952f79fdd0da180b5ffd901b4049a8f081bb40711bef76c' +
  '62aed943571f2d0575304cb549d68d8892f95086a30f93716aee818f8dc06e96c0d5e0ed4cfa9fd8773d90464b68cf140f798666' +
  '6ff9c9e3302acd0535d60d769f465e2ab57ef8aabc89fccfef7ba32a64154a8b3d26be2298f470b8cc5377dbe3dfd4b0b45f8f01' +
  'e63bde6cfc76b62771f9b70aa27cf40152cad93aa5acd784fd4b90f676e2ea828d0bf2400aebbaae4153e5838f537f88b6228346' +
  '782a93a899be66ec77de45b3efcf311da6321c92e6b0cd11bfe653bf3e98cee8e341f02d67dbb6f9c98d9e8178090cfb5b70fbc6' +
  'd541599ac794ae2f1d4de1286ec8de8c2daf7b1d15c8438e90d924df5c19045220a4c8438c1b979bbe016cf3d0eeec23c3999d48' +
  '82cc645b776de930756612cdc6dd398160ff02a6';

function clientTextBackwards({ origins }: Passkey): string {
  const named = Buffer.from(challenge).toString('base64url');
  return `{ "origin": "${origins[0]}",\n "challenge": "${named}",\n "type": "webauthn.get" }`;
}

function spkiOf(key: KeyObject): Uint8Array {
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }));
}

function fromJwk(jwk: Record<string, string>): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

function base64url(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}

/** The same key with its point in short: 33 bytes for 65. */
function compressed(spki: Uint8Array): Uint8Array {
  const head = decodeHex('3039301306072a8648ce3d020106082a8648ce3d030107032200');
  const [x, y] = [spki.subarray(-64, -32), spki.subarray(-32)];
  return concatBytes(head, Uint8Array.of(y.at(-1)! % 2 === 0 ? 2 : 3), x);
}
