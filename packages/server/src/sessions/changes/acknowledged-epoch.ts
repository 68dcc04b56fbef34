import type { Parameters } from '@ckm/api';
import {
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  parseKeyParams,
  verifyChain,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { readCertificates, readPublicEpoch, transcriptHashOf } from '../keys/past-epochs.js';
import type { KeyHead } from '../keys/stored-key.js';
import { type AcknowledgedEpoch, notAcknowledged } from './acknowledged.js';

/**
 * An epoch behind the one that is to be forgotten: one that is stored here, or that certificates prove which follow on those that are
 * stored. A server that left a key stores none of the later ones.
 * @throws StateError `EPOCH_IN_USE` where it is neither; as `verifyChain`; StorageError `ROW_TAMPERED`
 */
export async function readAcknowledged(
  context: ServerContext,
  reader: Reader,
  { row, head }: { readonly row: KeyRow; readonly head: KeyHead },
  epoch: number,
  shown: readonly Uint8Array[],
): Promise<AcknowledgedEpoch> {
  const newest = newestHere(row, head);
  if (epoch <= newest) {
    const { parameters } = await readPublicEpoch(context, reader, row, epoch);
    return {
      params: parseKeyParams(parameters),
      transcriptHash: await transcriptHashOf(context, reader, row, head, epoch),
    };
  }
  const [first, ...changes] = [...(await readCertificates(context, reader, row, newest)), ...shown];
  const epochs = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes);
  const found = epochs[epoch];
  if (found === undefined)
    throw refusal('EPOCH_IN_USE', `no certificate of epoch ${epoch} is stored here or was shown`);
  return found;
}

/** The newest epoch of a key that this server has the certificate of. */
export function newestHere({ epoch }: Pick<KeyRow, 'epoch'>, { left }: Pick<KeyHead, 'left'>): number {
  return left?.epoch ?? epoch;
}

/** @throws StateError `ACKNOWLEDGEMENTS_TOO_FEW` with the slots that are missing */
export function assertAcknowledged(
  { params, transcriptHash }: AcknowledgedEpoch,
  acknowledgements: Parameters<'change.retire'>['acknowledgements'],
): void {
  const { epoch } = params;
  const missing = notAcknowledged({ params, transcriptHash }, acknowledgements);
  if (missing.length === 0) return;
  const slots = missing.map(({ slot }) => slot).join(', ');
  throw refusal(
    'ACKNOWLEDGEMENTS_TOO_FEW',
    `not every server of epoch ${epoch} has acknowledged it: slot ${slots} is missing`,
    { slots },
  );
}
