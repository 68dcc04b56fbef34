import { AccessError, PolicyError } from '@ckm/foundation';

/** Every code of an error about accounts. */
const ACCOUNT_CODES = [
  'ACCOUNTS_CLOSED',
  'ACCOUNTS_FULL',
  'ACCOUNTS_PER_ADDRESS',
  'ACCOUNT_SUSPENDED',
  'ACCOUNT_UNKNOWN',
  'INVITE_INVALID',
  'INVITE_REQUIRED',
  'QUOTA_BYTES',
  'QUOTA_KEYS',
  'QUOTA_MESSAGES',
  'QUOTA_SESSIONS',
  'QUOTA_WAITING',
] as const;
export type AccountCode = (typeof ACCOUNT_CODES)[number];

export function accessError(code: AccountCode, message: string, hint: string): AccessError {
  return new AccessError(message, { code, hint });
}

export function quotaError(code: AccountCode, what: string, limit: number, hint: string): PolicyError {
  return new PolicyError(`this account may have at most ${limit} ${what}`, {
    code,
    hint,
    httpStatus: 429,
    facts: { limit },
  });
}
