import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import type { GiveOut } from '../keys/change-key.js';
import { marksOf } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';
import { holdAgreed } from './asked-people.js';
import { readExportable } from './exported-key.js';

/**
 * Marks a key as exported, in the transaction of the step that gives the share out, and writes it down: what is not noted does not
 * leave.
 * @throws as `readExportable`, `holdAgreed`
 */
export async function storeExport(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  { epoch, transcriptHash, proof, heir }: GiveOut,
): Promise<void> {
  const row = await transaction.keys.hold(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  // Held by now: what another process did to the key since the yeses were looked at counts too.
  const { head } = await readExportable(context, transaction, owner, { keyId, epoch, transcriptHash });
  const { exportId, recipient } = proof;
  const asker = heir === undefined ? {} : { heir };
  const proposal = { kind: 'export', keyId, epoch, transcriptHash, exportId, recipient, ...asker } as const;
  await holdAgreed(context, transaction, owner, proposal);
  const exportedAt = head.exportedAt ?? context.clock();
  await noteMarks(context, transaction, row, { ...marksOf(head), exportedAt, exportProof: proof });
  const { suite, purpose, slot } = head;
  await context.audit.append(transaction, {
    deed: 'key.exported',
    who: owner,
    keyId,
    subject: null,
    sentence: `The share of this server of a key (${suite}) for ${purpose} was given out to ${heir === undefined ? 'its owner' : `${heir}, in the place of its silent owner`}.`,
    verdict: 'done',
    policy: '',
    detail: `slot ${slot}, epoch ${epoch}`,
  });
}
