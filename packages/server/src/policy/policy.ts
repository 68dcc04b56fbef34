import type { Awaited, KeyTerms, WindowAsked } from '@ckm/api';
import type { PolicyError } from '@ckm/foundation';
import type { Facts } from '@ckm/requests';
import type { Reader, Transaction } from '../storage/storage.js';
import type { Counting, CountStart } from './counting.js';
import type { Freezer } from './freezer.js';
import type { Freeze, StandingFreeze } from './freeze.js';
import type { PeopleSaid } from './terms.js';
import type { StoredTightening } from './tightening.js';
import type { SummedKey, SummedRequest } from './totals.js';
import type { WeightyRules } from './weighty.js';

/** What a policy looks at. Everything comes from the request's own bytes, never from the requester's words about them. */
export interface RequestFacts {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  /** Which version of what the operator took away belongs to the key, by its head; 0: none. */
  readonly tightened: number;
  /** Since when this server has seen every request for the key; null: from the first on. */
  readonly counting: Counting | null;
  readonly kind: string;
  /** Whether the content cannot be described. */
  readonly blind: boolean;
  readonly expiresAt: number;
  readonly now: number;
  /** When it was let in before, UnixSeconds: its own row does not count against it. Absent: it is new. */
  readonly letInAt?: number;
  /** What rules of the key compare, by name; null: it is no request, and rules for requests say nothing of it. */
  readonly facts: Facts | null;
  /** Which one it is of those that are summed; absent: it is none of them. */
  readonly request?: SummedRequest;
  /** See {@link SummedKey}. */
  readonly summing?: number;
  /** What people have said of it; null: this server asks nobody, so that a rule that wants somebody's yes is not met. */
  readonly said: PeopleSaid | null;
}

/** A key that a policy is asked about. */
export type KeyOfPolicy = Pick<RequestFacts, 'owner' | 'keyId' | 'tightened'>;

/** One whose requests are counted. */
export type CountedKey = KeyOfPolicy & Pick<RequestFacts, 'counting' | 'summing'>;

export type Verdict =
  | { readonly verdict: 'allow'; /** Names the rule, for the audit log. */ readonly policy: string }
  | {
      readonly verdict: 'ask';
      readonly policy: string;
      /** Whether the operator is to say yes. */
      readonly operator: boolean;
      /** Of whom the terms still want a yes; empty: of nobody. */
      readonly people: readonly Awaited[];
    }
  | { readonly verdict: 'refuse'; readonly policy: string; readonly error: PolicyError };

/** What its head says of a key that does nothing for now. */
export interface KeyStanding {
  readonly keyId: Uint8Array;
  /** UnixSeconds; null: it answers. */
  readonly stoppedAt: number | null;
  /** UnixSeconds; null: it is not frozen. */
  readonly frozenUntil: number | null;
  /** Who signed that freeze; undefined: it is of the account, or there is none. */
  readonly frozenBy?: Freezer | undefined;
}

/** How often a key was used within a window; null: this server does not know. */
export type WindowUsed = WindowAsked & { readonly count: number | null };

/** What another server is told of how often a key was used. */
export interface CountsToSay {
  /** What is counted for that. */
  readonly starts: readonly CountStart[];
  /**
   * Null for a window of which this server does not know all.
   * @param counted for each start, how many came after it, `most` for more
   */
  say(counted: (start: CountStart) => number): Promise<readonly WindowUsed[]>;
}

export interface Policy {
  /**
   * Decides on a *new* request, or one that is let in anew, before its row is written, in the transaction that writes it: counts the durable rows
   * of the key within the rate window but for its own, and counts the window as spent where it does not know of all of them. Holds the key's row, so that two replicas cannot both take the last place.
   */
  decide(transaction: Transaction, keyPolicy: KeyTerms, facts: RequestFacts): Promise<Verdict>;
  /**
   * Decides on a known request once more, at each attempt: everything but the rate, which it was counted in already. One from before this
   * server counted anew is let in by `decide`.
   */
  recheck(reader: Reader, keyPolicy: KeyTerms, facts: RequestFacts): Promise<Verdict>;
  /**
   * Sums a request that a share is given for, in the transaction that gives it, with the row of its key held.
   * @returns its number, to be stored with it; null: it has one, or the terms of its key look at no sums
   */
  sum(
    transaction: Transaction,
    keyPolicy: KeyTerms,
    key: SummedKey,
    given: {
      readonly request: SummedRequest;
      readonly kind: string;
      readonly facts: Facts;
      readonly now: number;
    },
  ): Promise<number | null>;
  /** Seconds within which requests of a key count against a rate limit of it: the longest window in force, or 0. */
  rateWindow(reader: Reader, keyPolicy: KeyTerms, key: KeyOfPolicy): Promise<number>;
  /** Windows of a key of which this server does not know how often it was used, or how much was let in, and counts all as spent; of each the highest limit. */
  unknownWindows(
    reader: Reader,
    keyPolicy: KeyTerms,
    key: CountedKey,
    now: number,
  ): Promise<readonly WindowAsked[]>;
  /**
   * How often a key was used within these windows, for another server that asks: what a share was given for, since only that can have become a
   * signature. What is to be counted for it is told first: that takes long, and nothing waits for it.
   * @param keptSeconds for how long every request is kept, whatever its key says
   */
  countsFor(
    reader: Reader,
    keyPolicy: KeyTerms,
    key: CountedKey,
    asked: {
      readonly windows: readonly WindowAsked[];
      readonly keptSeconds: number;
      readonly now: number;
    },
  ): Promise<CountsToSay>;
  /** Whether some rule may count its requests; where it was tightened, by whatever rule. */
  isCounted(keyPolicy: KeyTerms, key: Pick<RequestFacts, 'tightened'>): boolean;
  /** What keeps this server from doing anything with a key, whatever is asked; null: nothing. */
  standing(key: KeyStanding, now: number): PolicyError | null;
  /** What this operator asks of a change of who holds a key, and of giving its share out. @param head null: this server has no head of it */
  weighty(head: { readonly tightened: number; readonly weighty?: WeightyRules } | null): WeightyRules;
  /** Stores freezes of a key besides those that it has, each once. @returns what its head says of that */
  addFreezes(
    transaction: Transaction,
    key: KeyOfPolicy,
    freezes: readonly Freeze[],
  ): Promise<StoredTightening>;
  /**
   * Stores freezes of a key that others say stand there and that are not known here, for as many days as its owner might, besides his.
   * @returns what its head says of that; null: there are none
   */
  hearFreezes(
    transaction: Transaction,
    key: KeyOfPolicy,
    said: readonly Pick<StandingFreeze, 'id' | 'until'>[],
    now: number,
  ): Promise<StoredTightening | null>;
  /** Whether this operator takes part in making a key with such a policy: `allow` or `refuse`. */
  acceptKey(keyPolicy: KeyTerms, suite: string, purpose: string, now: number): Verdict;
}
