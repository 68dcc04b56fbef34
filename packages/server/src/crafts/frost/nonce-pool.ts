import type { NonceCommitment } from '@ckm/api';
import type { Secret } from '@ckm/foundation';
import type { SigningNonces } from '@ckm/threshold';
import type { Transaction } from '../../storage/storage.js';
import type { ActiveKey } from '../../sessions/keys/active-keys.js';

/**
 * The unused nonces of this server's keys. One commitment is good for one signature share, across crashes, restored
 * databases and replicas (N3): whatever is taken is gone, and what an earlier life of the server published is void.
 */
export interface NoncePool {
  /** Whether nonces are rows, so that every use needs a transaction. */
  readonly durable: boolean;
  /** Makes `count` pairs of nonces and keeps them; what comes back is to be published after the commit. */
  issue(transaction: Transaction | null, key: ActiveKey, count: number): Promise<readonly NonceCommitment[]>;
  /**
   * Takes the nonces behind these commitments out for good, in order. Null when any of them is unknown, used before or
   * of an earlier life; the others are consumed all the same (N10).
   */
  take(
    transaction: Transaction,
    key: ActiveKey,
    commitments: readonly NonceCommitment[],
  ): Promise<readonly Secret<SigningNonces>[] | null>;
  /** Called every few seconds. @throws StorageError `STORAGE_WENT_BACK` */
  sweep(): Promise<void>;
  /** Overwrites everything; what was published is void. Returns how many pairs that was. */
  wipe(): number;
}
