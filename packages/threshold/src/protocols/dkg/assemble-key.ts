import type { Element, Group, SecretScalar } from '../../group/group.js';
import { feldmanEvaluateAll } from '../../sharing/index.js';
import type { PublicKeyPackage } from '../../key/public-package.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';
import type { CheckedDealing } from './check-dealings.js';
import type { KeyParams } from '../../key/params.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { adjustCommitment, adjustShare, taprootAdjustment } from './taproot.js';

/** The key that the dealings of a run add up to. */
export interface AssembledKey {
  readonly public: PublicKeyPackage;
  /** Y₁ … Yₙ, decoded. */
  readonly verifyingShares: readonly Element[];
  /** Turns the sum of the dealt shares of one party into that party's share of the key. */
  readonly finishShare: (dealt: SecretScalar) => SecretScalar;
}

/**
 * Sums the dealers' commitments, makes a Taproot key safe, and derives all that is public about the key.
 * @returns `undefined` for a key that cannot be used: a coefficient or a verifying share is the identity. With one
 * honest dealer that does not happen.
 */
export function assembleKey(
  params: KeyParams,
  dealings: readonly CheckedDealing[],
  chainCode: Uint8Array,
): AssembledKey | undefined {
  const { group } = cocktailSuite(params.suite);
  const dealt = Array.from({ length: params.quorum.needed }, (_, k) =>
    group.sum(dealings.map((dealing) => dealing.coefficients[k]!)),
  );
  if (dealt.some((element) => group.isIdentity(element))) return undefined;
  const finished = finishKey(group, params.suite, dealt);
  if (finished === undefined) return undefined;
  const publicHalf = publicHalfOf(params, finished.commitment, chainCode);
  return publicHalf === undefined ? undefined : { ...publicHalf, finishShare: finished.finishShare };
}

/**
 * All that is public about the key whose polynomial is committed to.
 * @returns `undefined` where a coefficient or a verifying share is the identity
 */
export function publicHalfOf(
  { suite, quorum, roster }: Pick<KeyParams, 'suite' | 'quorum' | 'roster'>,
  coefficients: readonly Element[],
  chainCode: Uint8Array,
): Omit<AssembledKey, 'finishShare'> | undefined {
  const { group } = cocktailSuite(suite);
  const slots = roster.map((entry) => entry.slot);
  const verifyingShares = feldmanEvaluateAll(group, coefficients, slots);
  if ([...coefficients, ...verifyingShares].some((element) => group.isIdentity(element))) return undefined;
  const commitment = coefficients.map((element) => group.encode(element));
  return {
    public: {
      suite,
      quorum,
      groupKey: commitment[0]!,
      commitment,
      verifyingShares: verifyingShares.map((element) => group.encode(element)),
      chainCode,
    },
    verifyingShares,
  };
}

interface FinishedKey {
  readonly commitment: readonly Element[];
  readonly finishShare: (dealt: SecretScalar) => SecretScalar;
}

function finishKey(group: Group, suite: SuiteName, dealt: readonly Element[]): FinishedKey | undefined {
  if (suite !== 'secp256k1-tr') return { commitment: dealt, finishShare: (share) => share };
  const adjustment = taprootAdjustment(group, dealt[0]!);
  if (adjustment === undefined) return undefined;
  return {
    commitment: adjustCommitment(group, adjustment, dealt),
    finishShare: (share) => adjustShare(group, adjustment, share),
  };
}
