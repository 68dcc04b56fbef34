import { AvailabilityError } from '@ckm/foundation';

/** What is not tried again by itself. */
export const REFUSED = 'OUTBOX_REFUSED';

export function outboxRefused(cause: unknown): AvailabilityError {
  return new AvailabilityError('the mail server refuses the message for good', {
    code: REFUSED,
    hint: 'look at "mail" in config.json',
    cause,
  });
}
