import { z } from 'zod';
import { bytesOf, certificateChain, epoch, identifier } from './fields/fields.js';

/** Bytes of certificates in one message; one that is longer still goes alone. */
export const CHAIN_PAGE_BYTES = 524_288;
/**
 * So many epochs of one key are taken in by whoever is shown its certificates, server or client: one a day for more than ten years. Whoever checks them compares with
 * all their rosters.
 */
export const MOST_CHAIN_EPOCHS = 4_096;

/**
 * Shows a server certificates that it does not have: the first epoch's first, or behind an epoch that it was shown or is in. What it was
 * shown like that a chain in `change.propose`, `change.leave`, `change.retire` and the proposal of a repair leaves out: it begins behind it.
 */
export const keyLearn = {
  parameters: z.strictObject({ keyId: identifier, certificates: certificateChain.min(1) }),
  /** The epoch that the last of them proves. */
  result: z.strictObject({ epoch, transcriptHash: bytesOf(32) }),
};

/** By epochs, those behind `after`. `next`: what to ask behind next; null at the end. */
export const keyChain = {
  parameters: z.strictObject({ keyId: identifier, after: epoch.nullable() }),
  result: z.strictObject({ certificates: certificateChain, next: epoch.nullable() }),
};
