import type { PublicKeys } from '@ckm/gordian';
import type { Reader, Transaction } from '../storage/storage.js';

/** What one account may use at most. */
export interface Quota {
  readonly keys: number;
  readonly openSessions: number;
  /** Messages of any kind. */
  readonly requestsPerMinute: number;
  /** Milliseconds of one core that its requests may cost in a minute, beyond what every message costs. */
  readonly costPerMinute: number;
  /** Requests that wait for the operator. */
  readonly waitingRequests: number;
  /** Sealed bytes in the database. */
  readonly bytes: number;
}

/** Somebody this server answers. */
export interface Account {
  readonly xid: Uint8Array;
  readonly status: 'active' | 'suspended';
  readonly openedAt: number;
  readonly quota: Quota;
  readonly version: number;
  /** The XID document as it was introduced, encoded. */
  readonly document: Uint8Array;
  /** The keys of that document: messages are verified with these, never with keys from a message. */
  readonly publicKeys: PublicKeys;
}

/** Whose, and how much of it. */
export type Counted = Pick<Account, 'xid' | 'quota'>;

/** How a stranger shows who they are: keys whose hash is their XID, in a message signed with them. */
export interface Introduction {
  readonly xid: Uint8Array;
  readonly publicKeys: PublicKeys;
}

/** An invite as the operator sees it; the code is gone. */
export interface Invite {
  /** 32 bytes that name it: a code of 100 random bits cannot be found from its hash. */
  readonly codeHash: Uint8Array;
  readonly note: string;
  readonly usedBy: Uint8Array | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface Accounts {
  find(reader: Reader, xid: Uint8Array): Promise<Account | null>;
  list(reader: Reader, after: Uint8Array | null, limit: number): Promise<readonly Account[]>;
  /**
   * Opens an account, or finds the one that is open already.
   * @throws AccessError `ACCOUNTS_CLOSED`, `ACCOUNTS_FULL`, `INVITE_REQUIRED`, `INVITE_INVALID`.
   */
  open(
    transaction: Transaction,
    introduction: Introduction,
    invite: string | null,
  ): Promise<{ readonly account: Account; readonly created: boolean }>;
  setStatus(transaction: Transaction, xid: Uint8Array, status: Account['status']): Promise<Account>;
  /** Makes an invite; the code is shown once and stored hashed. */
  createInvite(
    transaction: Transaction,
    invite: { readonly note: string; readonly expiresAt: number },
  ): Promise<{ readonly code: string; readonly codeHash: Uint8Array }>;
  /** The hash of an invite code that would open an account now; null: it is not one. */
  unusedInvite(reader: Reader, code: string): Promise<Uint8Array | null>;
  /** Invites by the hash of their code. @param after the first hex digits of the last hash that is known */
  listInvites(reader: Reader, after: string | null, limit: number): Promise<readonly Invite[]>;
  /** Invites that are meant by the first hex digits of their hash, or by the code itself; at most `limit`. */
  findInvites(reader: Reader, name: string, limit: number): Promise<readonly Invite[]>;

  /** The quota checks. Each throws PolicyError `QUOTA_…` (429) when one more would be too many. */
  readonly quota: {
    key(reader: Reader, account: Counted): Promise<void>;
    /** After one was activated that did not count before, in the same transaction. */
    keyComesIntoUse(reader: Reader, account: Counted): Promise<void>;
    openSession(reader: Reader, account: Counted): Promise<void>;
    waitingRequest(reader: Reader, account: Counted): Promise<void>;
    bytes(reader: Reader, account: Counted, more: number): Promise<void>;
  };
}
