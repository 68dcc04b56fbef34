import { AccessError, PolicyError } from '@ckm/foundation';

/** Every code of an error about accounts. */
const ACCOUNT_CODES = [
  'ACCOUNTS_CLOSED',
  'ACCOUNTS_FULL',
  'ACCOUNTS_PER_ADDRESS',
  'ACCOUNT_FROZEN',
  'ACCOUNT_SUSPENDED',
  'ACCOUNT_UNKNOWN',
  'INVITE_INVALID',
  'INVITE_REQUIRED',
  'QUOTA_BYTES',
  'QUOTA_COST',
  'QUOTA_IN_FLIGHT',
  'QUOTA_KEYS',
  'QUOTA_MESSAGES',
  'QUOTA_SESSIONS',
  'QUOTA_SHARES',
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

/** The work that an account asks for is more than it may ask for in a minute. */
export function tooCostly(facts: {
  readonly costMs: number;
  readonly limitMs: number;
  readonly retryAfterSeconds: number;
}): PolicyError {
  const isEver = Number.isFinite(facts.retryAfterSeconds);
  const { costMs, limitMs } = facts;
  return new PolicyError(
    `this request costs about ${costMs} ms to answer, and this account may cost ${limitMs} ms a minute`,
    {
      code: 'QUOTA_COST' satisfies AccountCode,
      hint: isEver
        ? `ask again in ${facts.retryAfterSeconds} s, or split it into smaller ones`
        : 'split it into smaller ones, or ask the operator, who sets the quota of the whole server',
      httpStatus: 429,
      retryable: isEver,
      facts: isEver ? facts : { costMs, limitMs },
    },
  );
}

/** An account has as many messages in work as it may have. */
export function tooManyInFlight(limit: number): PolicyError {
  return new PolicyError(`this account has ${limit} messages in work, and may not have more`, {
    code: 'QUOTA_IN_FLIGHT' satisfies AccountCode,
    hint: 'wait for an answer before sending the next message',
    httpStatus: 429,
    retryable: true,
    facts: { limit, retryAfterSeconds: 1 },
  });
}
