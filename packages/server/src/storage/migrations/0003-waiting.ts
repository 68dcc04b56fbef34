import type { Migration } from './migration.js';

/** Lists what waits for the operator page by page, and finds it by the first digits of its id. */
export const waiting: Migration = {
  number: 3,
  name: 'waiting',
  statements: () => [
    `drop index requests_waiting`,
    `create index requests_waiting on requests (created_at, request_id, owner) where waiting = 1`,
    `create index requests_waiting_by_id on requests (request_id, owner) where waiting = 1`,
  ],
};
