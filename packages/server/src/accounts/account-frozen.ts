import { encodeHex, formatMoment, PolicyError } from '@ckm/foundation';
import type { Transaction } from '../storage/storage.js';
import type { Account, AccountFreeze, Accounts } from './accounts.js';
import type { AccountCode } from './codes.js';

/** The freeze of an account that stands and ends last; null: it is not frozen. @param now UnixSeconds */
export function accountFrozen({ freezes }: Pick<Account, 'freezes'>, now: number): AccountFreeze | null {
  const standing = freezes.filter(({ endedAt, until }) => endedAt === null && until > now);
  return standing.toSorted((one, other) => one.until - other.until).at(-1) ?? null;
}

/** @throws PolicyError `ACCOUNT_FROZEN` */
export function assertGoesOn(account: Pick<Account, 'freezes'>, now: number): void {
  const standing = accountFrozen(account, now);
  if (standing === null) return;
  const { until } = standing;
  throw new PolicyError(
    `the account is frozen by ${accountFreezerInWords(standing)} until ${formatMoment(until)}`,
    {
      code: 'ACCOUNT_FROZEN' satisfies AccountCode,
      hint: 'wait until then, or ask the operator of this server to thaw it',
      facts: { until },
      retryable: false,
    },
  );
}

/**
 * Ends every freeze of an account that stands, on the word of the operator: their ids freeze nothing any more.
 * @param now UnixSeconds
 * @returns whether it was frozen
 * @throws AccessError `ACCOUNT_UNKNOWN`
 */
export async function thawAccount(
  accounts: Accounts,
  transaction: Transaction,
  xid: Uint8Array,
  now: number,
): Promise<boolean> {
  const freezes = (await accounts.hold(transaction, xid))?.freezes ?? [];
  const isStanding = ({ endedAt, until }: AccountFreeze) => endedAt === null && until > now;
  const after = freezes.map((one) => (isStanding(one) ? { ...one, endedAt: now } : one));
  // Also where nothing stands: whoever names no account is told so.
  await accounts.setFreezes(transaction, xid, after);
  return freezes.some(isStanding);
}

/** Who froze an account, as people read it. */
function accountFreezerInWords({ device }: Pick<AccountFreeze, 'device'>): string {
  return device === undefined ? 'its words' : `its device ${encodeHex(device).slice(0, 8)}`;
}
