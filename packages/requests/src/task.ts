import { BugError } from '@ckm/foundation';
import type { EvaluationMode, Tweak } from '@ckm/threshold';

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

/** One place at which to evaluate the key. */
export interface EvaluationTask {
  readonly craft: 'evaluation';
  readonly mode: EvaluationMode;
  /** `derive`: the label, in its one spelling. `blind`, `open`: the encoded point. */
  readonly input: Uint8Array;
}

/** What the key makes of it: secret, and nobody's but of whoever asked. */
export interface EvaluationResult {
  readonly craft: 'evaluation';
  readonly output: Uint8Array;
}

/** One piece of work for a quorum; `craft` says how it is done. All tasks of one request are of one craft. */
export type Task = FrostTask | EvaluationTask;
/** What comes of a {@link Task}. */
export type TaskResult = FrostResult | EvaluationResult;
/** How a quorum does its work. A new craft is a member of {@link Task} and one of {@link TaskResult}. */
export type CraftName = Task['craft'];

export function frostTask(message: Uint8Array, tweak: Tweak): FrostTask {
  return { craft: 'frost', message, tweak };
}

/** Signatures as results, in the same order. */
export function frostResults(signatures: readonly Uint8Array[]): readonly FrostResult[] {
  return signatures.map((signature) => ({ craft: 'frost', signature }));
}

/** The tasks of a request that is signed. @throws BugError `CRAFT_FOREIGN` for one of another craft */
export function frostTasks(tasks: readonly Task[]): readonly FrostTask[] {
  return tasks.map((task) => {
    if (task.craft === 'frost') return task;
    throw new BugError('a request that is not signed was to be signed', {
      code: 'CRAFT_FOREIGN',
      hint: 'report this together with the command that was run',
    });
  });
}
