import { membersNeeded, type Quorum } from '@ckm/threshold';

/** Of a key whose servers cannot be changed by as few as those of others, for its operator. */
export function strictSentence(quorum: Quorum, strict: boolean | undefined): string {
  if (strict !== true) return '';
  return `, whose servers change only when ${membersNeeded(quorum, strict)} of them have decided so`;
}
