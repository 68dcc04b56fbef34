import { BugError, StorageError } from '@ckm/foundation';

/**
 * A request as the server keeps it. `approved`: by policy or by the operator; shares may be released, attempt by
 * attempt, until it expires.
 */
export const REQUEST_STATES = [
  'proposed',
  'waiting',
  'approved',
  'rejected',
  'expired',
  'cancelled',
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** The only moves a request can make. Out of `approved` before a share has left: the operator has become stricter since, or people have said something else. */
export const REQUEST_TRANSITIONS: Readonly<Record<RequestState, readonly RequestState[]>> = {
  proposed: ['waiting', 'approved'],
  waiting: ['approved', 'rejected', 'expired', 'cancelled'],
  approved: ['waiting', 'rejected', 'expired', 'cancelled'],
  rejected: [],
  expired: [],
  cancelled: [],
};

/** The state after a move. @throws BugError `REQUEST_MOVE_INVALID`: callers ask first */
export function moveRequest(from: RequestState, to: RequestState): RequestState {
  if (REQUEST_TRANSITIONS[from].includes(to)) return to;
  throw new BugError(`a request that is ${from} cannot become ${to}`, {
    code: 'REQUEST_MOVE_INVALID',
    hint: 'report this: a request was about to leave its table of moves',
  });
}

/** @throws StorageError `ROW_TAMPERED` */
export function parseRequestState(value: string): RequestState {
  const known = REQUEST_STATES.find((state) => state === value);
  if (known !== undefined) return known;
  throw new StorageError('a stored request has a state that does not exist', {
    code: 'ROW_TAMPERED',
    hint: 'restore the database from a backup',
  });
}
