import { formatInstant } from '../../text/instant.js';
import { groupDigits, plural } from '../../text/quote.js';
import { BLOCK_SECONDS, type CoinAge, LOCKTIME_IS_TIME } from '../transaction/locks.js';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** `block 840,001`, the first one it can be in, or a time. A lock time of 840,000 is the last height it cannot be at. */
export function formatLockTime(lockTime: number): string {
  if (lockTime < LOCKTIME_IS_TIME) return `block ${groupDigits(lockTime + 1)}`;
  return formatInstant(lockTime) ?? `second ${lockTime}`;
}

/** `144 blocks old (about 24 hours)`; the empty text where no age is needed. */
export function formatCoinAge({ blocks, seconds }: CoinAge): string {
  const inBlocks =
    blocks === 0 ? [] : [`${plural(blocks, 'block')} old (about ${formatDuration(blocks * BLOCK_SECONDS)})`];
  const inTime = seconds === 0 ? [] : [`${formatDuration(seconds)} old`];
  return [...inBlocks, ...inTime].join(' and ');
}

function formatDuration(seconds: number): string {
  if (seconds >= 2 * DAY) return plural(Math.round(seconds / DAY), 'day');
  if (seconds >= 2 * HOUR) return plural(Math.round(seconds / HOUR), 'hour');
  return plural(Math.max(1, Math.round(seconds / MINUTE)), 'minute');
}
