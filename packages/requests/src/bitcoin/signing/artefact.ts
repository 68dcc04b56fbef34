import { base64 } from '@scure/base';
import type { ShownArtefact } from '../../kind.js';
import { type FinalTransaction, transactionState } from './finalize.js';

/** A PSBT in base64, and the transaction in it once it is whole. */
export function showPsbt(psbt: Uint8Array): ShownArtefact {
  const final = transactionIn(psbt);
  const text = base64.encode(psbt);
  if (final === null) return { text, more: {} };
  const { hex, txid, virtualBytes } = final;
  return { text, more: { transaction: hex, txid, virtualBytes } };
}

/** The final transaction in a PSBT; null unless every input is unlocked, and rightly. @throws EncodingError `PSBT_MALFORMED` */
export function transactionIn(psbt: Uint8Array): FinalTransaction | null {
  return transactionState(psbt).final;
}
