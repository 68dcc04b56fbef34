import { type CkmError, type Remedy, StateError } from '@ckm/foundation';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { causeOf } from '../../servers/causes.js';
import type { Gathered } from '../../servers/gathered.js';
import type { Done } from './ballot.js';

/** Too few members said what it takes; each with its reason. */
export function votesTooFew<M extends Participant>(
  needed: number,
  what: Done,
  { answers, failures }: Gathered<M, unknown>,
  { hint, remedy }: { readonly hint: string; readonly remedy: Remedy },
): StateError {
  const reasons = [...failures].map(([{ server }, error]) => `${server.name}: ${reasonOf(error)}`);
  return new StateError(
    `${answers.size} of ${needed} servers that are needed ${what} (${reasons.join('; ')})`,
    {
      code: 'CHANGE_VOTES_TOO_FEW',
      hint,
      remedy,
      facts: { servers: namesOf(failures.keys()), needed },
      retryable: true,
    },
  );
}

function reasonOf(error: CkmError): string {
  const { reason } = error.facts;
  return typeof reason === 'string' ? reason : causeOf(error);
}
