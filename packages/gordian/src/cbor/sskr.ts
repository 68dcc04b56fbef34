import {
  combineShares,
  generateShares,
  GroupSpec,
  parseShare,
  Secret as SskrSecret,
  shareBytes,
  Spec,
  SskrError,
  type GenerateOptions,
} from '@blockchaincommons/sskr';
import { EncodingError, reveal, secret, UsageError, type Secret } from '@ckm/foundation';
import { drawRandom, type RandomBytes } from '../primitives/random.js';

/** How a secret is split: so many of the groups, each with so many of its members. At most 16 groups of 16. */
export interface SplitPlan {
  readonly groupsNeeded: number;
  readonly groups: readonly { readonly needed: number; readonly of: number }[];
}

/** What a share says about itself. Indices count from 0. */
export interface ShareFacts {
  /** 16 bits, the same for all shares of one splitting. */
  readonly identifier: number;
  readonly groupsNeeded: number;
  readonly groupCount: number;
  readonly groupIndex: number;
  readonly membersNeeded: number;
  readonly memberIndex: number;
}

/**
 * Splits a secret of 16–32 bytes (even length) with SSKR: a list of shares for each group.
 * Secrecy: shares are not verifiable; a wrong one is noticed when combining, but not whose it was.
 * Source: BCR-2020-011.
 * @throws UsageError `SSKR_PLAN_INVALID`, `SSKR_SECRET_LENGTH`.
 */
export function splitSecret(
  master: Secret<Uint8Array>,
  plan: SplitPlan,
  random: RandomBytes,
): readonly (readonly Uint8Array[])[] {
  const spec = specFrom(plan);
  const bytes = reveal(master, 'split a secret with SSKR');
  if (bytes.length < 16 || bytes.length > 32 || bytes.length % 2 !== 0) {
    throw new UsageError(`a secret of ${bytes.length} bytes cannot be split`, {
      code: 'SSKR_SECRET_LENGTH',
      hint: 'split a secret of 16 to 32 bytes, an even number',
    });
  }
  const groups = generateShares(spec, SskrSecret.from(bytes), { rng: generatorFrom(random) });
  return groups.map((group) => group.map(shareBytes));
}

function specFrom(plan: SplitPlan): Spec {
  try {
    const groups = plan.groups.map((group) =>
      GroupSpec.from({ memberThreshold: group.needed, memberCount: group.of }),
    );
    return Spec.from({ groupThreshold: plan.groupsNeeded, groups });
  } catch (cause) {
    throw new UsageError('a secret cannot be split like this', {
      code: 'SSKR_PLAN_INVALID',
      hint: 'ask for 1 to 16 groups of 1 to 16 members, and need no more than there are',
      cause,
    });
  }
}

function generatorFrom(random: RandomBytes): NonNullable<GenerateOptions['rng']> {
  const word = () => new DataView(drawRandom(random, 8).slice().buffer);
  return {
    nextU32: () => word().getUint32(0),
    nextU64: () => word().getBigUint64(0),
    fillBytes: (target: Uint8Array) => target.set(drawRandom(random, target.length)),
  };
}

/**
 * Puts a secret together. Extra shares are ignored.
 * @throws EncodingError `SSKR_SHARES_INSUFFICIENT` when more are needed, `SSKR_SHARES_INVALID` when they are malformed,
 * of different splittings, repeated or wrong.
 */
export function combineSecret(shares: readonly Uint8Array[]): Secret<Uint8Array> {
  try {
    return secret(combineShares(shares).bytes);
  } catch (cause) {
    const isTooFew = SskrError.isSskrError(cause) && (cause.is('NotEnoughGroups') || cause.is('SharesEmpty'));
    if (isTooFew) {
      throw new EncodingError('these shares are not enough, or one of them is wrong', {
        code: 'SSKR_SHARES_INSUFFICIENT',
        hint: 'add shares of other members, or leave out the one you trust least',
      });
    }
    throw invalidShares();
  }
}

/** @throws EncodingError `SSKR_SHARES_INVALID`. */
export function shareFacts(share: Uint8Array): ShareFacts {
  try {
    const parsed = parseShare(share);
    return {
      identifier: parsed.identifier,
      groupsNeeded: parsed.groupThreshold,
      groupCount: parsed.groupCount,
      groupIndex: parsed.groupIndex,
      membersNeeded: parsed.memberThreshold,
      memberIndex: parsed.memberIndex,
    };
  } catch {
    throw invalidShares();
  }
}

/** No cause: its message may quote a share. */
function invalidShares(): EncodingError {
  return new EncodingError('these are not shares of one secret', {
    code: 'SSKR_SHARES_INVALID',
    hint: 'use shares that were made together, each once',
  });
}
