import type { KeyShare } from '../../key/public-package.js';
import type { ImportDeal } from './deal.js';

/** The proof that an imported key is held by all its servers, and the data from which each of them can recover its share. */
export interface ImportCertificate extends ImportDeal {
  readonly kind: 'import';
  /** Of the transcript, by every static key, in order of slots. */
  readonly signatures: readonly Uint8Array[];
}

/** What a server has when a key was imported. */
export interface ImportOutput {
  readonly share: KeyShare;
  readonly certificate: ImportCertificate;
  /** 32 bytes: what names this epoch of the key everywhere. */
  readonly transcriptHash: Uint8Array;
}
