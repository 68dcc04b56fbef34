import { PolicyError } from '@ckm/foundation';
import type { Description } from '@ckm/requests';
import type { CertifiedKey } from '../keys/key-record.js';

/**
 * Why no server of a key may do what is asked, as far as the certified policy alone says so: nobody has to be asked for a
 * yes, or for a signature, that cannot come. Null: the servers decide. The codes are those of the servers.
 * @param now UnixSeconds
 */
export function policyRefusal(
  { record: { name, policy } }: CertifiedKey,
  kind: string,
  { blind }: Description,
  now: number,
): PolicyError | null {
  if (policy.expiresAt !== null && policy.expiresAt <= now) {
    return refused('POLICY_KEY_EXPIRED', `key ${name} has expired by its policy`, 'make a new key');
  }
  if (!policy.kinds.includes(kind)) {
    return refused(
      'POLICY_KIND',
      `key ${name} does not answer requests of kind ${kind}`,
      'use a key that was made for this kind of request',
    );
  }
  if (!blind || policy.blindAllowed) return null;
  return refused(
    'POLICY_BLIND',
    `key ${name} signs nothing blindly: only what can be read aloud`,
    'use a key that allows blind signing, or make one',
  );
}

function refused(code: string, message: string, hint: string): PolicyError {
  return new PolicyError(message, { code, hint, retryable: false });
}
