import { SESSION_STATES, TRANSITIONS, type SessionState } from '@ckm/api';
import { BugError, StorageError } from '@ckm/foundation';

/** Whether a session in this state can never move again. */
export function isOver(state: SessionState): boolean {
  return TRANSITIONS[state].length === 0;
}

/** Whether the table knows this move. */
export function canMove(from: SessionState, to: SessionState): boolean {
  return TRANSITIONS[from].includes(to);
}

/**
 * The state a session is in after a move.
 * @throws BugError `SESSION_MOVE_INVALID` for a move that `TRANSITIONS` does not list: callers ask first.
 */
export function move(from: SessionState, to: SessionState): SessionState {
  if (canMove(from, to)) return to;
  throw new BugError(`a session that is ${from} cannot become ${to}`, {
    code: 'SESSION_MOVE_INVALID',
    hint: 'report this: a session was about to leave its table of moves',
  });
}

/** @throws StorageError `ROW_TAMPERED` for a state that no session ever has. */
export function parseSessionState(value: string): SessionState {
  const known = SESSION_STATES.find((state) => state === value);
  if (known !== undefined) return known;
  throw new StorageError('a stored session has a state that does not exist', {
    code: 'ROW_TAMPERED',
    hint: 'restore the database from a backup',
  });
}
