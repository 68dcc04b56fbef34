import { CkmError, equalBytes } from '@ckm/foundation';
import { type CertifiedEpoch, verifyChange, judgeVotes, parseChangeCertificate } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import { serverFault } from '../../servers/faults.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import { certificatesOf, changesOf, extendChain } from '../chain/key-chain.js';
import type { KeyRecord, ShareReceiptRecord } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { type ChangeRun, type Gathered, gatherFrom, oldMembers, saveChangeRun } from './change-run.js';
import { readReceipt, withReceipts } from './receipts.js';

/** The epoch that a certificate of this change proves. @throws as `verifyChange` */
export function epochOf(run: ChangeRun, certificate: Uint8Array): CertifiedEpoch {
  return verifyChange(run.before, parseChangeCertificate(certificate), judgeVotes);
}

/** Puts the next epoch on record; a record that has it already stays. @throws UsageError `KEY_UNKNOWN` */
export async function keepEpoch(run: ChangeRun, certificate: Uint8Array): Promise<void> {
  const { store } = run.context;
  const { epoch } = run.before.params;
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, run.record.keyName);
    if (changesOf(record).length > epoch) return;
    const chain = extendChain(record, certificate);
    await saveKeyRecord(store, { ...record, ...chain, acknowledged: [], changedAt: run.context.clock() });
  });
}

/**
 * Shows the certificate of the next epoch to every server of both epochs, and collects the promises of the new ones that they stored
 * it. One that was away for several epochs is shown those between first.
 */
export async function commitEverywhere(run: ChangeRun, certificate: Uint8Array): Promise<Gathered<void>> {
  const next = epochOf(run, certificate);
  const { keyId } = next.params;
  const done = new Map(run.record.acknowledgements.map((one) => [one.slot, one]));
  const asked = run.members.filter(({ newSlot }) => newSlot === null || !done.has(newSlot));
  const gathered = await gatherFrom(
    run,
    { step: 'commit', text: 'going over to the new epoch' },
    asked,
    asked.length,
    async (member, link) => {
      const answer = await commitAt(run, link, certificate);
      const { transcriptHash, acknowledgement } = answer;
      if (!equalBytes(transcriptHash, next.transcriptHash)) {
        throw serverFault(
          'FAULT_CERTIFICATE_DIFFERS',
          [member],
          'went over to another epoch than everybody else',
        );
      }
      if (member.newSlot === null) return;
      if (acknowledgement === null)
        throw serverFault(
          'FAULT_ACKNOWLEDGEMENT_INVALID',
          [member],
          'did not sign that it stored the certificate',
        );
      const asNew = { slot: member.newSlot, server: member.server };
      checkAcknowledgement(next, asNew, { keyId, transcriptHash, acknowledgement });
      done.set(member.newSlot, { slot: member.newSlot, signature: acknowledgement });
    },
  );
  const acknowledgements = [...done.values()].toSorted((a, b) => a.slot - b.slot);
  await saveChangeRun(run, { acknowledgements });
  const isNewest = (record: KeyRecord) => changesOf(record).length === run.before.params.epoch + 1;
  await noteInRecord(run, (record) =>
    isNewest(record) ? { ...record, acknowledged: acknowledgements.map(({ slot }) => slot) } : record,
  );
  return gathered;
}

async function commitAt(run: ChangeRun, link: ServerLink, certificate: Uint8Array) {
  const { keyId } = run.record.order;
  try {
    return await link.call('change.commit', { keyId, certificate });
  } catch (error) {
    const behind =
      error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS' ? error.facts['epoch'] : null;
    if (typeof behind !== 'number' || behind >= run.before.params.epoch) throw error;
    const all = certificatesOf(await loadKeyRecord(run.context.store, run.record.keyName));
    for (const between of all.slice(behind + 1, run.before.params.epoch + 1))
      await link.call('change.commit', { keyId, certificate: between });
    return link.call('change.commit', { keyId, certificate });
  }
}

/**
 * Tells every old server to destroy its share of the old epoch, once the whole next roster has promised that it stored the
 * certificate, and keeps what each signs about it.
 */
export async function retireEverywhere(run: ChangeRun): Promise<Gathered<ShareReceiptRecord>> {
  const { keyId, epoch } = run.record.order;
  const acknowledgements = run.record.acknowledgements.map((one) => ({ ...one }));
  const gathered = await gatherFrom(
    run,
    { step: 'retire', text: 'telling servers to forget their old shares' },
    oldMembers(run),
    oldMembers(run).length,
    async (member, link) => {
      const said = await link.call('change.retire', { keyId, epoch, acknowledgements });
      const { params, transcriptHash } = run.before;
      const entry = params.roster[member.oldSlot! - 1]!;
      return readReceipt({ keyId, epoch, transcriptHash, entry }, member, said);
    },
  );
  await noteInRecord(run, (record) => withReceipts(record, [...gathered.answers.values()]));
  return gathered;
}

/** The record of the key as it is called now, if it is still there. */
async function noteInRecord(run: ChangeRun, change: (record: KeyRecord) => KeyRecord): Promise<void> {
  const { store } = run.context;
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, run.record.keyName);
    if (changesOf(record).length > run.before.params.epoch) await saveKeyRecord(store, change(record));
  });
}
