import { type FinalTransaction, requestKind, type ShownArtefact } from '@ckm/requests';

/** What came out of a request, as its kind shows it. */
export function artefactText(kind: string, artefact: Uint8Array): ShownArtefact {
  return requestKind(kind).showArtefact(artefact);
}

/** A transaction for machines. */
export function transactionObject({ hex, txid, virtualBytes }: FinalTransaction) {
  return { transaction: hex, txid, virtualBytes };
}
