import type { KeyPolicy } from '@ckm/api';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';

/**
 * Whether this server takes a share of a key for which its owner wishes that lost shares can always be made again from the identity. Its
 * operator may be stricter and allow none; a key without that wish is never held so.
 * @throws PolicyError `POLICY_RECOVERY`
 */
export function acceptRecovery(
  { config }: Pick<ServerContext, 'config'>,
  { recovery }: Pick<KeyPolicy, 'recovery'>,
): void {
  const isAllowed = recovery !== 'static' || config.backup === 'static';
  demand(isAllowed, 'POLICY_RECOVERY', 'this server keeps no share that its identity alone gives back');
}

/** Of a key that this server could always make its share of again, for its operator. */
export function recoverySentence(recovery: KeyPolicy['recovery']): string {
  return recovery === 'static' ? ', with shares that the identities of servers can always make again' : '';
}
