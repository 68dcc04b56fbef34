import { type EvaluationAttempt, hashTasks, type PartialFor, sealPartial, toProblem } from '@ckm/api';
import { CkmError, secret, wipe } from '@ckm/foundation';
import type { EvaluationTask } from '@ckm/requests';
import { evaluateShare, EVALUATION_GROUPS, evaluationAt, MOST_POINTS } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import type { Attempted, Craft } from '../craft.js';

/** Measured: a product and the proof over it, sealing apart. */
const MS_PER_TASK = 1;

/** k·P for points P: labels that servers see, inputs that they do not, and keys of X25519. Each server answers by itself. */
export function createEvaluation(context: ServerContext): Craft<'evaluation'> {
  return {
    name: 'evaluation',
    attemptItems: ({ recipient }) => [recipient],
    describeAttempt: () => 'one recipient',
    describeAnswer: () => 'sealed',
    cost: ({ points }) => MS_PER_TASK * points,
    assertAttempt({ points }, key, tasks) {
      const { suite } = key.context;
      demand(points === tasks.length, 'ATTEMPT_INVALID', `the request has ${tasks.length} tasks`);
      const isOne = tasks.length <= MOST_POINTS && new Set(tasks.map(({ mode }) => mode)).size === 1;
      demand(
        isOne,
        'ATTEMPT_INVALID',
        `a request is evaluated at ${MOST_POINTS} points at most, for one thing`,
      );
      demand(
        suite === EVALUATION_GROUPS[tasks[0]!.mode],
        'ATTEMPT_INVALID',
        `a key over ${suite} is not for this`,
      );
    },
    attempt: (key, tasks, attempt, _pause, requestId) =>
      Promise.resolve(answer(context, key, tasks, attempt, requestId)),
    prepare: () => Promise.resolve({ craft: 'evaluation' }),
    sweep: () => undefined,
    close: () => undefined,
  };
}

/** What is wrong with a share is recorded like a success, so that the same attempt always gets the same answer. */
function answer(
  { identity, random }: ServerContext,
  key: ActiveKey,
  tasks: readonly EvaluationTask[],
  { number, recipient }: EvaluationAttempt,
  requestId: Uint8Array,
): Attempted {
  const { keyId, transcriptHash, share } = key;
  const to: PartialFor = {
    keyId,
    transcriptHash,
    slot: share.party,
    requestId,
    tasksHash: hashTasks(tasks),
    attempt: number,
    recipient,
  };
  try {
    const inputs = tasks.map(({ input }) => input);
    const partial = secret(evaluateShare(share, evaluationAt(keyId, tasks[0]!.mode, inputs), random(32)));
    try {
      return { answer: { craft: 'evaluation', sealed: sealPartial(identity, to, partial) }, problem: null };
    } finally {
      wipe(partial);
    }
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { answer: null, problem: toProblem(error) };
  }
}
