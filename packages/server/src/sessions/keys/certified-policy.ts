import { type KeyTerms, policyHash, versionOf } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch, KeyParams } from '@ckm/threshold';
import { demand, refusal } from '../../refusals.js';

/** That terms are those that were certified with an epoch. @throws StateError `POLICY_NOT_CERTIFIED` */
export function assertCertified({ termsHash }: Pick<KeyParams, 'termsHash'>, policy: KeyTerms): void {
  const isCertified = equalBytes(termsHash, policyHash(policy));
  demand(isCertified, 'POLICY_NOT_CERTIFIED', 'the policy is not the one that was certified with the key');
}

/** That they have the number that was certified with it. @throws StateError `POLICY_NOT_CERTIFIED` */
export function assertVersion(
  { termsVersion }: Pick<CertifiedEpoch, 'termsVersion'>,
  policy: KeyTerms,
): void {
  const isIt = versionOf(policy) === termsVersion;
  demand(isIt, 'POLICY_NOT_CERTIFIED', 'the terms have another number than was certified with the key');
}

/** That something is under the terms in force here. @throws StateError `TERMS_DIFFER` with the version here */
export function assertInForce(policy: KeyTerms, version: number, hash?: Uint8Array): void {
  const isIt = versionOf(policy) === version && (hash === undefined || equalBytes(hash, policyHash(policy)));
  if (isIt) return;
  const here = versionOf(policy);
  throw refusal('TERMS_DIFFER', `terms ${here} of the key are in force at this server`, { version: here });
}
