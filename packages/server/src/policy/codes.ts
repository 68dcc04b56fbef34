import { PolicyError } from '@ckm/foundation';

/** Every code of an error about policy. */
const POLICY_CODES = [
  'POLICY_BLIND',
  'POLICY_KEY_EXPIRED',
  'POLICY_KEY_STOPPED',
  'POLICY_KIND',
  'POLICY_RATE',
  'POLICY_REQUEST_EXPIRED',
] as const;
export type PolicyCode = (typeof POLICY_CODES)[number];

export function policyError(
  code: PolicyCode,
  message: string,
  hint: string,
  more: {
    readonly retryable?: boolean;
    readonly httpStatus?: number;
    readonly facts?: Record<string, number>;
  } = {},
): PolicyError {
  return new PolicyError(message, { code, hint, retryable: false, ...more });
}
