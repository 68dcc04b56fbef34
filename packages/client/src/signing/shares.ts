import { CkmError } from '@ckm/foundation';
import type { SigningTask } from '@ckm/requests';
import {
  aggregate,
  type Aggregate,
  deriveKey,
  parseCommitment,
  type PartyIndex,
  type PublicKeyPackage,
  type SignatureShare,
  type SigningPackage,
} from '@ckm/threshold';
import type { Attempt } from './roast.js';

/** What the shares of a complete attempt come to. `faulty` with no culprits: nobody's fault, try again. */
export type AttemptOutcome =
  | { readonly kind: 'signatures'; readonly signatures: readonly Uint8Array[] }
  | { readonly kind: 'faulty'; readonly culprits: readonly number[]; readonly task: number };

/**
 * Adds the shares of an attempt up, task by task. The sum is verified under the certified key; only when it is wrong are
 * the shares looked at one by one, and the culprits are named exactly.
 */
export function combineAttempt(
  key: PublicKeyPackage,
  tasks: readonly SigningTask[],
  attempt: Attempt,
): AttemptOutcome {
  const signatures: Uint8Array[] = [];
  for (const [i, task] of tasks.entries()) {
    const lacking = attempt.signers.filter((slot) => attempt.shares.get(slot)?.[i] === undefined);
    if (lacking.length > 0) return { kind: 'faulty', culprits: lacking, task: i };
    const shares = attempt.signers.map((slot) => ({
      party: slot as PartyIndex,
      share: attempt.shares.get(slot)![i]!,
    }));
    const outcome = combineTask(key, task, packageOf(task, attempt, i), shares);
    if (outcome.kind === 'faulty') return { kind: 'faulty', culprits: outcome.culprits, task: i };
    signatures.push(outcome.signature);
  }
  return { kind: 'signatures', signatures };
}

/** As `aggregate`, and a commitment that is none counts against who gave it, like a wrong share. */
function combineTask(
  key: PublicKeyPackage,
  task: SigningTask,
  signing: SigningPackage,
  shares: readonly SignatureShare[],
): Aggregate {
  try {
    return aggregate({ key: deriveKey(key, task.tweak), package: signing, shares });
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass !== 'EncodingError') throw error;
    const culprits = error.facts['culprits'];
    return { kind: 'faulty', culprits: (Array.isArray(culprits) ? culprits : []) as PartyIndex[] };
  }
}

/** Slots that gave a commitment which is not two valid elements. */
export function wrongCommitments(key: PublicKeyPackage, attempt: Attempt): number[] {
  return attempt.signers.filter((slot, place) =>
    attempt.commitments.some((ofTask) => !isCommitment(key, slot, ofTask[place]!)),
  );
}

function isCommitment(
  key: PublicKeyPackage,
  slot: number,
  value: { hiding: Uint8Array; binding: Uint8Array },
): boolean {
  try {
    parseCommitment(key.suite, { party: slot, ...value });
    return true;
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

function packageOf(
  { message }: SigningTask,
  { signers, commitments }: Attempt,
  task: number,
): SigningPackage {
  return {
    message,
    commitments: commitments[task]!.map(({ hiding, binding }, place) => ({
      party: signers[place] as PartyIndex,
      hiding,
      binding,
    })),
  };
}
