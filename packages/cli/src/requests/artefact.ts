import { CkmError, decodeUtf8, encodeHex } from '@ckm/foundation';
import { type FinalTransaction, finalizeTransaction } from '@ckm/requests';

/** What came out of a request, as text for stdout, and what else a machine may want. */
export interface ShownArtefact {
  readonly text: string;
  readonly more: Readonly<Record<string, string | number>>;
}

/** Messages give hex, SSH and git give their armor, Bitcoin gives the PSBT in base64 (and the transaction, when whole). */
export function artefactText(kind: string, artefact: Uint8Array): ShownArtefact {
  if (kind === 'message') return { text: encodeHex(artefact), more: {} };
  if (kind !== 'bitcoin') return { text: decodeUtf8(artefact), more: {} };
  const final = transactionIn(artefact);
  return {
    text: Buffer.from(artefact).toString('base64'),
    more: final === null ? {} : transactionObject(final),
  };
}

/** The final transaction in a PSBT; null while a signature is missing. */
export function transactionIn(psbt: Uint8Array): FinalTransaction | null {
  try {
    return finalizeTransaction(psbt);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'PSBT_NOT_SIGNED') return null;
    throw error;
  }
}

/** The same for machines. */
export function transactionObject({ hex, txid, virtualBytes }: FinalTransaction) {
  return { transaction: hex, txid, virtualBytes };
}
