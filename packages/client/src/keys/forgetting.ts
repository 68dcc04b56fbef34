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
  /** How many backups may hold the share, by the server's word; null: it does not know, or said nothing. */
  readonly backups: number | null;
}

/** Whether a server has signed that nothing of its old share is left, in no backup that it knows of either. */
export function isGone({ outcome, backupAt, backups }: Omit<Forgetting, 'server'>): boolean {
  return outcome === 'forgot' && (backups === null ? backupAt === null : backups === 0);
}

/** What is on record about the shares of an epoch. @param servers of that epoch */
export function forgettingOf(
  { receipts = [] }: KeyRecord,
  epoch: number,
  servers: readonly { readonly name: string; readonly xid: Uint8Array }[],
): readonly Forgetting[] {
  return servers.map(({ name, xid }) => {
    const found = receipts.find((one) => one.epoch === epoch && equalBytes(one.xid, xid));
    if (found === undefined) return { server: name, outcome: 'silent', backupAt: null, backups: null };
    const { mode, shareDeleted, lastBackupAt: backupAt, backups: counted } = parseReceipt(found.receipt);
    const backups = counted === undefined ? null : counted.taken - counted.destroyed;
    if (mode === 'static') return { server: name, outcome: 'keeps', backupAt, backups };
    return { server: name, outcome: shareDeleted ? 'forgot' : 'undone', backupAt, backups };
  });
}

/** Servers that have not said that they destroyed their shares of an epoch. */
export interface OldShares {
  readonly epoch: number;
  /** As their owner calls them. */
  readonly servers: readonly string[];
}

/**
 * Shares of epochs that are over, as far as nothing says that they are gone. A server that destroyed its share of a later epoch has ended
 * all before it too. One that can always make its share again is no matter of this.
 * @param holders of each epoch, from the first on
 */
export function oldSharesOf(
  { receipts = [] }: Pick<KeyRecord, 'receipts'>,
  holders: readonly (readonly { readonly name: string; readonly xid: Uint8Array }[])[],
): readonly OldShares[] {
  const said = receipts.map(({ xid, receipt }) => ({ xid, ...parseReceipt(receipt) }));
  return holders.flatMap((servers, epoch) => {
    const isSettled = (xid: Uint8Array) =>
      said.some(
        (one) =>
          equalBytes(one.xid, xid) &&
          (one.mode === 'static' ? one.epoch === epoch : one.shareDeleted && one.epoch >= epoch),
      );
    const left = servers.filter(({ xid }) => !isSettled(xid)).map(({ name }) => name);
    return left.length === 0 ? [] : [{ epoch, servers: left }];
  });
}
