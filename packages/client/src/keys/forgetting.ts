import { parseReceipt } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { KeyRecord } from './key-record.js';

/** What became of the share that a server had in an epoch that is over. */
export interface Forgetting {
  /** The owner's name of the server. */
  readonly server: string;
  /**
   * `forgot`: it signed that it has destroyed its share. `keeps`: it signed that it can make it again (static backups). `silent`: it has
   * said nothing.
   */
  readonly outcome: 'forgot' | 'keeps' | 'silent';
}

/** What is on record about the shares of an epoch. @param servers of that epoch */
export function forgettingOf(
  { receipts = [] }: KeyRecord,
  epoch: number,
  servers: readonly { readonly name: string; readonly xid: Uint8Array }[],
): readonly Forgetting[] {
  return servers.map(({ name, xid }) => {
    const found = receipts.find((one) => one.epoch === epoch && equalBytes(one.xid, xid));
    if (found === undefined) return { server: name, outcome: 'silent' };
    const { mode, shareDeleted } = parseReceipt(found.receipt);
    return { server: name, outcome: shareDeleted && mode === 'epoch' ? 'forgot' : 'keeps' };
  });
}
