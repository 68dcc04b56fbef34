import type { OperatorAccount } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';

/** Who froze an account, and until when, for its operator. */
export function frozenAccountText(frozen: NonNullable<OperatorAccount['frozen']>): string {
  const { until, thawAskedAt, device } = frozen;
  const now = unixNow();
  const who = device === null ? 'its words' : `its device ${device.slice(0, 8)}`;
  const asked = thawAskedAt === null ? '' : `; asked to be thawed ${formatInstant(thawAskedAt, now)}`;
  return `is frozen by ${who} until ${formatInstant(until, now)}${asked}`;
}
