import { encodeHex, formatMoment, formatSpan } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import type { OperatorPolicy } from '../config/config.js';
import type { Tightening } from './effective.js';

/** Characters of it that reach the audit log. */
const MOST = 512;

/** All that an operator takes away, in one line for the audit log: `kinds git, ssh; rate 10 in 1 h; …`. */
export function describeTightening(taken: OperatorPolicy & Partial<Pick<Tightening, 'expiresAt'>>): string {
  const { kinds, rateLimit, expiresAt = null, blindAllowed, approval, changeDelay } = taken;
  const text = [
    `kinds ${kinds === null ? 'all' : kinds.join(', ')}`,
    `rate ${rateLimit === null ? 'any' : `${rateLimit.count} in ${formatSpan(rateLimit.perSeconds)}`}`,
    `until ${expiresAt === null ? 'always' : formatMoment(expiresAt)}`,
    `blind ${blindAllowed ? 'yes' : 'no'}`,
    `approval ${approval}`,
    ...(changeDelay === 0 ? [] : [`change delay ${formatSpan(changeDelay)}`]),
  ].join('; ');
  return text.length <= MOST ? text : `${text.slice(0, MOST - 1)}…`;
}

/** Eight digits that name the policy of a whole server, in verdicts and to its operator; null when it takes nothing away. */
export function nameServerPolicy({
  kinds,
  rateLimit,
  blindAllowed,
  approval,
  changeDelay,
}: OperatorPolicy): string | null {
  const isNothing = kinds === null && rateLimit === null && blindAllowed && approval === 'automatic';
  if (isNothing && changeDelay === 0) return null;
  const rate = rateLimit === null ? null : { ...rateLimit };
  const policy = {
    kinds: kinds === null ? null : kinds.toSorted(),
    rateLimit: rate,
    blindAllowed,
    approval,
    ...(changeDelay === 0 ? {} : { changeDelay }),
  };
  return encodeHex(taggedHash('CKM/policy/server/v1', encodeData(policy)).subarray(0, 4));
}
