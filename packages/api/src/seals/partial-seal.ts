import type { Secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { taggedHash } from '@ckm/threshold';
import { openFrom, sealTo, type Sealing } from './seal-to.js';

/** What a server's part of an evaluation belongs to: a seal holds for this and nothing else. */
export interface PartialFor {
  readonly keyId: Uint8Array;
  /** Names the epoch. */
  readonly transcriptHash: Uint8Array;
  readonly slot: number;
  readonly requestId: Uint8Array;
  /** As `hashTasks` gives it: mode and inputs. */
  readonly tasksHash: Uint8Array;
  readonly attempt: number;
  /** 32 bytes, X25519, of this attempt alone. */
  readonly recipient: Uint8Array;
}

const SEALING: Sealing = {
  info: 'CKM partial v1',
  ephemeralTag: 'CKM/partial/ephemeral/v1',
  keyTag: 'CKM/partial/seal/v1',
};

/**
 * Seals a server's part to whoever asked, for one attempt.
 * @throws EncodingError `SEALING_KEY_INVALID` for a recipient of small order
 */
export function sealPartial(identity: Identity, to: PartialFor, partial: Secret<Uint8Array>): Uint8Array {
  return sealTo(SEALING, identity, to.recipient, boundTo(to), partial);
}

/** What was sealed for this attempt, or null. The caller wipes it. @param secret of `to.recipient` */
export function openSealedPartial(
  secret: Secret<Uint8Array>,
  to: PartialFor,
  sealed: Uint8Array,
): Secret<Uint8Array> | null {
  return openFrom(SEALING, secret, to.recipient, boundTo(to), sealed);
}

function boundTo({ keyId, transcriptHash, slot, requestId, tasksHash, attempt }: PartialFor): Uint8Array {
  const numbers = Uint8Array.of(slot, attempt);
  return taggedHash('CKM/partial/bound/v1', keyId, transcriptHash, requestId, tasksHash, numbers);
}
