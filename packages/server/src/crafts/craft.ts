import type { CraftAnswer, CraftAttempt, CraftName, CraftPrepared, CraftWanted, Problem } from '@ckm/api';
import type { Task } from '@ckm/requests';
import type { Pause } from './pace.js';
import type { ActiveKey } from '../sessions/keys/active-keys.js';

/** The member of a union that belongs to one craft. */
export type OfCraft<U extends { readonly craft: CraftName }, N extends CraftName> = Extract<
  U,
  { readonly craft: N }
>;

/** What came of one attempt: this server's answer, or why there is none. What it was made with is gone in either case. */
export interface Attempted {
  readonly answer: CraftAnswer | null;
  readonly problem: Problem | null;
}

/**
 * How the work of a quorum is done at this server. A craft knows neither people nor policies: whatever it is given was
 * approved before. What it keeps between messages is bounded, by key and for all keys together.
 */
export interface Craft<N extends CraftName> {
  readonly name: N;
  /** What tells one attempt from another under the same number. */
  attemptItems(attempt: OfCraft<CraftAttempt, N>): readonly Uint8Array[];
  /** Who takes part, for the audit log: `slots 1 2`. */
  describeAttempt(attempt: OfCraft<CraftAttempt, N>): string;
  /** What was done, for the audit log: `shares 3`. */
  describeAnswer(answer: OfCraft<CraftAnswer, N>): string;
  /** What the attempt will cost, in milliseconds of one core, told from counts alone. */
  cost(attempt: OfCraft<CraftAttempt, N>): number;
  /** Whether an attempt can be answered at all; nothing is used up yet. @throws UsageError `ATTEMPT_INVALID` */
  assertAttempt(attempt: OfCraft<CraftAttempt, N>, key: ActiveKey, tasks: readonly OfCraft<Task, N>[]): void;
  /**
   * Does this server's part, pausing after every slice of it. `stale`: the attempt was put together from what this server
   * no longer knows.
   * @param requestId 32 bytes: what an answer that is sealed is bound to
   * @throws whatever is not the caller's to know; what was prepared for it is used up all the same
   */
  attempt(
    key: ActiveKey,
    tasks: readonly OfCraft<Task, N>[],
    attempt: OfCraft<CraftAttempt, N>,
    pause: Pause,
    requestId: Uint8Array,
  ): Promise<Attempted | 'stale'>;
  /**
   * Prepares what is wanted, as far as the budget of the key goes.
   * @param least what the request at hand cannot do without, however much was wasted before
   */
  prepare(
    key: ActiveKey,
    wanted: OfCraft<CraftWanted, N>,
    least: number,
    pause: Pause,
  ): Promise<OfCraft<CraftPrepared, N>>;
  /** Called every few seconds. */
  sweep(): void;
  /** Overwrites what is kept in memory; nothing is called afterwards. */
  close(): void;
}

/** Every craft of this server. */
export type Crafts = { readonly [N in CraftName]: Craft<N> };

/** The one of that name. Whoever gives it an attempt has seen that the attempt, and every task, is of this craft. */
export function craftNamed(crafts: Crafts, name: CraftName): Craft<CraftName> {
  // Of each craft its own attempts, tasks and answers: the compiler cannot follow that one name stands behind all of them.
  return crafts[name] as unknown as Craft<CraftName>;
}
