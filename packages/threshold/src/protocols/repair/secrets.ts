import { encodeUtf8, reveal, type Secret, secret } from '@ckm/foundation';
import type { Group, Scalar, SecretScalar } from '../../group/group.js';
import { deriveSecretScalar } from '../../key/cocktail/secret-scalar.js';
import { taggedHash, taggedHash64 } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint16be } from '../../protocol/layout.js';

/**
 * The root of every secret of a helper in one run: fresh bytes together with its share, the epoch, the target and the
 * helpers. The same seed for another target or other helpers gives other secrets: with the same ones, two splits would give
 * the share away by one difference.
 * @param seed 32 fresh bytes
 * @param repair hash of the repair
 */
export function deriveRoot(
  seed: Uint8Array,
  share: SecretScalar,
  repair: Uint8Array,
  me: PartyIndex,
): Secret<Uint8Array> {
  return secret(taggedHash('CKM/repair/root/v1', seed, share, repair, uint16be(me)));
}

/** What a helper needs to open its run; the caller wipes secret and hedge. */
export interface OpeningSecrets {
  readonly runSecret: SecretScalar;
  /** 32 bytes, published. */
  readonly nonce: Uint8Array;
  /** 32 bytes: makes the proof's one-time scalar fresh. */
  readonly hedge: Uint8Array;
}

/** The same bytes whenever derived from the same root. */
export function deriveOpening(group: Group, root: Secret<Uint8Array>): OpeningSecrets {
  return {
    runSecret: deriveSecretScalar(group, (counter) => expand(root, 'run key', counter)),
    nonce: firstHalf(expand(root, 'nonce')),
    hedge: firstHalf(expand(root, 'hedge')),
  };
}

/**
 * Splits weight·share into one part for each helper: random ones for the others, out of the root and the session, and for
 * the helper itself what is left, which it never gives to anybody.
 * @returns in the order of `helpers`; the caller wipes them
 */
export function splitShare(
  group: Group,
  root: Secret<Uint8Array>,
  input: {
    readonly sessionId: Uint8Array;
    readonly helpers: readonly PartyIndex[];
    readonly me: PartyIndex;
    readonly weight: Scalar;
    readonly share: SecretScalar;
  },
): readonly SecretScalar[] {
  const { scalars } = group;
  let rest = scalars.multiply(input.share, input.weight);
  const parts = input.helpers.map((helper) => {
    if (helper === input.me) return undefined;
    const part = deriveSecretScalar(group, (counter) =>
      expand(root, 'part', input.sessionId, uint16be(helper), counter),
    );
    const less = scalars.subtract(rest, part);
    rest.fill(0);
    rest = less;
    return part;
  });
  return parts.map((part) => part ?? rest);
}

function expand(root: Secret<Uint8Array>, label: string, ...items: readonly Uint8Array[]): Uint8Array {
  const bytes = reveal(root, 'derive the secrets of a repair');
  return taggedHash64('CKM/repair/expand/v1', bytes, encodeUtf8(label), ...items);
}

/** The first 32 of 64 bytes; the rest is wiped. */
export function firstHalf(wide: Uint8Array): Uint8Array {
  const half = wide.slice(0, 32);
  wide.fill(0);
  return half;
}
