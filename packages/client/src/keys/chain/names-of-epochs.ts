import { equalBytes } from '@ckm/foundation';
import { parseChangeCertificate } from '@ckm/threshold';
import { certificatesOf, checkChain, type KeyChain } from './key-chain.js';

/** Where a server says that it is with a key. */
export interface StandingAt {
  readonly epoch: number;
  /** 32 bytes: of that epoch; undefined: it does not say. */
  readonly transcriptHash: Uint8Array | undefined;
}

/** What an epoch is called in a chain that was checked when it was put on record; null: the chain does not go so far. */
export function nameOfEpoch(chain: KeyChain, epoch: number): Uint8Array | null {
  const certificates = certificatesOf(chain);
  if (epoch < 0 || epoch >= certificates.length) return null;
  const following = certificates[epoch + 1];
  if (following !== undefined) return parseChangeCertificate(following).change.next.previous;
  return checkChain(chain).newest.transcriptHash;
}

/**
 * Whether a server says that it is in an epoch of the same number by another certificate. Its word is a reason to look, and for nothing else.
 */
export function isElsewhere(chain: KeyChain, { epoch, transcriptHash }: StandingAt): boolean {
  const name = nameOfEpoch(chain, epoch);
  return name !== null && transcriptHash !== undefined && !equalBytes(name, transcriptHash);
}
