import type { Tweak } from '@ckm/threshold';

/** One signature to make: the exact bytes given to FROST, and how the key is tweaked for them. */
export interface FrostTask {
  readonly craft: 'frost';
  readonly message: Uint8Array;
  readonly tweak: Tweak;
}

/** A signature, as the suite of the key encodes it. */
export interface FrostResult {
  readonly craft: 'frost';
  readonly signature: Uint8Array;
}

/** One piece of work for a quorum; `craft` says how it is done. All tasks of one request are of one craft. */
export type Task = FrostTask;
/** What comes of a {@link Task}. */
export type TaskResult = FrostResult;
/** How a quorum does its work. A new craft is a member of {@link Task} and one of {@link TaskResult}. */
export type CraftName = Task['craft'];

export function frostTask(message: Uint8Array, tweak: Tweak): FrostTask {
  return { craft: 'frost', message, tweak };
}

/** Signatures as results, in the same order. */
export function frostResults(signatures: readonly Uint8Array[]): readonly FrostResult[] {
  return signatures.map((signature) => ({ craft: 'frost', signature }));
}
