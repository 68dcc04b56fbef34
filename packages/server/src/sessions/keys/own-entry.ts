import { equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { KeyParams, RosterEntry } from '@ckm/threshold';

/** The roster's entry of this very server, with the identity that it has; null: it has none, or another server's. */
export function findOwnEntry(
  { xid, publicKeys }: Pick<Identity, 'xid' | 'publicKeys'>,
  { roster }: Pick<KeyParams, 'roster'>,
): RosterEntry | null {
  const own = roster.find(({ serverId }) => equalBytes(serverId, xid));
  return own !== undefined && equalBytes(own.identityKey, publicKeys.signing.bytes) ? own : null;
}
