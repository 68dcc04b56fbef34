import type { KeyShare, PublicKeyPackage } from '../../key/public-package.js';
import type { ChangeParams } from './change.js';
import type { DealMessage } from './messages.js';

/**
 * A change that the whole next roster has signed: every receiver holds its share. It activates nothing by itself: that
 * takes the votes of old members, who decide between several such changes of one epoch. Public; the same at every party
 * but for the signatures, which name nothing.
 */
export interface SignedChange {
  readonly change: ChangeParams;
  /** In the order of the dealers. */
  readonly deals: readonly DealMessage[];
  /** Of T′, by every receiver's static key, in order of slots. */
  readonly signatures: readonly Uint8Array[];
}

/** What a party has at the end of a run. */
export interface ReshareOutput {
  /**
   * The share of the next epoch: pending, beside that of the old one, until a certificate of that epoch stands. Null for
   * whoever only dealt.
   */
  readonly share: KeyShare | null;
  readonly public: PublicKeyPackage;
  readonly signed: SignedChange;
  /** 32 bytes: what names the next epoch of the key everywhere. */
  readonly transcriptHash: Uint8Array;
}
