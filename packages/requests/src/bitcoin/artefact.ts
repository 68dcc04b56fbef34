import { CkmError } from '@ckm/foundation';
import { base64 } from '@scure/base';
import type { ShownArtefact } from '../kind.js';
import { type FinalTransaction, finalizeTransaction } from './finalize.js';

/** A PSBT in base64, and the transaction in it once it is whole. */
export function showPsbt(psbt: Uint8Array): ShownArtefact {
  const final = transactionIn(psbt);
  const text = base64.encode(psbt);
  if (final === null) return { text, more: {} };
  const { hex, txid, virtualBytes } = final;
  return { text, more: { transaction: hex, txid, virtualBytes } };
}

/** The final transaction in a PSBT; null while a signature is missing. @throws EncodingError `PSBT_MALFORMED` */
export function transactionIn(psbt: Uint8Array): FinalTransaction | null {
  try {
    return finalizeTransaction(psbt);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'PSBT_NOT_SIGNED') return null;
    throw error;
  }
}
