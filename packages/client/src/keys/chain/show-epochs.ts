import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';

/**
 * Shows a server that was away the certificates of the epochs since its own. One that came back from a backup can open its share of none of
 * them; where it has no part in the last of them it takes in that it was removed, and goes without.
 * @throws StateError `CHANGE_SHARE_LOST` where it is among the servers of the last one: its share is to be repaired
 */
export async function showEpochs(
  link: ServerLink,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
): Promise<void> {
  for (const [i, certificate] of certificates.entries()) {
    try {
      await link.call('change.commit', { keyId, certificate });
    } catch (error) {
      if (!(error instanceof CkmError) || error.code !== 'CHANGE_SHARE_LOST') throw error;
      await link.call('change.leave', { keyId, certificates: certificates.slice(i) });
      return;
    }
  }
}
