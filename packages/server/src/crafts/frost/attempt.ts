import { type FrostAttempt, toProblem, unpackCommitments } from '@ckm/api';
import { CkmError, type Secret } from '@ckm/foundation';
import type { FrostTask } from '@ckm/requests';
import { deriveKey, discardNonces, signShare, type PartyIndex, type SigningNonces } from '@ckm/threshold';
import { demand } from '../../refusals.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';
import type { Attempted } from '../craft.js';
import type { Pause } from '../pace.js';

/**
 * Whether a package can be signed at all: enough signers, in slot order, each once, all of this key, this server among
 * them; commitments of each of them for every task. Checked before any nonce is touched.
 * @throws UsageError `ATTEMPT_INVALID`
 */
export function assertAttempt(attempt: FrostAttempt, key: ActiveKey, tasks: readonly FrostTask[]): void {
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
  invalid(commitments.length === tasks.length, `the request has ${tasks.length} tasks`);
  invalid(
    commitments.every((packed) => unpackCommitments(packed, signers.length) !== null),
    'a task lacks the commitment of a signer, or has one too many',
  );
}

/** The commitments of this server in a package that {@link assertAttempt} let pass, task by task. */
export function ownCommitments({ signers, commitments }: FrostAttempt, { share }: ActiveKey) {
  const place = signers.indexOf(share.party);
  return commitments.map((packed) => unpackCommitments(packed, signers.length)![place]!);
}

/**
 * Makes the shares of one attempt. The nonces are gone afterwards, whatever happens; what another signer's commitment
 * spoils is recorded like a success, so that the same attempt always gets the same answer.
 * @throws whatever is not ours to tell, after all nonces were discarded
 */
export async function signAttempt(
  attempt: FrostAttempt,
  key: ActiveKey,
  tasks: readonly FrostTask[],
  nonces: readonly Secret<SigningNonces>[],
  afterSlice: Pause,
): Promise<Attempted> {
  try {
    const shares: Uint8Array[] = [];
    for (const [i, task] of tasks.entries()) {
      const share = signShare({
        key: deriveKey(key.share.public, task.tweak),
        share: key.share,
        nonces: nonces[i]!,
        package: { message: task.message, commitments: commitmentsOf(attempt, i) },
      });
      shares.push(share);
      await afterSlice();
    }
    return { answer: { craft: 'frost', shares }, problem: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { answer: null, problem: toProblem(error) };
  } finally {
    for (const pair of nonces) discardNonces(pair);
  }
}

/** Who signs, with which commitments. */
export function attemptItems({ signers, commitments }: FrostAttempt): readonly Uint8Array[] {
  return [Uint8Array.from(signers), ...commitments];
}

function commitmentsOf({ signers, commitments }: FrostAttempt, task: number) {
  return unpackCommitments(commitments[task]!, signers.length)!.map(({ hiding, binding }, i) => ({
    party: signers[i] as PartyIndex,
    hiding,
    binding,
  }));
}
