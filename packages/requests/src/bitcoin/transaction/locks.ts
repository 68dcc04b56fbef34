import type { BitcoinNetwork } from '../../kind.js';
import type { BitcoinRequest } from '../psbt/parse.js';

/** How old coins have to be before the transaction can be mined; 0: they need not be. */
export interface CoinAge {
  readonly blocks: number;
  readonly seconds: number;
}

const FINAL_SEQUENCE = 0xffff_ffff;
const RELATIVE_LOCK_OFF = 0x8000_0000;
const RELATIVE_LOCK_IS_TIME = 0x0040_0000;
const RELATIVE_LOCK_VALUE = 0xffff;
const RELATIVE_LOCK_SECONDS = 512;
/** Lock times from here on are seconds since 1970, lower ones are heights. Source: BIP-65 */
export const LOCKTIME_IS_TIME = 500_000_000;
/** Between two blocks, on average. */
export const BLOCK_SECONDS = 600;
const HOUR = 3_600;
/** A block of the main network, and when it was mined: heights since are about ten minutes each. */
const KNOWN_BLOCK = { height: 840_000, minedAt: 1_713_571_767 };
/** What clocks and heights may be wrong by: two hours, a week of blocks, and one block in fifty since then. */
const SLACK = { seconds: 2 * HOUR, blocks: 1_008, part: 50 };

/** The lock time that holds; 0 where none does: every input may say that it does not care. Source: BIP-65 */
export function lockTimeOf({ lockTime, inputs }: BitcoinRequest): number {
  return inputs.some(({ sequence }) => sequence !== FINAL_SEQUENCE) ? lockTime : 0;
}

/** BIP-68: an input with such a sequence has to age first, in transactions of version 2 and later. */
export function coinAgeOf({ version, inputs }: BitcoinRequest): CoinAge {
  const locks = version < 2 ? [] : inputs.filter(({ sequence }) => sequence < RELATIVE_LOCK_OFF);
  const longest = (isTime: boolean) =>
    locks
      .filter(({ sequence }) => ((sequence & RELATIVE_LOCK_IS_TIME) !== 0) === isTime)
      .reduce((most, { sequence }) => Math.max(most, sequence & RELATIVE_LOCK_VALUE), 0);
  return { blocks: longest(false), seconds: longest(true) * RELATIVE_LOCK_SECONDS };
}

/**
 * Whether a lock is surely still ahead. Wallets write the height of the moment as the lock time, so that one of them means
 * nothing. Heights of test networks cannot be told from the time.
 * @param now seconds since 1970; undefined where nobody knows
 */
export function isClearlyAhead(
  lockTime: number,
  now: number | undefined,
  network: BitcoinNetwork = 'bitcoin',
): boolean {
  if (lockTime === 0) return false;
  if (now === undefined) return true;
  if (lockTime >= LOCKTIME_IS_TIME) return lockTime > now + SLACK.seconds;
  if (network !== 'bitcoin') return false;
  const since = Math.max(0, now - KNOWN_BLOCK.minedAt) / BLOCK_SECONDS;
  return lockTime > KNOWN_BLOCK.height + since + SLACK.blocks + since / SLACK.part;
}
