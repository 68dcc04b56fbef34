import type { CertifiedEpoch, ChangeParams } from './change.js';

/** Knows which parameters of changes were checked: `createChangeMemory`. */
export interface CheckedParams {
  /**
   * Checks them, unless they are known to hold.
   * @param check as they are checked anew; what it throws is thrown
   */
  recallParams(before: CertifiedEpoch, change: ChangeParams, check: () => void): void;
}
