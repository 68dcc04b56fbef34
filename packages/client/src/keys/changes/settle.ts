import type { KeyTerms } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { type CertifiedEpoch, verifyChange, judgeVotes, parseChangeCertificate } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import { isSilence } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Gathered } from '../../servers/gathered.js';
import { listServerRecords } from '../../servers/servers.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import { gatherAcknowledgements, isHeld } from '../gather-acknowledgements.js';
import { certificatesOf, changesOf, extendChain } from '../chain/key-chain.js';
import type { KeyRecord, ShareReceiptRecord } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { unrecordedMember } from '../roster.js';
import { membersMissing } from './change-errors.js';
import { termsMissing, termsNamed } from '../terms/terms-of-epochs.js';
import {
  type ChangeMember,
  type ChangeRun,
  gatherFrom,
  newMembers,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { readReceipt, withReceipts } from './receipts.js';

/** The epoch that a certificate of this change proves. @throws as `verifyChange` */
export function epochOf(run: ChangeRun, certificate: Uint8Array): CertifiedEpoch {
  const { checkedChanges } = run.context;
  return verifyChange(run.before, parseChangeCertificate(certificate), judgeVotes, checkedChanges);
}

/** The terms that the next epoch names. @throws StateError `TERMS_NOT_ON_RECORD` */
async function termsIn(run: ChangeRun, certificate: Uint8Array): Promise<KeyTerms> {
  const known = await loadKeyRecord(run.context.store, run.record.keyName);
  const next = epochOf(run, certificate);
  if (next.termsVersion === run.before.termsVersion) return known.policy;
  const terms = await termsNamed(run.context, known, next);
  if (terms === null) throw termsMissing(run.record.keyName, next.termsVersion);
  return terms;
}

/** Puts the next epoch on record; a record that has it already stays. @throws UsageError `KEY_UNKNOWN` */
async function keepEpoch(run: ChangeRun, certificate: Uint8Array): Promise<void> {
  const { store } = run.context;
  const { epoch } = run.before.params;
  const policy = await termsIn(run, certificate);
  await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, run.record.keyName);
    if (changesOf(record).length > epoch) return;
    const chain = extendChain(record, [certificate], run.context.checkedChanges);
    const changedAt = run.context.clock();
    await saveKeyRecord(store, { ...record, ...chain, policy, acknowledged: [], changedAt });
  });
}

/**
 * Brings the servers of both epochs to the next one, in two steps. First those of the next one are shown its certificate, and promise that
 * they stored it and have their shares; the epoch before stays in use. When as many have as its quorum needs, it is on record here as the
 * newest, and all are shown those promises: then they go over, and those that leave go.
 * @throws AvailabilityError `SERVERS_MISSING` when too few have their shares: nothing has changed for the key then
 */
export async function commitEverywhere(
  run: ChangeRun,
  certificate: Uint8Array,
): Promise<Gathered<ChangeMember, void>> {
  const next = epochOf(run, certificate);
  const isKept = await isOnRecord(run);
  const promised = new Map(run.record.acknowledgements.map((one) => [one.slot, one]));
  // Before anybody goes over, a promise of yesterday is asked for again: its share may have been lost since.
  const asked = newMembers(run).filter(({ newSlot }) => !isKept || !promised.has(newSlot!));
  const stored = await commitAmong(run, { next, certificate, asked, promised, shown: [] });
  await saveChangeRun(run, { acknowledgements: inOrder(promised) });
  if (!isHeld(next, inOrder(promised))) throw membersMissing(run, stored.failures, 'the new epoch');
  await keepEpoch(run, certificate);
  const isSilent = (member: ChangeMember) => {
    const failure = stored.failures.get(member);
    return failure !== undefined && isSilence(failure);
  };
  const others = run.members.filter((member) => !hasEntered(run, member) && !isSilent(member));
  const entered = await commitAmong(run, {
    next,
    certificate,
    asked: others,
    promised,
    shown: inOrder(promised),
  });
  const acknowledgements = inOrder(promised);
  await saveChangeRun(run, { acknowledgements });
  const isNewest = (record: KeyRecord) => changesOf(record).length === run.before.params.epoch + 1;
  await noteInRecord(run, (record) =>
    isNewest(record) ? { ...record, acknowledged: acknowledgements.map(({ slot }) => slot) } : record,
  );
  const missed = [...stored.failures].filter(([member]) => isSilent(member));
  return { answers: entered.answers, failures: new Map([...missed, ...entered.failures]) };
}

type Promised = ChangeRun['record']['acknowledgements'][number];

interface Committing {
  readonly next: CertifiedEpoch;
  readonly certificate: Uint8Array;
  readonly asked: readonly ChangeMember[];
  /** By slots; what is said here is put into it, or taken out. */
  readonly promised: Map<number, Promised>;
  /** What members are shown; none: they only store. */
  readonly shown: readonly Promised[];
}

