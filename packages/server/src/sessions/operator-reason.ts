import { isStorable, UsageError } from '@ckm/foundation';
import { quoteText } from '@ckm/requests';

const MAX_REASON_CHARACTERS = 280;

/** What the audit log says of a yes or a no, and as whom it was given: a name that was typed and that nobody has checked. */
export function detailAs(detail: string, as: string | null): string {
  return [detail, as === null ? '' : `as ${as}`].filter((part) => part !== '').join(' · ');
}

/** A reason where other words stand beside it: whatever it says, they cannot be taken for one another. */
export function quoteReason(reason: string): string {
  return quoteText(reason, MAX_REASON_CHARACTERS);
}

/** Why an operator says no, as it reaches the owner's terminal. @throws UsageError `REASON_INVALID` */
export function checkReason(reason: string): string {
  if (reason !== '' && Array.from(reason).length <= MAX_REASON_CHARACTERS && isStorable(reason))
    return reason;
  throw new UsageError('a reason is 1 to 280 characters of plain text', {
    code: 'REASON_INVALID',
    hint: 'say in one line why it is rejected',
  });
}
