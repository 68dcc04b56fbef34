import { parseReceipt } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { KeyRecord } from './key-record.js';

/** What became of the share that a server had in an epoch that is over. */
export interface Forgetting {
  /** The owner's name of the server. */
  readonly server: string;
  /**
   * `forgot`: it signed that it has destroyed its share. `undone`: it signed that it could not. `keeps`: it signed that it can make
   * it again (static backups). `silent`: it has said nothing.
   */
  readonly outcome: 'forgot' | 'undone' | 'keeps' | 'silent';
  /** UnixSeconds: when the last backup that it knew of was made, which may hold the share; null: it knew of none, or said nothing. */
  readonly backupAt: number | null;
}

/** What is on record about the shares of an epoch. @param servers of that epoch */
export function forgettingOf(
  { receipts = [] }: KeyRecord,
  epoch: number,
  servers: readonly { readonly name: string; readonly xid: Uint8Array }[],
): readonly Forgetting[] {
  return servers.map(({ name, xid }) => {
    const found = receipts.find((one) => one.epoch === epoch && equalBytes(one.xid, xid));
    if (found === undefined) return { server: name, outcome: 'silent', backupAt: null };
    const { mode, shareDeleted, lastBackupAt: backupAt } = parseReceipt(found.receipt);
    if (mode === 'static') return { server: name, outcome: 'keeps', backupAt };
    return { server: name, outcome: shareDeleted ? 'forgot' : 'undone', backupAt };
  });
}
