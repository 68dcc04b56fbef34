import type { KeyTerms } from '@ckm/api';
import { type Freeze, lastToEnd } from './freeze.js';
import type { Freezer } from './freezer.js';

export interface RateLimit {
  readonly count: number;
  readonly perSeconds: number;
}

/** What somebody adds to the owner's policy. Every member can only take away. */
export interface Tightening {
  /** Null: no further limit on kinds. */
  readonly kinds: readonly string[] | null;
  readonly rateLimit: RateLimit | null;
  readonly expiresAt: number | null;
  readonly blindAllowed: boolean;
  readonly approval: 'automatic' | 'operator';
  /** For how long at least a change of who holds the key, or its export, waits here. Seconds. */
  readonly changeDelay: number;
  /**
   * When the server itself stopped the key, because a share it had computed was wrong; null: it did not. UnixSeconds.
   */
  readonly stoppedAt: number | null;
  /** By which its owner stops the key for a while; those of the last 30 days. */
  readonly freezes: readonly Freeze[];
}

/** All that applies to a key at once. */
export interface EffectivePolicy {
  readonly kinds: readonly string[];
  /** All of them hold. */
  readonly rateLimits: readonly RateLimit[];
  readonly expiresAt: number | null;
  readonly blindAllowed: boolean;
  readonly approval: 'automatic' | 'operator';
  readonly isStopped: boolean;
  /** UnixSeconds: nothing is answered before; null: it is not frozen. */
  readonly frozenUntil: number | null;
  /** Who signed that freeze; absent: nobody did, it is of the account, or there is none. */
  readonly frozenBy?: Freezer;
}

/** The strictest of everything: an operator can take away from what the owner allows, never add (V68). */
export function effectivePolicy(
  owner: KeyTerms,
  tightenings: readonly Omit<Tightening, 'changeDelay'>[],
): EffectivePolicy {
  const all = [owner, ...tightenings];
  const deadlines = all.map(({ expiresAt }) => expiresAt).filter((at) => at !== null);
  const frozen = lastToEnd(tightenings.flatMap(({ freezes }) => freezes));
  return {
    kinds: owner.kinds.filter((kind) =>
      tightenings.every(({ kinds }) => kinds === null || kinds.includes(kind)),
    ),
    rateLimits: all.map(({ rateLimit }) => rateLimit).filter((limit) => limit !== null),
    expiresAt: deadlines.length === 0 ? null : Math.min(...deadlines),
    blindAllowed: all.every(({ blindAllowed }) => blindAllowed),
    approval: all.some(({ approval }) => approval === 'operator') ? 'operator' : 'automatic',
    frozenUntil: frozen?.until ?? null,
    ...(frozen?.by === undefined ? {} : { frozenBy: frozen.by }),
    isStopped: tightenings.some(({ stoppedAt }) => stoppedAt !== null),
  };
}
