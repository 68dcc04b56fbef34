import type { KeyTerms } from '@ckm/api';
import type { Quorum, SuiteName } from '@ckm/threshold';
import type { KeyChain } from '../chain/key-chain.js';
import type { ExpectedKey } from './expected-keys.js';

/**
 * What a server of a key says about it. `pending`: it holds a share and has not seen the certificate. `unknown`: it
 * says there is no such key of ours. `not-added`: it is not among our servers, so it was not asked.
 */
export type HolderVerdict = 'holds' | 'pending' | 'differs' | 'unknown' | 'silent' | 'refused' | 'not-added';

/** One server of a fetched key. */
export interface KeyHolder {
  readonly slot: number;
  /** The owner's name of the server; null when it is not added. */
  readonly server: string | null;
  readonly xid: Uint8Array;
  /** Where it answered when the key was made. */
  readonly url: string;
  readonly verdict: HolderVerdict;
  /** One line for a person. */
  readonly text: string;
}

/** A key of ours that servers hold and we have no record of; its certificates were checked from scratch. */
export interface FetchedKey extends KeyChain {
  readonly keyId: Uint8Array;
  /** Of its first epoch: what names it. */
  readonly transcriptHash: Uint8Array;
  readonly policy: KeyTerms;
  readonly purpose: string;
  readonly suite: SuiteName;
  readonly quorum: Quorum;
  /** UnixSeconds, as servers remember it. */
  readonly createdAt: number;
  /** Servers know no names of keys: the one on the recovery sheet, or made of purpose and likeness; it is free. */
  readonly suggestedName: string;
  /** What the recovery sheet said of it; null when it said nothing. */
  readonly expected: ExpectedKey | null;
  /**
   * Whether a quorum of its servers says that it is ours: fewer could give us somebody else's. Those that are `pending`
   * still have to take the certificate.
   */
  readonly isVouched: boolean;
  /** Whether its servers went on by several certificates of one epoch: then it is the one that most of them show. */
  readonly isForked: boolean;
  /** In order of slots. */
  readonly servers: readonly KeyHolder[];
}

/** Something a server does that no honest one does. */
export interface HolderComplaint {
  readonly server: string;
  readonly text: string;
}

/** What all servers together hold of ours. Nothing was written. */
export interface FetchedKeys {
  readonly keys: readonly FetchedKey[];
  /** Names of the keys on record whose certificate not every server has promised to have stored. */
  readonly incomplete: readonly string[];
  readonly asked: readonly string[];
  /** Servers that did not answer, or refuse to. */
  readonly silent: readonly HolderComplaint[];
  /** Servers that showed what does not hold, or more than is looked at. */
  readonly faulty: readonly HolderComplaint[];
}
