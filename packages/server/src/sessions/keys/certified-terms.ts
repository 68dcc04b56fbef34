import { type KeyTerms, parseTerms, policyHash } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import { parseKeyParams } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { KeyRow, Reader, TermsRow } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';
import type { KeyHead } from './stored/key-head.js';
import { putBack, readEpoch } from './stored/read-key.js';

/** What every row of terms has, whatever else it says (`terms/stored-terms.ts`). */
interface WithTerms {
  readonly terms: Uint8Array;
}

/**
 * The terms that the certificate of the epoch in use names: those that whoever checks it has to be shown. In force may be later ones.
 * @throws StorageError `ROW_TAMPERED`, also where the row is of other terms than the certificate
 */
export async function certifiedTerms(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  row: KeyRow,
  head: KeyHead,
): Promise<KeyTerms> {
  const { certifiedTerms: number, policy } = head;
  if (number === undefined) return policy;
  const found: TermsRow | null = await reader.terms.find(row.owner, row.keyId, number, false);
  if (found === null) throw putBack('terms');
  const terms = parseTerms(openRecord<WithTerms>(context.vault, 'terms', found).terms, REQUEST_FACTS);
  const { parameters } = await readEpoch(context, reader, row, head);
  if (!equalBytes(parseKeyParams(parameters).termsHash, policyHash(terms))) throw putBack('terms');
  return terms;
}
