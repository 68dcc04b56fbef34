import type { DkgResult, KeyTerms } from '@ckm/api';
import { BugError } from '@ckm/foundation';
import type { Quorum, SuiteName } from '@ckm/threshold';

/** What a certificate makes of an epoch. */
export interface CertifiedEpoch {
  /** This server's share: a canonical scalar. Secret. */
  readonly share: Uint8Array;
  readonly certificate: Uint8Array;
  /** 32 bytes. */
  readonly transcriptHash: Uint8Array;
  /** 64 bytes: this server's promise that the certificate is stored. */
  readonly acknowledgement: Uint8Array;
  readonly groupKey: Uint8Array;
  readonly commitment: readonly Uint8Array[];
  readonly verifyingShares: readonly Uint8Array[];
  readonly chainCode: Uint8Array;
  /** Of the terms that its parameters name by their hash; absent: 0, as the key was made. */
  readonly termsVersion?: number;
}

/** Everything a server keeps about one key in one epoch. It is stored in three parts (`key-head.ts`). */
export interface EpochRecord {
  readonly suite: SuiteName;
  readonly purpose: string;
  readonly quorum: Quorum;
  /** The terms in force here: those of the certificate, until a change comes into force. */
  readonly policy: KeyTerms;
  readonly slot: number;
  readonly epoch: number;
  /** The session that made it; null: it was restored from its certificate, and no session may touch it. */
  readonly sessionId: Uint8Array | null;
  /** The certified parameters, roster and all. */
  readonly parameters: Uint8Array;
  /**
   * The protocol state from which a certificate completes the key, however late; null once it did. Secret. This server
   * has signed the transcript, so others may hold the certificate: it is never deleted because none has come.
   */
  readonly pending: Uint8Array | null;
  /**
   * Seed of this server's static key: with the certificate it gives the share back. Secret. 32 bytes; null where it was
   * not kept.
   */
  readonly staticSeed: Uint8Array | null;
  readonly certified: CertifiedEpoch | null;
}

/** Overwrites the secrets of a record; its sealed copies stay. */
export function wipeKey({ pending, staticSeed, certified }: EpochRecord): void {
  pending?.fill(0);
  staticSeed?.fill(0);
  certified?.share.fill(0);
}

/** What a server says of an active key to whoever made or restored it. */
export function resultOf(
  keyId: Uint8Array,
  { certified }: { readonly certified: Pick<CertifiedEpoch, 'transcriptHash' | 'acknowledgement'> | null },
): DkgResult {
  if (certified !== null) {
    const { transcriptHash, acknowledgement } = certified;
    return { kind: 'dkg', keyId, transcriptHash, acknowledgement };
  }
  throw new BugError('a key is neither pending nor certified', {
    code: 'KEY_STATE_BROKEN',
    hint: 'report this',
  });
}
