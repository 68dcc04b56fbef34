import { EncodingError } from '@ckm/foundation';
import type { GroupName } from '../../group/group.js';

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
