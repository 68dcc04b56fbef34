import type { Parameters } from '@ckm/api';
import { parseKeyParams } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { KeyRow, Reader } from '../../../storage/storage.js';
import { readPublicEpoch, transcriptHashOf } from '../../keys/past-epochs.js';
import type { KeyHead } from '../../keys/stored/key-head.js';
import { type AcknowledgedEpoch, notAcknowledged } from './acknowledged.js';
import { checkChain } from './check-chain.js';
import type { StoredHead } from '../deciding.js';
import type { ChangeMeans } from '../means.js';

/**
 * An epoch behind the one that is to be forgotten, as it is stored here; null: it is behind all that are.
 * @throws StorageError `ROW_TAMPERED`
 */
export async function readAcknowledged(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { row, head }: StoredHead,
  epoch: number,
): Promise<AcknowledgedEpoch | null> {
  if (epoch > newestHere(row, head)) return null;
  const { parameters } = await readPublicEpoch(context, reader, row, epoch);
  return {
    params: parseKeyParams(parameters),
    transcriptHash: await transcriptHashOf(context, reader, row, head, epoch),
  };
}

/**
 * The same, as certificates prove it which follow on those that are stored here, or on what was shown: a server that left a key stores none of
 * the later ones.
 * @throws StateError `EPOCH_IN_USE` where they do not; as `checkChain`
 */
export async function acknowledgedBy(
  means: ChangeMeans,
  call: Call,
  keyId: Uint8Array,
  epoch: number,
  certificates: readonly Uint8Array[],
): Promise<AcknowledgedEpoch> {
  const chain = certificates.length === 0 ? null : await checkChain(means, call, keyId, certificates);
  const found = chain?.links.find((one) => one.epoch.params.epoch === epoch)?.epoch;
  if (found === undefined || chain?.base?.isOwn !== true)
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
