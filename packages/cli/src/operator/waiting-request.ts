import { StateError, UsageError } from '@ckm/foundation';
import type { Operator, OperatorRequest } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';

/** Digits of an id that people are shown; the first ones of it name a request. */
const SHOWN = 8;

/** The request that an operator means: the one that waits under an id beginning like that. */
export async function findWaiting(operator: Operator, id: string): Promise<OperatorRequest> {
  const prefix = id.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) {
    throw new UsageError('the id of a request is 4 to 64 hex digits', {
      code: 'REQUEST_ID_INVALID',
      hint: 'copy it from: ckm server requests',
    });
  }
  const found = (await operator.requests()).filter(({ requestId }) => requestId.startsWith(prefix));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw ambiguous();
  throw new UsageError(`no request that waits begins with ${prefix}`, {
    code: 'OPERATOR_UNKNOWN_ID',
    hint: 'list those that wait with: ckm server requests',
  });
}

/**
 * A yes that reads nothing must name all of what it means: whoever asks chooses the id, and could have exchanged the
 * request for another whose id begins alike.
 * @throws UsageError `REQUEST_ID_SHORT`
 */
export function assertWholeId(id: string): void {
  if (id.length === 64) return;
  throw new UsageError('with --yes a request is named by its whole id', {
    code: 'REQUEST_ID_SHORT',
    hint: 'leave --yes out and read the sentence, or copy all 64 digits from: ckm server requests --json',
  });
}

/** As people read it: the sentence first. */
export function formatWaiting(request: OperatorRequest): string {
  const { requestId, keyId, sentence, kind, owner, createdAt, expiresAt } = request;
  const now = unixNow();
  return [
    `${requestId.slice(0, SHOWN)}  ${sentence}`,
    `          kind ${kind} · account ${owner.slice(0, SHOWN)} · asked ${formatInstant(createdAt, now)}`,
    `          expires ${formatInstant(expiresAt, now)}`,
    `          key ${keyId}`,
  ].join('\n');
}

function ambiguous(): StateError {
  return new StateError('more than one request begins like that', {
    code: 'OPERATOR_AMBIGUOUS_ID',
    hint: 'give more digits',
    retryable: false,
  });
}