async function commitAmong(
  run: ChangeRun,
  { next, certificate, asked, promised, shown }: Committing,
): Promise<Gathered<ChangeMember, void>> {
  const { keyId } = next.params;
  const entered: Uint8Array[] = [];
  const gathered = await gatherFrom(
    run,
    shown.length === 0 ? 'store' : 'enter',
    asked,
    asked.length,
    async (member, link) => {
      const answer = await commitAt(run, link, certificate, shown);
      const { transcriptHash, acknowledgement, isEntered } = answer;
      if (!equalBytes(transcriptHash, next.transcriptHash)) {
        throw serverFault(
          'FAULT_CERTIFICATE_DIFFERS',
          [member],
          'went over to another epoch than everybody else',
        );
      }
      if (isEntered) entered.push(member.server.xid);
      if (member.newSlot === null) return;
      if (acknowledgement === null)
        throw serverFault(
          'FAULT_ACKNOWLEDGEMENT_INVALID',
          [member],
          'did not sign that it stored the certificate',
        );
      const asNew = { slot: member.newSlot, server: member.server };
      checkAcknowledgement(next, asNew, { keyId, transcriptHash, acknowledgement });
      promised.set(member.newSlot, { slot: member.newSlot, signature: acknowledgement });
    },
  );
  for (const [{ newSlot }, { code }] of gathered.failures)
    if (newSlot !== null && code === 'CHANGE_SHARE_LOST') promised.delete(newSlot);
  if (entered.length > 0) await saveChangeRun(run, { entered: [...run.record.entered, ...entered] });
  return gathered;
}

function inOrder(promised: ReadonlyMap<number, Promised>): readonly Promised[] {
  return [...promised.values()].toSorted((a, b) => a.slot - b.slot);
}

function hasEntered({ record: { entered } }: ChangeRun, { server }: ChangeMember): boolean {
  return entered.some((xid) => equalBytes(xid, server.xid));
}

/** Whether this client has gone over itself: it does when enough servers have promised. */
async function isOnRecord({ context, record, before }: ChangeRun): Promise<boolean> {
  const key = await loadKeyRecord(context.store, record.keyName);
  return changesOf(key).length > before.params.epoch;
}

/** Puts the next epoch on record where as many of its servers hold their shares as its quorum needs. */
export async function keepIfHeld(run: ChangeRun, certificate: Uint8Array): Promise<void> {
  const newest = epochOf(run, certificate);
  const key = await loadKeyRecord(run.context.store, run.record.keyName);
  const certificates = [...certificatesOf(key).slice(0, newest.params.epoch), certificate];
  const recorded = await listServerRecords(run.context.store);
  const members = newest.params.roster.map((entry) => ({
    slot: entry.slot,
    server: recorded.find(({ xid }) => equalBytes(xid, entry.serverId)) ?? unrecordedMember(entry),
  }));
  const said = await gatherAcknowledgements(run.context, { newest, certificates }, members);
  if (isHeld(newest, said)) await keepEpoch(run, certificate);
}

async function commitAt(
  run: ChangeRun,
  link: ServerLink,
  certificate: Uint8Array,
  shown: readonly Promised[],
) {
  const { keyId } = run.record.order;
  const acknowledgements = shown.map((one) => ({ ...one }));
  const commit = () => link.call('change.commit', { keyId, certificate, acknowledgements });
  try {
    return await commit();
  } catch (error) {
    const behind =
      error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS' ? error.facts['epoch'] : null;
    if (typeof behind !== 'number' || behind >= run.before.params.epoch) throw error;
    const all = certificatesOf(await loadKeyRecord(run.context.store, run.record.keyName));
    for (const between of all.slice(behind + 1, run.before.params.epoch + 1))
      await link.call('change.commit', { keyId, certificate: between });
    return commit();
  }
}

/**
 * Tells every old server to destroy its share of the old epoch, once the whole next roster has promised that it stored the
 * certificate, and keeps what each signs about it.
 */
export async function retireEverywhere(run: ChangeRun): Promise<Gathered<ChangeMember, ShareReceiptRecord>> {
  const { keyId, epoch } = run.record.order;
  const acknowledgements = run.record.acknowledgements.map((one) => ({ ...one }));
  const gathered = await gatherFrom(
    run,
    'retire',
    oldMembers(run),
    oldMembers(run).length,
    async (member, link) => {
      const retire = () => link.call('change.retire', { keyId, epoch, acknowledgements });
      const said = await retire().catch(async (error: unknown) => {
        if (!(error instanceof CkmError) || error.code !== 'EPOCH_IN_USE') throw error;
        // It went over, and was put back to before that since.
        await commitAt(run, link, run.record.certificate!, acknowledgements);
        return retire();
      });
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
