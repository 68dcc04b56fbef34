import type { PublicKeys } from '@ckm/gordian';
import type { Account } from '../accounts/accounts.js';
import type { Call, ServerContext } from '../context.js';
import type { Reader, Transaction } from '../storage/storage.js';
import type { Counter } from '../sessions/waiting-time.js';

/** The room of ways back: contacts of accounts, and recoveries by them. */
export interface WaysBackMeans {
  readonly context: Pick<
    ServerContext,
    | 'accounts'
    | 'audit'
    | 'clock'
    | 'config'
    | 'events'
    | 'handleKey'
    | 'identity'
    | 'outbox'
    | 'random'
    | 'storage'
    | 'vault'
  >;
  /** This process, by which delays are counted. */
  counting(): Counter;
  /** Whether the key that a message is signed with is of a device that has not been there for long. */
  isYoung(reader: Reader, call: Call): Promise<boolean>;
  /** Has a key take the place of all devices of an account. @returns what is to be done once it has committed */
  recover(
    transaction: Transaction,
    account: Account,
    keys: PublicKeys,
    notes: Uint8Array,
  ): Promise<readonly (() => Promise<void>)[]>;
}
