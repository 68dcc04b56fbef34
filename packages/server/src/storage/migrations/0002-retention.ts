import type { Migration } from './migration.js';

/** Finds what is over, oldest first, so that it can be forgotten. */
export const retention: Migration = {
  number: 2,
  name: 'retention',
  statements: () => [
    `create index requests_over on requests (expires_at, owner, request_id) where waiting = 0`,
    `create index sessions_over on sessions (expires_at, owner, session_id) where open = 0`,
  ],
};
