import { fromProblem, toProblem, type SigningAttempt } from '@ckm/api';
import { CkmError, type Secret } from '@ckm/foundation';
import type { SigningTask } from '@ckm/requests';
import { deriveKey, discardNonces, signShare, type PartyIndex, type SigningNonces } from '@ckm/threshold';
import { demand } from '../../sessions/errors.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import { hashAttempt, type AttemptRecord } from '../../requests/request-record.js';

/**
 * Whether a package can be signed at all: enough signers, in slot order, each once, all of this key, this server among
 * them; commitments of each of them for every task. Checked before any nonce is touched.
 * @throws UsageError `ATTEMPT_INVALID`
 */
export function assertAttempt(attempt: SigningAttempt, key: ActiveKey, taskCount: number): void {
  const { signers, commitments } = attempt;
  const { quorum } = key.share.public;
  const invalid = (ok: boolean, why: string) =>
    demand(ok, 'ATTEMPT_INVALID', `the attempt cannot be signed: ${why}`);
  invalid(signers.length >= quorum.needed, `it takes ${quorum.needed} signers`);
  invalid(
    signers.every((slot, i) => slot <= quorum.of && (i === 0 || slot > signers[i - 1]!)),
    'its signers are not distinct slots of this key in ascending order',
  );
  invalid(signers.includes(key.share.party), 'this server is not among its signers');
  invalid(commitments.length === taskCount, `the request has ${taskCount} tasks`);
  invalid(
    commitments.every((ofTask) => ofTask.length === signers.length),
    'a task lacks the commitment of a signer, or has one too many',
  );
}

/** The commitments of this server in a package that {@link assertAttempt} let pass, task by task. */
export function ownCommitments({ signers, commitments }: SigningAttempt, { share }: ActiveKey) {
  const place = signers.indexOf(share.party);
  return commitments.map((ofTask) => ofTask[place]!);
}

/**
 * Makes the shares of one attempt. The nonces are gone afterwards, whatever happens; what another signer's commitment
 * spoils is recorded like a success, so that the same attempt always gets the same answer.
 * @throws whatever is not ours to tell, after all nonces were discarded
 */
export function signAttempt(
  attempt: SigningAttempt,
  key: ActiveKey,
  tasks: readonly SigningTask[],
  nonces: readonly Secret<SigningNonces>[],
): AttemptRecord {
  const packageHash = hashAttempt(attempt);
  try {
    const shares = tasks.map((task, i) =>
      signShare({
        key: deriveKey(key.share.public, task.tweak),
        share: key.share,
        nonces: nonces[i]!,
        package: { message: task.message, commitments: commitmentsOf(attempt, i) },
      }),
    );
    return { packageHash, shares, problem: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { packageHash, shares: [], problem: toProblem(error) };
  } finally {
    for (const pair of nonces) discardNonces(pair);
  }
}

/** The shares of an attempt. @throws CkmError what went wrong with it, now or when it was made */
export function sharesOf({ shares, problem }: AttemptRecord): Uint8Array[] {
  if (problem !== null) throw fromProblem(problem);
  return [...shares];
}

function commitmentsOf({ signers, commitments }: SigningAttempt, task: number) {
  return commitments[task]!.map(({ hiding, binding }, i) => ({
    party: signers[i] as PartyIndex,
    hiding,
    binding,
  }));
}
