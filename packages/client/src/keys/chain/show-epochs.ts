import type { Parameters } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import { askWithChain } from './show-chain.js';

/** Promises of servers of an epoch that they stored its certificate, and have their shares, by slots. */
export type Acknowledgements = Parameters<'change.retire'>['acknowledgements'];

/**
 * Shows a server that was away the certificates of the epochs since its own: each proves that the one before it is in use, and
 * the last one is entered by what its servers have acknowledged. One that came back from a backup can open its share of none of
 * them; where it has no part in the last of them it takes in that it was removed, and goes without.
 * @throws StateError `CHANGE_SHARE_LOST` where it is among the servers of the last one: its share is to be repaired
 */
export async function showEpochs(
  link: ServerLink,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
  acknowledgements: Acknowledgements,
): Promise<void> {
  for (const [i, certificate] of certificates.entries()) {
    const isLast = i === certificates.length - 1;
    try {
      await link.call('change.commit', { keyId, certificate, ...(isLast ? { acknowledgements } : {}) });
    } catch (error) {
      if (!(error instanceof CkmError) || error.code !== 'CHANGE_SHARE_LOST') throw error;
      await askWithChain(link, keyId, certificates.slice(i), (shown) =>
        link.call('change.leave', { keyId, certificates: shown, acknowledgements }),
      );
      return;
    }
  }
}
