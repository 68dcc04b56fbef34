import type { ExportProof, Parameters, Result } from '@ckm/api';
import { type CertifiedEpoch, parseKeyParams, type PartyIndex, verifyExportYeses } from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import type { ChangeMeans } from '../changes/means.js';
import { holdRecalled } from '../changes/votes/forget-votes.js';
import { readPublicEpoch } from '../keys/past-epochs.js';
import { isExported, type KeyHead, marksOf, openHead } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';
import { readEpoch } from '../keys/stored/read-key.js';
import { YESES_MS } from './yeses-cost.js';

/**
 * Takes in that other servers of a key gave their shares out to its owner, as the yeses show that as many of them as the quorum needs have
 * signed: from then on it counts as exported here too, in the log before all. Said again, or of a key whose share left here, it changes nothing.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_EPOCH_DIFFERS`, `EXPORT_NOT_AGREED`; PolicyError
 * `KEY_NOT_EXPORTABLE`; EncodingError as `verifyExportYeses`
 */
export async function noteExported(
  { context, charge }: Pick<ChangeMeans, 'context' | 'charge'>,
  call: Call,
  { keyId, proof }: Parameters<'key.exported'>,
): Promise<Result<'key.exported'>> {
  charge(call.account, YESES_MS);
  const owner = call.account.xid;
  const isNew = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const row = await holdRecalled(context, transaction, { owner, keyId });
      if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
      const head = openHead(context, row);
      if (isExported(head)) return false;
      verifyProof(await exportedEpoch(context, transaction, row, head, proof.epoch), proof);
      await noteMarks(context, transaction, row, { ...marksOf(head), exportProof: proof });
      await context.audit.append(transaction, {
        deed: 'key.exported',
        who: owner,
        keyId,
        subject: null,
        sentence: `Shares of a key (${head.suite}) for ${head.purpose} were given out to its owner by its other servers.`,
        verdict: 'done',
        policy: '',
        detail: `epoch ${proof.epoch}, agreed to by slots ${proof.yeses.map(({ slot }) => slot).join(', ')}`,
      });
      return true;
    }),
  );
  if (isNew) context.events.exportedElsewhere();
  return {};
}

type ExportedEpoch = Pick<CertifiedEpoch, 'params' | 'transcriptHash'>;

function verifyProof(key: ExportedEpoch, proof: ExportProof): void {
  demand(key.params.flags.exportable, 'KEY_NOT_EXPORTABLE', 'this key was not made to be exported');
  const yeses = proof.yeses.map(({ slot, signature }) => ({ slot: slot as PartyIndex, signature }));
  verifyExportYeses(key, proof, yeses);
}

/** The epoch in use, or one that is over, as it is stored here. */
async function exportedEpoch(
  context: ServerContext,
  reader: Reader,
  row: KeyRow,
  head: KeyHead,
  epoch: number,
): Promise<ExportedEpoch> {
  const { certified } = head;
  if (certified === null) throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  demand(epoch <= row.epoch, 'KEY_EPOCH_DIFFERS', `this server is in epoch ${row.epoch} of the key`);
  if (epoch === row.epoch) {
    const { parameters } = await readEpoch(context, reader, row, head);
    return { params: parseKeyParams(parameters), transcriptHash: certified.transcriptHash };
  }
  const { parameters } = await readPublicEpoch(context, reader, row, epoch);
  const following = await readPublicEpoch(context, reader, row, epoch + 1);
  return {
    params: parseKeyParams(parameters),
    transcriptHash: parseKeyParams(following.parameters).previous,
  };
}
