import type { Secret } from '@ckm/foundation';
import type { PartyIndex } from '../protocol/contract.js';
import type { Quorum } from '../sharing/quorum.js';
import type { SuiteName } from './cocktail/suite-name.js';

/** Everything public about a key; the same bytes at every party, because all of it follows from the certificate. */
export interface PublicKeyPackage {
  readonly suite: SuiteName;
  readonly quorum: Quorum;
  /** Q, encoded; equals the first entry of `commitment`. */
  readonly groupKey: Uint8Array;
  /** C₀ … C_{needed-1}: the summed commitment to the key's polynomial, encoded. */
  readonly commitment: readonly Uint8Array[];
  /** Y₁ … Yₙ: share·G of every slot, encoded, at index slot-1. */
  readonly verifyingShares: readonly Uint8Array[];
  /** 32 bytes, certified; for HD derivation. Privacy-sensitive, not secret. Zeros: no children are derived from this key. */
  readonly chainCode: Uint8Array;
}

/** One party's part of a key. */
export interface KeyShare {
  readonly party: PartyIndex;
  /** x, a canonical scalar of the suite's group. */
  readonly share: Secret<Uint8Array>;
  readonly public: PublicKeyPackage;
}
