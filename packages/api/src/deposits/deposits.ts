import { concatBytes } from '@ckm/foundation';
import { primitives } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo, unixSeconds } from '../fields/fields.js';

/** Bytes of one deposit: an envelope of a share with a second payload and what says where the others are. */
export const MAX_DEPOSIT_BYTES = 1_000;
/** Deposits of one account at one server. */
export const MAX_DEPOSITS = 64;
/** Receipts in one message. */
export const MAX_DEPOSIT_RECEIPTS = 16;
export const DEPOSIT_RECEIPT_BYTES = 32;

/**
 * What names a deposit, as bc-depo has it: SHA-256 of the account's XID and the data. Whoever keeps it knows what the server must give back.
 * @param xid of the account at that server, 32 bytes
 */
export function depositReceipt(xid: Uint8Array, data: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(xid, data));
}

const receipt = bytesOf(DEPOSIT_RECEIPT_BYTES);
/** Never none: where none means all of them, one mistake takes everything. */
const receipts = z.array(receipt).min(1).max(MAX_DEPOSIT_RECEIPTS);
const data = bytesUpTo(MAX_DEPOSIT_BYTES).refine((bytes) => bytes.length > 0, {
  error: 'expected at least one byte',
});

/** Keeps something; what is kept already is kept once, and has the receipt that it had. */
export const shareStore = {
  parameters: z.strictObject({ data }),
  result: z.strictObject({ receipt }),
};

const listedDeposit = z.strictObject({
  receipt,
  /** When it came, by the server's clock. */
  at: unixSeconds,
  /** Bytes of it. */
  length: z.int().min(1).max(MAX_DEPOSIT_BYTES),
});
export type ListedDeposit = z.infer<typeof listedDeposit>;

/** What is kept for the account, by receipt. */
export const shareList = {
  parameters: z.strictObject({}),
  result: z.strictObject({ shares: z.array(listedDeposit).max(MAX_DEPOSITS) }),
};

const keptDeposit = z.strictObject({ receipt, data });
export type KeptDeposit = z.infer<typeof keptDeposit>;

/** Gives back those of the ones asked for that are there, in the order asked for. */
export const shareGet = {
  parameters: z.strictObject({ receipts }),
  result: z.strictObject({ shares: z.array(keptDeposit).max(MAX_DEPOSIT_RECEIPTS) }),
};

/** Keeps them no longer. `deleted`: those that were there, in the order asked for. */
export const shareDelete = {
  parameters: z.strictObject({ receipts }),
  result: z.strictObject({ deleted: z.array(receipt).max(MAX_DEPOSIT_RECEIPTS) }),
};
