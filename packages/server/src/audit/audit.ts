import type { Reader, Storage, Transaction } from '../storage/storage.js';

/** What happened, as a person reads it. No secret, no request body, no share. */
export interface AuditEntry {
  /** Lower-case words joined by dots: `account.open`, `request.ask`, `session.finished`, `operator.approve`. */
  readonly deed: string;
  /** The XID of the account behind it; null: the operator or the server itself. */
  readonly who: Uint8Array | null;
  readonly keyId: Uint8Array | null;
  /** The session, request or message it belongs to. */
  readonly subject: Uint8Array | null;
  /** The same sentence that people were shown. */
  readonly sentence: string;
  readonly verdict: 'allowed' | 'asked' | 'refused' | 'approved' | 'rejected' | 'done' | 'failed';
  /** Which policy decided: `Verdict.policy`; empty when none did. */
  readonly policy: string;
  /** Short, stable facts: codes, slots, counts. */
  readonly detail: string;
}

/** An entry with its place in the chain. */
export interface AuditLine extends AuditEntry {
  readonly sequence: number;
  readonly at: number;
  /** 32 bytes over this entry and everything before it. */
  readonly hash: Uint8Array;
}

/** A place in the log at which entries of before are missing. */
export interface AuditGap {
  readonly sequence: number;
  readonly at: number;
  /** What was missing, in words. */
  readonly detail: string;
}

/** The deed of an entry with which a start says that the database was put back. */
export const ROLLBACK = 'server.rollback';

export type AuditVerification =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly head: Uint8Array;
      /** Where the server wrote that its database was put back, or exchanged: what it had logged before is not all there. */
      readonly gaps: readonly AuditGap[];
    }
  | { readonly ok: false; readonly entries: number; readonly brokenAt: number; readonly why: string };

/** A head as it once was: `sequence` entries ending with `hash`. */
export interface AuditAnchor {
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export interface AuditLog {
  /**
   * Adds an entry inside the caller's transaction. When it throws, let it: if the log cannot be written, the deed does
   * not happen. Call it last: it holds the head against other replicas until the commit.
   */
  append(transaction: Transaction, entry: AuditEntry): Promise<void>;
  /**
   * Entries from `sequence` on, ascending.
   * @throws StorageError `ROW_TAMPERED`.
   */
  list(reader: Reader, sequence: number, limit: number): Promise<readonly AuditLine[]>;
  /**
   * Walks the whole chain, page by page: an edited, swapped, removed or cut-off entry is found and named.
   * @param anchor a head noted outside the database: only with it is a log found that was put back to an earlier day
   * together with its head.
   */
  verify(storage: Storage, anchor?: AuditAnchor | null): Promise<AuditVerification>;
  /**
   * Looks where the log ends, and whether it goes on from where it ended before.
   * @throws StorageError `STORAGE_WENT_BACK`
   */
  look(reader: Reader): Promise<void>;
  /** The newest end of the log that this process has seen in the database. */
  seen(): AuditAnchor | null;
  /** Whether the database, when the log was looked at last, was older than this process had seen it. */
  hasGoneBack(): boolean;
}
