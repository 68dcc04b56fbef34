import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Passkey, PasskeyAssertion } from '@ckm/api';
import { concatBytes, decodeHex, encodeUtf8 } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';

/** A passkey in software, with the browser around it: what it signs is what it is told, good or not. */
export interface SoftwareAuthenticator {
  readonly algorithm: AuthenticatorAlgorithm;
  /** As terms certify it. */
  readonly passkey: Passkey;
  /** The same key as registrations hold it. Source: RFC 9053 §7, RFC 8230 §4. */
  readonly coseKey: Uint8Array;
  /** Says yes to a challenge, in every way as an honest one would but for what is given. */
  readonly assert: (challenge: Uint8Array, form?: AssertionForm) => PasskeyAssertion;
}

/** What an assertion says other than an honest one. */
export interface AssertionForm {
  /** Members of the client data besides, or instead. */
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** The client data as a whole. */
  readonly clientText?: string;
  readonly rpId?: string;
  /** Honest ones have user presence and user verification: 0x05. */
  readonly flags?: number;
  readonly counter?: number;
  /** Behind the counter. */
  readonly rest?: Uint8Array;
  /** Authenticator data are cut to so many bytes. */
  readonly length?: number;
  /** For ES256: whether s lies in the upper half of the order. Absent: as it comes. */
  readonly highS?: boolean;
}

export const USER_FLAGS = 0x05;

export interface AuthenticatorOptions {
  readonly rpId?: string;
  readonly origin?: string;
}

const ALG = { ES256: -7, EdDSA: -8, RS256: -257 } as const;
export type AuthenticatorAlgorithm = keyof typeof ALG;

export function createAuthenticator(
  algorithm: AuthenticatorAlgorithm,
  { rpId = 'ckm.example', origin = `https://${rpId}` }: AuthenticatorOptions = {},
): SoftwareAuthenticator {
  const { publicKey, privateKey } = newKeys(algorithm);
  const passkey: Passkey = {
    kind: 'passkey',
    alg: ALG[algorithm],
    spki: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
    rpId,
    origins: [origin],
  };
  return {
    algorithm,
    passkey,
    coseKey: coseKeyOf(publicKey),
    assert: (challenge, form = {}) => {
      const authenticatorData = authenticatorDataOf(rpId, form);
      const clientData = encodeUtf8(form.clientText ?? clientTextOf(challenge, origin, form));
      const signed = concatBytes(authenticatorData, sha256(clientData));
      const signature = signWith(privateKey, algorithm, signed, form.highS);
      return { kind: 'passkey', authenticatorData, clientData, signature };
    },
  };
}

function newKeys(algorithm: AuthenticatorAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('ed25519');
}

function clientTextOf(challenge: Uint8Array, origin: string, { clientData = {} }: AssertionForm): string {
  const data = {
    type: 'webauthn.get',
    challenge: Buffer.from(challenge).toString('base64url'),
    origin,
    crossOrigin: false,
    ...clientData,
  };
  return JSON.stringify(data);
}

function authenticatorDataOf(rpId: string, form: AssertionForm): Uint8Array {
  const counter = new Uint8Array(4);
  new DataView(counter.buffer).setUint32(0, form.counter ?? 0);
  const flags = Uint8Array.of(form.flags ?? USER_FLAGS);
  const whole = concatBytes(
    sha256(encodeUtf8(form.rpId ?? rpId)),
    flags,
    counter,
    form.rest ?? new Uint8Array(),
  );
  return whole.subarray(0, form.length);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(bytes).digest());
}

function signWith(
  key: KeyObject,
  algorithm: AuthenticatorAlgorithm,
  message: Uint8Array,
  highS: boolean | undefined,
): Uint8Array {
  if (algorithm === 'EdDSA') return Uint8Array.from(sign(null, message, key));
  if (algorithm === 'RS256') return Uint8Array.from(sign('sha256', message, key));
  const pair = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  const s = BigInt(`0x${pair.subarray(32).toString('hex')}`);
  const isHigh = s > P256_ORDER / 2n;
  return derOf(pair.subarray(0, 32), bytesOf(highS === undefined || highS === isHigh ? s : P256_ORDER - s));
}

/** Source: SEC 2 §2.4.2. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function bytesOf(scalar: bigint): Uint8Array {
  return decodeHex(scalar.toString(16).padStart(64, '0'));
}

/** Ecdsa-Sig-Value in DER. Source: RFC 3279 §2.2.3. */
function derOf(r: Uint8Array, s: Uint8Array): Uint8Array {
  const both = concatBytes(derInteger(r), derInteger(s));
  return Uint8Array.of(0x30, both.length, ...both);
}

function derInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  const padded = short[0]! > 0x7f ? Uint8Array.of(0, ...short) : short;
  return Uint8Array.of(0x02, padded.length, ...padded);
}

/** The map of a COSE key, whose keys are small numbers: written by hand, because records of ours have keys of text. */
function coseKeyOf(key: KeyObject): Uint8Array {
  const jwk = key.export({ format: 'jwk' });
  const part = (text: string | undefined) => encodeData(Uint8Array.from(Buffer.from(text!, 'base64url')));
  if (jwk.kty === 'RSA')
    return concatBytes(decodeHex('a401030339010020'), part(jwk.n), decodeHex('21'), part(jwk.e));
  if (jwk.kty === 'EC')
    return concatBytes(decodeHex('a501020326200121'), part(jwk.x), decodeHex('22'), part(jwk.y));
  return concatBytes(decodeHex('a401010327200621'), part(jwk.x));
}
