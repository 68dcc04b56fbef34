import { namesOf } from '../servers/ask-all.js';
import { causeOf } from '../servers/causes.js';
import type { UnderstoodRequest } from './request.js';
import type { SignResult } from './sign-args.js';
import type { SignOutcome } from './sign-job.js';

/** What its owner is told of a signature that is made. */
export function signResult(request: UnderstoodRequest, outcome: SignOutcome): SignResult {
  return {
    artefact: outcome.artefact,
    // Of a secret they would be another copy.
    signatures: request.isSecret ? [] : outcome.signatures,
    description: request.description,
    details: request.details,
    signers: namesOf(outcome.signers),
    faulty: outcome.faults.map(({ participant, code, evidence }) => ({
      server: participant.server.name,
      code,
      evidence,
    })),
    silent: namesOf(outcome.silent),
    silences: outcome.silent.flatMap((one) => {
      const error = outcome.silences.findLast(({ participant }) => participant === one)?.error;
      if (error === undefined) return [];
      return [{ server: one.server.name, reason: causeOf(error), code: error.code }];
    }),
    refused: outcome.refused,
    attempts: outcome.attempts,
  };
}
