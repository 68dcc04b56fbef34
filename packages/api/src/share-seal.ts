import { concatBytes, type Secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { openFrom, sealTo, type Sealing } from './seals/seal-to.js';

/** To which export a sealed share belongs, and whose it is: a seal holds for this and nothing else. */
export interface SealedFor {
  /** 32 bytes, as `hashExport` names it: key, epoch, transcript hash, id and recipient. */
  readonly exportHash: Uint8Array;
  readonly slot: number;
  /** 32 bytes, X25519. */
  readonly recipient: Uint8Array;
}

const SEALING: Sealing = {
  info: 'CKM exported share v1',
  ephemeralTag: 'CKM/export/ephemeral/v1',
  keyTag: 'CKM/export/seal/v1',
};

/**
 * Seals a share to the recipient of an export.
 * @throws EncodingError `SEALING_KEY_INVALID` for a recipient of small order
 */
export function sealShare(identity: Identity, to: SealedFor, share: Secret<Uint8Array>): Uint8Array {
  return sealTo(SEALING, identity, to.recipient, associatedData(to), share);
}

/**
 * What was sealed to a recipient for this export and slot, or null: it was sealed to somebody else, for something else, or
 * changed. The caller wipes it.
 * @param recipientSecret 32 bytes, of `to.recipient`
 */
export function openShare(
  recipientSecret: Secret<Uint8Array>,
  to: SealedFor,
  sealed: Uint8Array,
): Secret<Uint8Array> | null {
  return openFrom(SEALING, recipientSecret, to.recipient, associatedData(to), sealed);
}

function associatedData({ exportHash, slot }: SealedFor): Uint8Array {
  return concatBytes(exportHash, Uint8Array.of(slot));
}
