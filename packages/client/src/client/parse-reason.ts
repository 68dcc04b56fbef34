import { UsageError } from '@ckm/foundation';

/** @throws UsageError `REASON_INVALID` */
export function parseReason(reason: string): string {
  if (reason.length <= 280) return reason;
  throw new UsageError('a reason has at most 280 characters', {
    code: 'REASON_INVALID',
    hint: 'say it shorter',
  });
}
