import { CkmError, decodeUtf8, encodeHex } from '@ckm/foundation';
import { finalizeTransaction } from '@ckm/requests';

/** What came out of a request, as text for stdout, and what else a machine may want. */
export interface ShownArtefact {
  readonly text: string;
  readonly more: Readonly<Record<string, string | number>>;
}

/** Messages give hex, SSH and git give their armor, Bitcoin gives the PSBT in base64 (and the transaction, when whole). */
export function artefactText(kind: string, artefact: Uint8Array): ShownArtefact {
  if (kind === 'message') return { text: encodeHex(artefact), more: {} };
  if (kind !== 'bitcoin') return { text: decodeUtf8(artefact), more: {} };
  return { text: Buffer.from(artefact).toString('base64'), more: transactionIn(artefact) };
}

/** The final transaction, when no other signer is missing. */
function transactionIn(psbt: Uint8Array): Readonly<Record<string, string | number>> {
  try {
    const { hex, txid, virtualBytes } = finalizeTransaction(psbt);
    return { transaction: hex, txid, virtualBytes };
  } catch (error) {
    if (error instanceof CkmError && error.code === 'PSBT_NOT_SIGNED') return {};
    throw error;
  }
}
