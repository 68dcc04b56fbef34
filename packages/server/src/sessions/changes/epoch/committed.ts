import type { Result } from '@ckm/api';
import { StorageError } from '@ckm/foundation';
import { type ChangeCertificate, parseChangeCertificate } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { KeyRow, Reader } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { openHead } from '../../keys/stored/key-head.js';
import { isShareHere } from '../../keys/stored/read-key.js';
import { acknowledge } from '../chain/acknowledged.js';
import { type DecidingScope, ownEntry } from '../deciding.js';
import { isSameChange } from '../forks/fork.js';

/** What a server answers to a certificate by which it goes on. */
export type Committed = Result<'change.commit'>;

/**
 * What was answered before, where this server is in that epoch or a later one; `other`: it is there by another certificate.
 * @throws StateError `CHANGE_SHARE_LOST` where it is in that epoch, and its share of it does not open any more
 */
export async function readDone(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
  certificate: ChangeCertificate,
): Promise<Committed | 'other' | null> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) return null;
  const head = openHead(context, row);
  if (Math.max(row.epoch, head.left?.epoch ?? 0) <= epoch) return null;
  const stored = await readPublicEpoch(context, reader, row, epoch + 1);
  if (!isSameChange(parseChangeCertificate(stored.certificate), certificate)) return 'other';
  const { next } = certificate.change;
  const own = ownEntry(context, next);
  const transcriptHash =
    head.left?.epoch === epoch + 1
      ? head.left.transcriptHash
      : row.epoch === epoch + 1
        ? head.certified!.transcriptHash
        : await hashAfter(context, reader, row, epoch + 2);
  if (own !== null && row.epoch === epoch + 1) await assertHere(context, reader, row);
  const acknowledgement = own === null ? null : acknowledge(context, { params: next, transcriptHash }, own);
  return { transcriptHash, acknowledgement, epoch: epoch + 1, isEntered: true };
}

/** On an acknowledgement others destroy what they hold of the epoch before: it is given for a share that is there. */
async function assertHere(context: ServerContext, reader: Reader, row: KeyRow): Promise<void> {
  let isHere = false;
  try {
    isHere = await isShareHere(context, reader, row);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  const lost =
    'the share that this server had of that epoch does not open any more, or is not the certified one';
  if (!isHere) throw refusal('CHANGE_SHARE_LOST', lost);
}

/** What the epoch before one is named, as that one has it certified. */
async function hashAfter(
  context: ServerContext,
  reader: Reader,
  key: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
  epoch: number,
): Promise<Uint8Array> {
  const { certificate } = await readPublicEpoch(context, reader, key, epoch);
  return parseChangeCertificate(certificate).change.next.previous;
}
