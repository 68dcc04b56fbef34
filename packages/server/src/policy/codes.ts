import { encodeHex, PolicyError, type Remedy } from '@ckm/foundation';

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
    readonly remedy?: Remedy;
  } = {},
): PolicyError {
  return new PolicyError(message, { code, hint, retryable: false, ...more });
}

/** The server computed a wrong share with a key: whatever it answered now could give the key away. */
export function keyStopped(keyId: Uint8Array): PolicyError {
  return policyError(
    'POLICY_KEY_STOPPED',
    'this server has stopped the key: it computed a wrong share with it',
    'ask its operator to look at the machine; until then use the other servers',
    { remedy: { kind: 'releaseKey', id: encodeHex(keyId) } },
  );
}
