import { EncodingError, type Secret } from '@ckm/foundation';
import type { GroupName } from '../group/group.js';
import type { PartyIndex } from '../protocol/contract.js';
import type { Quorum } from '../sharing/quorum.js';

/**
 * What a key signs (or computes) with. `secp256k1-tr` is secp256k1 for BIP-340: its keys carry the BIP-341
 * commitment to no script and have an even y (docs/dkg.md, "Taproot keys").
 */
export const SUITE_NAMES = ['ed25519', 'ristretto255', 'secp256k1', 'secp256k1-tr', 'P-256'] as const;

export type SuiteName = (typeof SUITE_NAMES)[number];

/** The group in which a suite's keys live. */
export function groupOfSuite(suite: SuiteName): GroupName {
  return suite === 'secp256k1-tr' ? 'secp256k1' : suite;
}

/** @throws EncodingError `SUITE_UNKNOWN` */
export function parseSuiteName(value: unknown): SuiteName {
  const known = SUITE_NAMES.find((name) => name === value);
  if (known === undefined) {
    throw new EncodingError('not the name of a suite', {
      code: 'SUITE_UNKNOWN',
      hint: `use one of ${SUITE_NAMES.join(', ')}`,
    });
  }
  return known;
}

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
  /** 32 bytes, from the certified transcript; for HD derivation. Privacy-sensitive, not secret. */
  readonly chainCode: Uint8Array;
}

/** One party's part of a key. */
export interface KeyShare {
  readonly party: PartyIndex;
  /** x, a canonical scalar of the suite's group. */
  readonly share: Secret<Uint8Array>;
  readonly public: PublicKeyPackage;
}
