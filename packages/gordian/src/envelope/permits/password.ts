import { argon2id } from '@noble/hashes/argon2.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { AccessError, encodeUtf8, EncodingError, reveal, type Secret } from '@ckm/foundation';
import {
  cbor,
  decodeCanonical,
  encodeCanonical,
  MAJOR,
  taggedValue,
  type Cbor,
  type DecodeLimits,
} from '../../cbor/dcbor.js';
import { CHACHA_KEY_BYTES, CHACHA_NONCE_BYTES } from '../../primitives/contract.js';
import { drawRandom, type RandomBytes } from '../../primitives/random.js';
import { encryptedMessageFrom } from '../decode.js';
import { encryptedMessageCbor } from '../encode.js';
import { decryptBytes, decryptSubject, encryptBytes } from '../encrypt.js';
import { withAssertion, knownValue, leaf, type EncryptedMessage, type Envelope } from '../envelope.js';
import { KNOWN } from '../known-values.js';
import { TAG } from '../../cbor/tags.js';
import { permitsOf } from './permits.js';

/** How a password becomes a key. */
export type PasswordMethod = 'argon2id' | 'scrypt';

interface Derivation {
  readonly method: PasswordMethod;
  readonly salt: Uint8Array;
  /** scrypt only: log2 N, r, p as they stand on the wire. */
  readonly cost: readonly [logN: number, r: number, p: number];
}

/**
 * Argon2id costs are not on the wire: 2 passes over 19 MiB, one lane.
 * Source: bc-crypto-rust argon.rs defaults; also the OWASP minimum.
 */
const ARGON2ID_COST = { t: 2, m: 19_456, p: 1, dkLen: CHACHA_KEY_BYTES } as const;
const SCRYPT_COST = [15, 8, 1] as const;
/** Beyond this a permit is a way to exhaust whoever opens it. 2^18 · 8 · 128 bytes are 256 MiB. */
const SCRYPT_MAX_COST = [18, 8, 4] as const;
const INDEX: Readonly<Record<PasswordMethod, number>> = { scrypt: 2, argon2id: 3 };
const SALT_BYTES = 16;
/** Of all permits together, in what the usual scrypt costs; Argon2id counts as one. As much as four of the highest cost. */
const MAX_WORK = 128;

/**
 * Adds 'hasSecret': the content key behind a password. Takes some 200 ms of computing: use a worker in a server.
 * Source: bc-components-rust, src/encrypted_key.
 */
export function addPassword(
  envelope: Envelope,
  password: Secret<string>,
  contentKey: Uint8Array,
  random: RandomBytes,
  method: PasswordMethod = 'argon2id',
): Envelope {
  const derivation: Derivation = { method, salt: drawRandom(random, SALT_BYTES), cost: SCRYPT_COST };
  const key = derive(password, derivation);
  const nonce = drawRandom(random, CHACHA_NONCE_BYTES);
  const message = encryptBytes(contentKey, key, nonce, encodeCanonical(derivationCbor(derivation)));
  key.fill(0);
  const locked = taggedValue(TAG.encryptedKey, taggedValue(TAG.encrypted, encryptedMessageCbor(message)));
  return withAssertion(envelope, knownValue(KNOWN.hasSecret), leaf(locked));
}

/**
 * Opens the subject with a password. Every permit is tried, the cheapest first, up to some 128 times the usual work.
 * @throws AccessError `ENVELOPE_PASSWORD_WRONG`; EncodingError `PERMIT_INVALID` when none opens, but one of them could not be
 * tried; or as `decodeEnvelope`.
 */
