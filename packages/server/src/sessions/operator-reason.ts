import { UsageError } from '@ckm/foundation';

const REASON = /^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]{1,280}$/u;

/** Why an operator says no, as it reaches the owner's terminal. @throws UsageError `REASON_INVALID` */
export function checkReason(reason: string): string {
  if (REASON.test(reason)) return reason;
  throw new UsageError('a reason is 1 to 280 characters of plain text', {
    code: 'REASON_INVALID',
    hint: 'say in one line why it is rejected',
  });
}
