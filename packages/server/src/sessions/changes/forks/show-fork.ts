import type { Parameters, Result, SettledProof } from '@ckm/api';
import { parseChangeCertificate } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { Reader } from '../../../storage/storage.js';
import { readPublicEpoch } from '../../keys/past-epochs.js';
import { openHead } from '../../keys/stored/key-head.js';
import { openChange } from '../change-record.js';
import type { DecidingScope } from '../deciding.js';
import { isSameChange } from './fork.js';
import { readForked } from './forked-key.js';

/**
 * The certificates that this server has seen of an epoch that is forked, or that it is asked to settle on; and, of the epoch that is named, what its
 * members have settled, as far as this server was told.
 * @throws AccessError `KEY_UNKNOWN`; as `readForked`; StorageError `ROW_TAMPERED`
 */
export async function showEvidence(
  context: ServerContext,
  call: Call,
  { keyId, epoch: asked }: Parameters<'fork.show'>,
): Promise<Result<'fork.show'>> {
  const owner = call.account.xid;
  return context.storage.read(async (reader) => {
    const row = await reader.keys.find(owner, keyId);
    if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
    const settled =
      asked === undefined ? null : await readSettled(context, reader, { owner, keyId, epoch: asked });
    if (settled !== null) return { epoch: null, certificates: [], settled };
    const { forked, awaits, counts } = openHead(context, row);
    // What is settled needs no evidence any more: it waits for the certificate that counts, or for its share.
    if (counts !== undefined) return { epoch: null, certificates: [] };
    const epoch = forked === undefined ? awaits?.epoch : forked - 1;
    if (epoch === undefined) return { epoch: null, certificates: [] };
    const { record, newest } = await readForked(context, reader, { owner, keyId, epoch });
    const isOn = newest > epoch;
    const kept = record.decided === null ? [] : [record.decided.certificate];
    const own = isOn ? [(await readPublicEpoch(context, reader, row, epoch + 1)).certificate] : kept;
    const seen = record.settling ?? record.settled;
    const known = seen?.certificates ?? (record.fork === null ? [] : [record.fork]);
    return { epoch, certificates: distinct([...own, ...known]) };
  });
}

/** Whoever asks checks the votes: nothing else here has to agree with them. @throws StorageError `ROW_TAMPERED` */
async function readSettled(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
): Promise<SettledProof | null> {
  const row = await reader.changes.find(owner, keyId, epoch);
  const settled = row === null ? null : openChange(context, row).settled;
  if (settled === null) return null;
  const { certificates, promises, yields } = settled;
  return { certificates: [...certificates], promises, yields };
}

function distinct(certificates: readonly Uint8Array[]): Uint8Array[] {
  const parsed = certificates.map(parseChangeCertificate);
  return certificates.filter((_, i) => parsed.findIndex((one) => isSameChange(one, parsed[i]!)) === i);
}
