import { StateError } from '@ckm/foundation';

/** Every code with which this room refuses, besides those of votes themselves (`voteRefused`). */
const VOTES_CODES = ['MATTER_UNKNOWN'] as const;
export type VotesCode = (typeof VOTES_CODES)[number];

/** Said to whoever is not asked about something, whether it is there or not (P9). */
export function matterUnknown(): StateError {
  return new StateError('this server asks you about no such matter', {
    code: 'MATTER_UNKNOWN' satisfies VotesCode,
    hint: 'list what waits for you: it may have been answered, taken back or have expired',
    httpStatus: 410,
    retryable: false,
  });
}
