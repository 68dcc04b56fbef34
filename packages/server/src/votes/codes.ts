import { PolicyError, StateError } from '@ckm/foundation';
import { MAX_ASKED_PAYLOAD_BYTES } from '@ckm/api';

/** Every code with which this room refuses, besides those of votes themselves (`voteRefused`). */
const VOTES_CODES = ['MATTER_UNKNOWN', 'PAYLOAD_TOO_LONG_TO_ASK'] as const;
type VotesCode = (typeof VOTES_CODES)[number];

/** Said to whoever is not asked about something, whether it is there or not (P9). */
export function matterUnknown(): StateError {
  return new StateError('this server asks you about no such matter', {
    code: 'MATTER_UNKNOWN' satisfies VotesCode,
    hint: 'list what waits for you: it may have been answered, taken back or have expired',
    httpStatus: 410,
    retryable: false,
  });
}

export function payloadTooLong(bytes: number): PolicyError {
  return new PolicyError(
    `people are asked about at most ${MAX_ASKED_PAYLOAD_BYTES} bytes, and this request has ${bytes}`,
    {
      code: 'PAYLOAD_TOO_LONG_TO_ASK' satisfies VotesCode,
      hint: 'split it into smaller ones',
      retryable: false,
      facts: { bytes, most: MAX_ASKED_PAYLOAD_BYTES },
    },
  );
}
