import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  MAX_ASSERTION_SIGNATURE_BYTES,
  MAX_AUTHENTICATOR_DATA_BYTES,
  MAX_CLIENT_DATA_BYTES,
  type Passkey,
  type PasskeyAssertion,
} from '@ckm/api';
import { concatBytes, equalBytes, readUtf8 } from '@ckm/foundation';
import { decodeData } from '@ckm/gordian';

/** The check that an assertion does not pass. */
export type AssertionFault =
  | 'client data'
  | 'type'
  | 'challenge'
  | 'origin'
  | 'cross origin'
  | 'top origin'
  | 'authenticator data'
  | 'rp id'
  | 'backup state'
  | 'public key'
  | 'signature'
  | 'user presence'
  | 'user verification';

/** What is signed, and the parts of it that are looked at. */
type Assertion = Pick<PasskeyAssertion, 'authenticatorData' | 'clientData' | 'signature'>;

/**
 * Why an assertion is none of this passkey over this challenge; null: it is one. Whatever its bytes are, nothing is thrown. Signature counters are
 * not looked at: a passkey that several devices share has none that rises. What the authenticator says of its user comes last: before
 * its signature holds, nobody has said it.
 * Source: W3C Web Authentication Level 3, §7.2 and §6.1.
 * @param challenge what was to be signed, byte for byte
 */
export function faultInAssertion(
  passkey: Passkey,
  challenge: Uint8Array,
  assertion: Assertion,
): AssertionFault | null {
  const flags = assertion.authenticatorData[32] ?? 0;
  return (
    faultInClientData(passkey, challenge, assertion.clientData) ??
    faultInAuthenticatorData(passkey, assertion.authenticatorData) ??
    faultInSignature(passkey, assertion) ??
    faultInUser(flags)
  );
}

/** For `judgeVote`. */
export function isAssertionBy(passkey: Passkey, challenge: Uint8Array, assertion: Assertion): boolean {
  return faultInAssertion(passkey, challenge, assertion) === null;
}

function faultInClientData(
  { origins }: Passkey,
  challenge: Uint8Array,
  bytes: Uint8Array,
): AssertionFault | null {
  const data = readClientData(bytes);
  if (data === null) return 'client data';
  if (data['type'] !== 'webauthn.get') return 'type';
  if (data['challenge'] !== Buffer.from(challenge).toString('base64url')) return 'challenge';
  if (!origins.some((origin) => origin === data['origin'])) return 'origin';
  // Older browsers leave it out where it is false. A page inside another one shows people what the outer one wants.
  if (data['crossOrigin'] !== undefined && data['crossOrigin'] !== false) return 'cross origin';
  if (data['topOrigin'] !== undefined) return 'top origin';
  return null;
}

/** Members that are not looked at may be any: browsers add some so that nobody compares the text. */
function readClientData(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  if (bytes.length > MAX_CLIENT_DATA_BYTES) return null;
  const text = readUtf8(bytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Hash of the domain (32 bytes), flags (1), counter (4); behind them what the flags announce. */
const AUTHENTICATOR_DATA_BYTES = 37;
const FLAG = {
  userPresent: 0x01,
  userVerified: 0x04,
  backupEligible: 0x08,
  backedUp: 0x10,
  attested: 0x40,
  extended: 0x80,
} as const;

function faultInAuthenticatorData({ rpId }: Passkey, bytes: Uint8Array): AssertionFault | null {
  if (bytes.length < AUTHENTICATOR_DATA_BYTES || bytes.length > MAX_AUTHENTICATOR_DATA_BYTES)
    return 'authenticator data';
  const flags = bytes[32]!;
  // Only a registration has the data of a new credential.
  if ((flags & FLAG.attested) !== 0) return 'authenticator data';
  const rest = bytes.subarray(AUTHENTICATOR_DATA_BYTES);
  const isWhole = (flags & FLAG.extended) === 0 ? rest.length === 0 : isMap(rest);
  if (!isWhole) return 'authenticator data';
  if (!equalBytes(bytes.subarray(0, 32), createHash('sha256').update(rpId).digest())) return 'rp id';
  if ((flags & FLAG.backedUp) !== 0 && (flags & FLAG.backupEligible) === 0) return 'backup state';
  return null;
}

/** Whether these bytes are one map of extensions and nothing besides. Source: W3C Web Authentication Level 3, §9.5. */
function isMap(bytes: Uint8Array): boolean {
  try {
    const value = decodeData(bytes, { maxBytes: MAX_AUTHENTICATOR_DATA_BYTES, maxDepth: 8, maxItems: 64 });
    return isRecord(value);
  } catch {
    return false;
  }
}

function faultInSignature(
  passkey: Passkey,
  { authenticatorData, clientData, signature }: Assertion,
): AssertionFault | null {
  const key = verifyingKey(passkey);
  if (key === null) return 'public key';
  if (signature.length > MAX_ASSERTION_SIGNATURE_BYTES) return 'signature';
  const signed = concatBytes(authenticatorData, createHash('sha256').update(clientData).digest());
  try {
    return verify(passkey.alg === EDDSA ? null : 'sha256', signed, key, signature) ? null : 'signature';
  } catch {
    return 'signature';
  }
}

function faultInUser(flags: number): AssertionFault | null {
  if ((flags & FLAG.userPresent) === 0) return 'user presence';
  return (flags & FLAG.userVerified) === 0 ? 'user verification' : null;
}

/** Whether assertions can be verified by this passkey: to be asked before anybody certifies it. */
export function isUsablePasskey(passkey: Passkey): boolean {
  return verifyingKey(passkey) !== null;
}

/** The key, if it is one of its algorithm, and spelled in the one way there is. */
function verifyingKey({ alg, spki }: Passkey): KeyObject | null {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const isSpelledSo = equalBytes(key.export({ format: 'der', type: 'spki' }), spki);
    return isSpelledSo && isOf(alg, key, spki.length) ? key : null;
  } catch {
    return null;
  }
}

/** Algorithms as COSE counts them; what else there is, is RS256. Source: RFC 9053 §2, RFC 8812 §2. */
const ES256 = -7;
const EDDSA = -8;
/** SubjectPublicKeyInfo of P-256 with its point in full, which is how WebAuthn gives it. */
const P256_SPKI_BYTES = 91;
/** Any other exponent is either weak or dear to verify with. */
const RSA_EXPONENT = 65_537n;

function isOf(alg: Passkey['alg'], key: KeyObject, length: number): boolean {
  const { namedCurve, modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (alg === EDDSA) return key.asymmetricKeyType === 'ed25519';
  if (alg === ES256)
    return key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1' && length === P256_SPKI_BYTES;
  return (
    key.asymmetricKeyType === 'rsa' &&
    modulusLength >= 2_048 &&
    modulusLength <= 4_096 &&
    publicExponent === RSA_EXPONENT
  );
}
