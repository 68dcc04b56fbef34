import type { ServerContext } from '../context.js';
import type { Counter } from '../sessions/waiting-time.js';
import type { KeyRow, Transaction } from '../storage/storage.js';

/** The room that hears whether owners live. */
export interface LifeMeans {
  readonly context: ServerContext;
  /** This process, by which silence is counted. */
  counting(): Counter;
  /** Owners, as hex, whose account has said anything here since that was last looked at. In memory: nothing is written on the way of a signature. */
  readonly heard: Set<string>;
  /** Keys for which an heir asks, by their owner as hex, as of when all were last looked at: their owners are not let wait. */
  readonly watched: Map<string, readonly Pick<KeyRow, 'owner' | 'keyId'>[]>;
  /** Tells contacts of an account, by ways of their own, what its owner wants to know; whatever comes of it is on record with the outbox. */
  tellOwner(transaction: Transaction, owner: Uint8Array, what: SilenceNews): Promise<void>;
  /** Ends what heirs have begun with a key whose owner is heard. The key is held. */
  endBegun(transaction: Transaction, key: Pick<KeyRow, 'owner' | 'keyId'>): Promise<void>;
}

/** What contacts are told: that the owner of a key has been silent for long, that an heir asks for it. */
export type SilenceNews = 'silent' | 'heir-asks';
