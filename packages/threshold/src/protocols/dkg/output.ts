import type { KeyParams } from '../../key/params.js';
import type { KeyShare } from '../../key/public-package.js';
import type { DkgMessage } from './messages.js';

/**
 * The proof that a key exists and that all its servers agree on it, and the data from which each of them can recover
 * its share. Public, and the same at every server but for the signatures, which name nothing: a signer can make others.
 */
export interface GenerationCertificate {
  readonly kind: 'generation';
  readonly params: KeyParams;
  /** All in order of slots. */
  readonly round0: readonly DkgMessage[];
  readonly round1: readonly DkgMessage[];
  /** Of the transcript, by every static key. */
  readonly signatures: readonly Uint8Array[];
}

/** What a party has when a key was generated. */
export interface DkgOutput {
  readonly share: KeyShare;
  readonly certificate: GenerationCertificate;
  /** 32 bytes: what names this epoch of the key everywhere. */
  readonly transcriptHash: Uint8Array;
}
