import { encodeHex, formatMoment, PolicyError } from '@ckm/foundation';
import type { Account, AccountFreeze } from './accounts.js';
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

/** Who froze an account, as people read it. */
function accountFreezerInWords({ device }: Pick<AccountFreeze, 'device'>): string {
  return device === undefined ? 'its words' : `its device ${encodeHex(device).slice(0, 8)}`;
}
