import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { type Group, groupNamed, type Scalar, type SecretScalar } from '../../group/index.js';
import { createBip340Hash } from '../../hd/bip340-hash.js';
import { hash, type HashName } from '../../hash/index.js';
import { groupOfSuite, type SuiteName } from '../../key/cocktail/suite-name.js';

/**
 * A FROST ciphersuite: a group and the five hashes H1 … H5 of RFC 9591 §6, with `parts` concatenated.
 * The names say what each is for: H1 binding factor, H2 challenge, H3 nonce, H4 message, H5 commitment list.
 */
export interface FrostSuite {
  readonly name: SuiteName;
  readonly contextString: string;
  readonly group: Group;
  /** BIP-340: keys and group commitments count by their x coordinate, the secret of the even y is meant. */
  readonly evenY: boolean;
  h1(...parts: readonly Uint8Array[]): Scalar;
  /** H1 of the prefix with each of several endings, all of one length. */
  h1Each(prefix: Uint8Array, endings: readonly Uint8Array[]): Scalar[];
  /** Challenge over encoded group commitment, encoded group key and message. */
  h2(commitment: Uint8Array, groupKey: Uint8Array, message: Uint8Array): Scalar;
  h3(...parts: readonly Uint8Array[]): SecretScalar;
  h4(...parts: readonly Uint8Array[]): Uint8Array;
  h5(...parts: readonly Uint8Array[]): Uint8Array;
}

/**
 * The ciphersuite of that name, made once.
 * Source: RFC 9591 §6.1 (ed25519), §6.2 (ristretto255), §6.4 (P-256), §6.5 (secp256k1); `secp256k1-tr` as ZF's
 * frost-secp256k1-tr: §6.5 with the challenge of BIP-340
 */
export function frostSuite(name: SuiteName): FrostSuite {
  let suite = suites.get(name);
  if (suite === undefined) suites.set(name, (suite = Object.freeze(createSuite(name))));
  return suite;
}

const suites = new Map<SuiteName, FrostSuite>();

const CONTEXTS: Record<SuiteName, string> = {
  ed25519: 'FROST-ED25519-SHA512-v1',
  ristretto255: 'FROST-RISTRETTO255-SHA512-v1',
  'P-256': 'FROST-P256-SHA256-v1',
  secp256k1: 'FROST-secp256k1-SHA256-v1',
  'secp256k1-tr': 'FROST-secp256k1-SHA256-TR-v1',
};

function createSuite(name: SuiteName): FrostSuite {
  const contextString = CONTEXTS[name];
  const group = groupNamed(groupOfSuite(name));
  const wide = name === 'ed25519' || name === 'ristretto255';
  const hashName: HashName = wide ? 'sha512' : 'sha256';
  const context = (role: string) => encodeUtf8(contextString + role);
  const toWide = wide ? prefixedHash : expandMessage;
  const [rho, chal, nonce] = [toWide(context('rho')), toWide(context('chal')), toWide(context('nonce'))];
  const challenge = challengeHash(name, chal.hash);
  const [msg, com] = [context('msg'), context('com')];
  return {
    name,
    contextString,
    group,
    evenY: name === 'secp256k1-tr',
    h1: (...parts) => group.scalars.reduce(rho.hash(parts)),
    h1Each: (prefix, endings) => rho.hashEach(prefix, endings).map((bytes) => group.scalars.reduce(bytes)),
    h2: (...parts) => group.scalars.reduce(challenge(parts)),
    h3(...parts) {
      const wide = nonce.hash(parts);
      const scalar = group.scalars.reduceSecret(wide);
      wide.fill(0);
      return scalar;
    },
    h4: (...parts) => hash(hashName, msg, ...parts),
    h5: (...parts) => hash(hashName, com, ...parts),
  };
}

type WideHash = (parts: readonly Uint8Array[]) => Uint8Array;

interface PrefixedHash {
  readonly hash: WideHash;
  readonly hashEach: (prefix: Uint8Array, endings: readonly Uint8Array[]) => Uint8Array[];
}

const bip340Challenge = createBip340Hash('BIP0340/challenge');

function challengeHash(name: SuiteName, chal: WideHash): WideHash {
  // Without a prefix, so that the signature is one of RFC 8032.
  if (name === 'ed25519') return (parts) => hash('sha512', ...parts);
  if (name !== 'secp256k1-tr') return chal;
  return ([commitment, groupKey, message]) =>
    bip340Challenge(commitment!.subarray(1), groupKey!.subarray(1), message!);
}

/** RFC 9591 §6.1, §6.2: SHA-512 over context string, role and message, 64 bytes. */
function prefixedHash(prefix: Uint8Array): PrefixedHash {
  return framedHash(prefix, new Uint8Array(), (framed) => hash('sha512', framed));
}

/** A hash of what stands between head and tail. */
function framedHash(
  head: Uint8Array,
  tail: Uint8Array,
  digest: (framed: Uint8Array) => Uint8Array,
): PrefixedHash {
  return {
    hash(parts) {
      const framed = concatBytes(head, ...parts, tail);
      const wide = digest(framed);
      // The parts may be secret, and this is a copy of them.
      framed.fill(0);
      return wide;
    },
    hashEach(prefix, endings) {
      if (endings.length === 0) return [];
      const framed = concatBytes(head, prefix, endings[0]!, tail);
      return endings.map((ending) => {
        framed.set(ending, head.length + prefix.length);
        return digest(framed);
      });
    },
  };
}

const ZERO_BLOCK = new Uint8Array(64);
const LENGTH_48 = Uint8Array.of(0, 48, 0);

/**
 * 48 bytes, to be reduced modulo an order of 256 bits (hash_to_field with m = 1, L = 48).
 * Source: RFC 9380 §5.3.1, expand_message_xmd with SHA-256
 */
function expandMessage(separator: Uint8Array): PrefixedHash {
  const ending = concatBytes(separator, Uint8Array.of(separator.length));
  const block = concatBytes(new Uint8Array(33), ending);
  return framedHash(ZERO_BLOCK, concatBytes(LENGTH_48, ending), (framed) => {
    const b0 = hash('sha256', framed);
    block.set(b0);
    block[32] = 1;
    const b1 = hash('sha256', block);
    for (let i = 0; i < 32; i++) block[i] = b0[i]! ^ b1[i]!;
    block[32] = 2;
    const b2 = hash('sha256', block);
    const wide = new Uint8Array(48);
    wide.set(b1);
    wide.set(b2.subarray(0, 16), 32);
    // The nonces come this way too: nothing of them stays behind.
    b0.fill(0);
    b1.fill(0);
    b2.fill(0);
    block.fill(0, 0, 33);
    return wide;
  });
}

/** Whether the y coordinate of an encoded (compressed) secp256k1 element is odd. */
export function isOddY(encoded: Uint8Array): boolean {
  return encoded[0] === 3;
}

/** The one of an encoded secp256k1 element and its negative that has an even y. */
export function withEvenY(encoded: Uint8Array): Uint8Array {
  const even = encoded.slice();
  even[0] = 2;
  return even;
}

/** Bytes of a signature: R ‖ z, for BIP-340 without the parity byte of R. Source: RFC 9591 appendix A; BIP-340 */
export function encodeSignature(suite: FrostSuite, commitment: Uint8Array, z: Scalar): Uint8Array {
  return concatBytes(suite.evenY ? commitment.subarray(1) : commitment, z);
}
