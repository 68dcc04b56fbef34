import type { KeyMay, SignedDevices } from '@ckm/api';
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

/** A key that messages of an account are signed with. */
export interface AccountKey {
  /** 32 bytes, as in lists of devices; that of the words' key is the account's XID. */
  readonly id: Uint8Array;
  /** Messages are verified with these, never with keys from a message. */
  readonly publicKeys: PublicKeys;
  readonly may: KeyMay;
  /** Another device has taken it out: for a while it may stop what goes on. Absent: it is on the list. */
  readonly isRemoved?: true;
}

/** The keys of an account. */
export interface AccountKeys {
  /** That of its words, which it was opened with. */
  readonly words: AccountKey;
  /** Those of its devices, by `devicesKeyName`. */
  readonly devices: ReadonlyMap<string, AccountKey>;
  /** Those that may still stop what goes on, by `devicesKeyName`. */
  readonly removed: ReadonlyMap<string, AccountKey>;
}

/** The list of its devices that is in force. */
export interface AccountDevices {
  readonly signed: SignedDevices;
  /** When this server took each of them in. */
  readonly since: readonly DeviceSince[];
  /** Who was taken out and may still stop what goes on; absent: nobody. */
  readonly removed?: readonly RemovedDevice[];
}
/** A device that another one has taken out. */
export interface RemovedDevice {
  readonly id: Uint8Array;
  /** Encoded. */
  readonly publicKeys: Uint8Array;
  /** UnixSeconds: when it had come; absent: before that was kept. */
  readonly at?: number;
}
export interface DeviceSince {
  readonly id: Uint8Array;
  /** UnixSeconds */
  readonly at: number;
}

/** A freeze of the whole account. Times are UnixSeconds. */
export interface AccountFreeze {
  /** 32 bytes, fresh of whoever froze. */
  readonly id: Uint8Array;
  /** When this server first heard of it. */
  readonly seenAt: number;
  /** When it ends by itself. */
  readonly until: number;
  /** When it was thawed, or a longer one took its place; null: neither. */
  readonly endedAt: number | null;
  /** When somebody of the account asked for its end; null: nobody did. */
  readonly thawAskedAt: number | null;
  /** Which device said so; absent: the words. */
  readonly device?: Uint8Array;
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
  /** The key of that document, and those of its devices. */
  readonly keys: AccountKeys;
  /** Null: it never had any. */
  readonly devices: AccountDevices | null;
  /** Those of the last 30 days. */
  readonly freezes: readonly AccountFreeze[];
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
  /** {@link find}, and nobody changes it until the transaction ends. */
  hold(transaction: Transaction, xid: Uint8Array): Promise<Account | null>;
  /**
   * Whoever freezes the account waits for this transaction, which is about to give something away, or this one for him.
   * @throws PolicyError `ACCOUNT_FROZEN`
   */
  assertGoesOn(transaction: Transaction, xid: Uint8Array): Promise<void>;
  /** Whether a device is still on the list of its account, and may as much as it did; nobody changes that until the transaction ends. */
  keepsKey(transaction: Transaction, xid: Uint8Array, device: AccountKey): Promise<boolean>;
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
  /** Puts a list of its devices in force. @throws AccessError `ACCOUNT_UNKNOWN`; StateError `ROW_CHANGED` */
  setDevices(transaction: Transaction, xid: Uint8Array, devices: AccountDevices): Promise<Account>;
  /** @throws AccessError `ACCOUNT_UNKNOWN`; StateError `ROW_CHANGED` */
  setFreezes(transaction: Transaction, xid: Uint8Array, freezes: readonly AccountFreeze[]): Promise<Account>;
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
    /** Of what people are asked about. */
    waitingMatter(reader: Reader, account: Counted): Promise<void>;
    bytes(reader: Reader, account: Counted, more: number): Promise<void>;
  };
}