export function decryptSubjectWithPassword(
  envelope: Envelope,
  password: Secret<string>,
  limits?: DecodeLimits,
): Envelope {
  const { usable, isAnyMalformed } = permitsOf(envelope, KNOWN.hasSecret, permitFrom);
  let work = 0;
  for (const permit of usable.toSorted((a, b) => workOf(a) - workOf(b))) {
    work += workOf(permit);
    if (work > MAX_WORK) throw invalid();
    const contentKey = unlock(permit, password);
    if (contentKey !== null) return decryptSubject(envelope, contentKey, limits);
  }
  if (isAnyMalformed) throw invalid();
  throw new AccessError('no password permit opens with this password', {
    code: 'ENVELOPE_PASSWORD_WRONG',
    hint: 'type the password again',
  });
}

interface PasswordPermit {
  readonly message: EncryptedMessage;
  readonly derivation: Derivation;
}

/** `null` for a method that we do not offer (HKDF, PBKDF2, SSH agent). */
function permitFrom(item: Cbor): PasswordPermit | null {
  const message = encryptedMessageFrom(untag(untag(item, TAG.encryptedKey), TAG.encrypted));
  const derivation = derivationFrom(message);
  return derivation === null ? null : { message, derivation };
}

function workOf({ derivation: { method, cost } }: PasswordPermit): number {
  return method === 'argon2id' ? 1 : scryptWork(cost) / scryptWork(SCRYPT_COST);
}

function scryptWork([logN, r, p]: Derivation['cost']): number {
  return 2 ** logN * r * p;
}

function unlock({ message, derivation }: PasswordPermit, password: Secret<string>): Uint8Array | null {
  const key = derive(password, derivation);
  const contentKey = decryptBytes(message, key);
  key.fill(0);
  return contentKey?.length === CHACHA_KEY_BYTES ? contentKey : null;
}

function derive(password: Secret<string>, { method, salt, cost }: Derivation): Uint8Array {
  const bytes = encodeUtf8(reveal(password, 'derive a key from a password'));
  try {
    if (method === 'argon2id') return argon2id(bytes, salt, ARGON2ID_COST);
    const [logN, r, p] = cost;
    return scrypt(bytes, salt, { N: 2 ** logN, r, p, dkLen: CHACHA_KEY_BYTES, maxmem: 2 ** 29 });
  } finally {
    bytes.fill(0);
  }
}

function derivationCbor({ method, salt, cost }: Derivation): Cbor {
  const start = [cbor(INDEX[method]), taggedValue(TAG.salt, cbor(salt))];
  return cbor(method === 'argon2id' ? start : [...start, ...cost.map((number) => cbor(number))]);
}

function derivationFrom(message: EncryptedMessage): Derivation | null {
  const item = decodeCanonical(message.aad);
  if (item.type !== MAJOR.array || item.value.length < 2) throw invalid();
  const [index, saltItem, ...rest] = item.value;
  if (index!.type !== MAJOR.unsigned) throw invalid();
  const method = (['argon2id', 'scrypt'] as const).find((name) => INDEX[name] === index!.value);
  if (method === undefined) return null;
  const salt = untag(saltItem!, TAG.salt);
  if (salt.type !== MAJOR.bytes || salt.value.length < 8 || salt.value.length > 64) throw invalid();
  if (method === 'argon2id' && rest.length > 0) throw invalid();
  return { method, salt: salt.value, cost: method === 'scrypt' ? scryptCost(rest) : SCRYPT_COST };
}

function scryptCost(items: readonly Cbor[]): Derivation['cost'] {
  const [logN, r, p] = items.map((item, i) => {
    const max = SCRYPT_MAX_COST[i] ?? 0;
    const isFine = item.type === MAJOR.unsigned && item.value >= 1 && item.value <= max;
    return isFine ? Number(item.value) : 0;
  });
  if (items.length !== 3 || !logN || !r || !p) throw invalid();
  return [logN, r, p];
}

function untag(item: Cbor, tag: number): Cbor {
  if (item.type !== MAJOR.tag || item.tag !== tag) throw invalid();
  return item.value;
}

function invalid(): EncodingError {
  return new EncodingError('a password permit is malformed or asks for too much work', {
    code: 'PERMIT_INVALID',
    hint: 'lock the envelope again',
  });
}
