import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { expand_message_xmd } from '@noble/curves/abstract/hash-to-curve.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { Element, Group, Scalar } from '../../group/group.js';
import { hash } from '../../hash/index.js';
import type { EqualLogsStatement } from './statement.js';

/**
 * The weights d of RFC 9497's composites M = Σ dᵢ·inputᵢ and Z = Σ dᵢ·outputᵢ: one proof for all pairs.
 * Source: RFC 9497 §2.2.1 (ComputeComposites)
 */
export function compositeWeights(group: Group, statement: EqualLogsStatement): Scalar[] {
  const { context, publicElement, pairs } = statement;
  const seedTag = concatBytes(encodeUtf8('Seed-'), context);
  const seed = hash(hashOf(group), ...prefixed(group.encode(publicElement)), ...prefixed(seedTag));
  return pairs.map(({ input, output }, i) =>
    hashToScalar(
      group,
      context,
      ...prefixed(seed),
      twoBytes(i),
      ...prefixed(group.encode(input)),
      ...prefixed(group.encode(output)),
      encodeUtf8('Composite'),
    ),
  );
}

/** Challenge over B, M, Z and the two commitments. Source: RFC 9497 §2.2.1 (GenerateProof) */
export function challengeOf(group: Group, context: Uint8Array, elements: readonly Element[]): Scalar {
  const parts = elements.flatMap((element) => prefixed(group.encode(element)));
  return hashToScalar(group, context, ...parts, encodeUtf8('Challenge'));
}

function hashOf(group: Group): 'sha256' | 'sha512' {
  return group.name === 'ed25519' || group.name === 'ristretto255' ? 'sha512' : 'sha256';
}

/** Source: RFC 9497 §4.1 (ristretto255) and §4.3 (P-256); ed25519 and secp256k1 follow the one of their own kind. */
function hashToScalar(group: Group, context: Uint8Array, ...parts: readonly Uint8Array[]): Scalar {
  const tag = concatBytes(encodeUtf8('HashToScalar-'), context);
  const message = concatBytes(...parts);
  const wide =
    hashOf(group) === 'sha512'
      ? expand_message_xmd(message, tag, 64, sha512)
      : expand_message_xmd(message, tag, 48, sha256);
  return group.scalars.reduce(wide);
}

function prefixed(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  return [twoBytes(bytes.length), bytes];
}

function twoBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}
