import type { KeyRow } from '../../storage/storage.js';
import type { KeyHead } from './stored/key-head.js';

/**
 * What was certified of this server's share in the epoch in use; null: nothing yet, the head is not what was stored, or the server has
 * no part in the key any more.
 */
export function certifiedShareIn(
  { state, epoch }: KeyRow,
  head: KeyHead | null,
): { readonly epoch: number; readonly publicShare: Uint8Array } | null {
  if (state !== 'active' || head === null || head.left !== undefined) return null;
  const publicShare = head.certified?.verifyingShares[head.slot - 1];
  return publicShare === undefined ? null : { epoch, publicShare };
}
