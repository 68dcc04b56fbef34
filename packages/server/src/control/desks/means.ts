import type { Secret } from '@ckm/foundation';
import type { AuditAnchor } from '../../audit/audit.js';
import type { ServerContext, Sessions } from '../../context.js';
import type { Transaction } from '../../storage/storage.js';

/** What the operator's desks stand on: a server that is open. */
export interface DeskMeans {
  readonly context: ServerContext;
  readonly sessions: Sessions;
  /** The head of the audit log noted outside the database. */
  anchor(): AuditAnchor | null;
  readonly rotation: {
    /** @param passphrase null on a server that has none; wiped. @returns the number of the key in use then */
    rotate(passphrase: Secret<Uint8Array> | null): Promise<number>;
    isUnderWay(): boolean;
  };
  readonly backups: {
    /** @param options whose passphrase is wiped */
    begin(options: {
      readonly passphrase: Secret<Uint8Array>;
      readonly hasEpochKeys: boolean;
    }): Promise<AsyncIterable<Uint8Array>>;
    keep(backup: { readonly id: Uint8Array; readonly takenAt: number }): Promise<void>;
    /** When the last good one was made; null: none is known. */
    lastAt(): Promise<number | null>;
    /** How many nobody has said to be destroyed; null: not known. */
    countLeft(): Promise<number | null>;
    noteDestroyed(before: number): Promise<void>;
    /** When one was last compared with the certified shares; null: none is known. UnixSeconds. */
    lastDrillAt(): Promise<number | null>;
    noteDrill(transaction: Transaction, at: number): Promise<void>;
  };
  /** By how many seconds the machine's clock has jumped since the start; negative: back. */
  clockJump(): number;
  /** How many shares have an epoch key that this process does not find. */
  epochKeysMissing(): number;
}
