import { MAX_ATTEMPTS, type NonceCommitment, type SigningAttempt } from '@ckm/api';

/** One attempt as the coordinator follows it. */
export interface Attempt extends SigningAttempt {
  readonly shares: Map<number, readonly Uint8Array[]>;
}

/**
 * What a slot is doing for one request. `idle`: not asked yet. `asked`: for commitments. `late`: has not answered its
 * attempt in good time; if it does, it still counts. `faulty` is for good; all others may change.
 */
export type SlotStatus =
  'idle' | 'asked' | 'ready' | 'signing' | 'late' | 'silent' | 'waiting' | 'refused' | 'faulty';

/** Where commitments come from; {@link CommitmentPool} is one. */
export interface CommitmentSupply {
  size(slot: number): number;
  take(slots: readonly number[], count: number): ReadonlyMap<number, readonly NonceCommitment[]> | null;
}

/**
 * Who signs with whom, for one request. Any `needed` servers that answer make an attempt; whoever lets one down is left
 * out of the next, and nobody is in two attempts at a time. With `needed` honest servers that can be reached, a signature
 * comes out, whatever the others do. Trusted for liveness only.
 * Source: ROAST (Ruffing, Ronge, Jin, Schneider-Bensch, Schröder; CCS 2022), §4.
 */
export interface Roast {
  status(slot: number): SlotStatus;
  mark(slot: number, status: SlotStatus): void;
  slotsThatAre(...statuses: readonly SlotStatus[]): readonly number[];
  isSupplied(slot: number): boolean;
  /** Opens an attempt when enough slots are ready and no open one can still succeed without delay. */
  open(): Attempt | null;
  /** Takes the shares of one slot. Returns the attempt when they were the last that was missing. */
  answer(slot: number, number: number, shares: readonly Uint8Array[]): Attempt | null;
  /** An attempt that cannot succeed any more. */
  abandon(number: number): void;
  /** Whether no open attempt can succeed without somebody who is late or out. */
  isStuck(): boolean;
  /** The number of the last attempt. */
  attempts(): number;
}

/**
 * @param taskCount signatures in the request; a slot needs as many commitments
 * @param preference slots, the one to be asked first in front
 * @param attemptsBefore number of the last attempt any server may have seen for this request
 */
export function createRoast(args: {
  readonly needed: number;
  readonly taskCount: number;
  readonly preference: readonly number[];
  readonly supply: CommitmentSupply;
  readonly attemptsBefore?: number;
}): Roast {
  const { needed, taskCount, preference, supply } = args;
  const statuses = new Map<number, SlotStatus>(preference.map((slot) => [slot, 'idle']));
  const openAttempts = new Map<number, Attempt>();
  let last = args.attemptsBefore ?? 0;

  const status = (slot: number): SlotStatus => statuses.get(slot) ?? 'refused';
  const isSupplied = (slot: number) => supply.size(slot) >= taskCount;
  const isStuck = () =>
    ![...openAttempts.values()].some(({ signers, shares }) =>
      signers.every((slot) => shares.has(slot) || status(slot) === 'signing'),
    );

  function build(signers: readonly number[]): Attempt | null {
    const taken = supply.take(signers, taskCount);
    if (taken === null) return null;
    const commitments = Array.from({ length: taskCount }, (_, task) =>
      signers.map((slot) => taken.get(slot)![task]!),
    );
    return { number: ++last, signers: [...signers], commitments, shares: new Map() };
  }

  return {
    status,
    isSupplied,
    isStuck,
    mark(slot, next) {
      if (status(slot) !== 'faulty') statuses.set(slot, next);
    },
    slotsThatAre: (...wanted) => preference.filter((slot) => wanted.includes(status(slot))),
    open() {
      if (last >= MAX_ATTEMPTS || !isStuck()) return null;
      const able = preference.filter((slot) => status(slot) === 'ready' && isSupplied(slot));
      if (able.length < needed) return null;
      const attempt = build(able.slice(0, needed).sort((a, b) => a - b));
      if (attempt === null) return null;
      for (const slot of attempt.signers) statuses.set(slot, 'signing');
      openAttempts.set(attempt.number, attempt);
      return attempt;
    },
    answer(slot, number, shares) {
      const attempt = openAttempts.get(number);
      if (attempt === undefined || !attempt.signers.includes(slot)) return null;
      attempt.shares.set(slot, shares);
      if (attempt.shares.size < attempt.signers.length) return null;
      openAttempts.delete(number);
      return attempt;
    },
    abandon(number) {
      openAttempts.delete(number);
    },
    attempts: () => last,
  };
}
