import { CkmError, equalBytes } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import { isSilence } from '../../servers/ask-all.js';
import { causeOf } from '../../servers/causes.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import { listChangesOf, saveChange } from '../chain/change-record.js';
import { certificatesOf, notedChain } from '../chain/key-chain.js';
import { nameOfEpoch } from '../chain/names-of-epochs.js';
import type { KeyRecord } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import type { SeenMember } from '../chain/seen-orders.js';
import { termsMissing, termsNamed } from '../terms/terms-of-epochs.js';
import { provedBy } from './read-fork.js';
import { askEach, countingIn, saveSettleRun, type SettleMember, type SettleRun } from './settle-run.js';

/** What came of settling which certificate counts. */
export interface SettledKey {
  readonly key: KeyRecord;
  /** The epoch that is not forked any more. */
  readonly epoch: number;
  /** 32 bytes: of the certificate that counts. */
  readonly transcriptHash: Uint8Array;
  /** Whether it is the one that was ordered: servers may have settled on another one before. */
  readonly isAsOrdered: boolean;
  /** Servers that were told, and took it in. */
  readonly told: readonly string[];
  /** Servers that had gone on by another certificate: what came of it is destroyed there. */
  readonly wentBack: readonly string[];
  /** Servers that can take no share of what counts: the others give it to them. */
  readonly lost: readonly string[];
  /** Servers that have not heard, and why. */
  readonly awaited: readonly { readonly server: string; readonly because: string }[];
  /** Whether all have heard who settle, or hold the key by what counts. Whoever signed twice, or joined by another one, keeps nobody waiting. */
  readonly isOver: boolean;
  /** Epochs of other forks of this key that are not settled as far as is known here. */
  readonly alsoForked: readonly number[];
  /** Who signed twice. */
  readonly twice: readonly SeenMember[];
}

/** Tells all servers of all rosters what was settled, has them go over to it, and goes over here. Said again, it goes on with those that were away. */
export async function endEverywhere(
  run: SettleRun,
  { isAsOrdered }: { readonly isAsOrdered: boolean },
): Promise<Omit<SettledKey, 'alsoForked'>> {
  const [counted] = run.epochs;
  const wentBack: string[] = [];
  const lost: string[] = [];
  const acknowledged: number[] = [];
  const ended = await askEach(run, 'end', run.members, async (member, link) => {
    const { server, newSlot } = member;
    const outcome = await tellAt(run, member, link);
    if (outcome === 'lost') lost.push(server.name);
    else if (outcome !== 'none') {
      if (outcome.wentOver) wentBack.push(server.name);
      if (newSlot !== null) acknowledged.push(newSlot);
    }
  });
  await saveSettleRun(run, { told: [...ended.answers.keys()].map(({ server }) => server.xid) });
  if (acknowledged.length >= counted!.params.quorum.needed) await keepCounted(run, acknowledged);
  const isOver = [...ended.failures.keys()].every((one) => !isNeeded(run, one));
  await saveSettleRun(run, { state: isOver ? 'finished' : 'open' });
  const { roster } = run.before.params;
  return {
    key: await loadKeyRecord(run.context.store, run.keyName),
    epoch: run.record.epoch + 1,
    transcriptHash: counted!.transcriptHash,
    isAsOrdered,
    told: [...ended.answers.keys()].map(({ server }) => server.name),
    wentBack: wentBack.toSorted(),
    lost: lost.toSorted(),
    awaited: [...ended.failures].map(([{ server }, error]) => ({
      server: server.name,
      because: causeOf(error),
    })),
    isOver,
    twice: run.twice.map((slot) => {
      const { serverId: xid } = roster[slot - 1]!;
      const known = run.members.find(({ server }) => equalBytes(server.xid, xid));
      return { name: known?.server.name ?? null, xid };
    }),
  };
}

function isNeeded({ twice }: SettleRun, { oldSlot, newSlot }: SettleMember): boolean {
  return oldSlot === null ? newSlot !== null : !twice.includes(oldSlot);
}

/** What came of telling one server. `lost`: it can take no share of what counts; `none`: it holds none by it. */
type Told = 'lost' | 'none' | { readonly wentOver: boolean };

/** Tells one server what was settled, and has it go over. @throws what it answers, or that it does not */
export async function tellAt(run: SettleRun, member: SettleMember, link: ServerLink): Promise<Told> {
  const { newSlot, oldSlot } = member;
  if (!(await endAt(run, link))) return 'none';
  if (newSlot === null && oldSlot === null) return 'none';
  return goOver(run, member, link);
}

/** @returns whether the server has anything of the key */
async function endAt(run: SettleRun, link: ServerLink): Promise<boolean> {
  const { keyId, epoch, votes } = run.record;
  const end = (certificates: readonly Uint8Array[]) =>
    link.call('fork.end', { keyId, epoch, certificates: [...certificates], ...votes! });
  const { certificates } = run.record;
  try {
    await end(certificates);
    return true;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (error.code === 'KEY_UNKNOWN') return false;
    if (error.code !== 'SETTLEMENT_INVALID') throw error;
    // It went on by yet another one.
    const own = (await link.call('key.chain', { keyId, after: epoch })).certificates[0];
    if (own === undefined || provedBy(run.before, own).length === 0) throw error;
    await end([...certificates.slice(0, 3), own]);
    return true;
  }
}

async function goOver(run: SettleRun, member: SettleMember, link: ServerLink): Promise<Told> {
  const { keyId } = run.record;
  const counted = run.epochs[0]!;
  const wasOn = await isOn(run, link);
  try {
    const { transcriptHash, acknowledgement } = await link.call('change.commit', {
      keyId,
      certificate: countingIn(run),
    });
    if (member.newSlot === null || acknowledgement === null) return { wentOver: !wasOn };
    const asNew = { slot: member.newSlot, server: member.server };
    checkAcknowledgement(counted, asNew, { keyId, transcriptHash, acknowledgement });
    return { wentOver: !wasOn };
  } catch (error) {
    if (!(error instanceof CkmError) || isSilence(error)) throw error;
    if (error.code === 'CHANGE_SHARE_LOST') return 'lost';
    if (member.newSlot === null || error.code === 'CHANGE_NOT_MEMBER') return 'none';
    throw error;
  }
}

/** Whether a server stands behind the certificate that counts already. */
async function isOn(run: SettleRun, link: ServerLink): Promise<boolean> {
  const { keyId, epoch } = run.record;
  const { certificates } = await link.call('key.chain', { keyId, after: epoch });
  const [first] = certificates;
  return (
    first !== undefined &&
    provedBy(run.before, first).some(({ name }) => equalBytes(name, run.epochs[0]!.transcriptHash))
  );
}

/**
 * The key goes on by what counts here too; a change that was decided behind another certificate is over.
 * @returns whether it went on by another one
 */
export async function keepCounted(run: SettleRun, acknowledged: readonly number[]): Promise<boolean> {
  const { store, clock } = run.context;
  const { epoch, keyId } = run.record;
  const counted = run.epochs[0]!;
  const isCounted = (certificate: Uint8Array | undefined) =>
    certificate !== undefined &&
    provedBy(run.before, certificate).some(({ name }) => equalBytes(name, counted.transcriptHash));
  const policy = await termsNamed(run.context, await loadKeyRecord(store, run.keyName), counted);
  if (policy === null) throw termsMissing(run.keyName, counted.termsVersion);
  const isNews = await store.exclusive('key-names', async () => {
    const record = await loadKeyRecord(store, run.keyName);
    const certificates = certificatesOf(record);
    if (isCounted(certificates[epoch + 1])) return false;
    const [certificate, ...changes] = [...certificates.slice(0, epoch + 1), countingIn(run)];
    const { changes: _changes, checked: _checked, proved: _proved, receipts = [], ...kept } = record;
    const standing = receipts.filter((one) => one.epoch <= epoch);
    await saveKeyRecord(store, {
      ...kept,
      ...notedChain({ certificate, changes }),
      policy,
      ...(standing.length === 0 ? {} : { receipts: standing }),
      acknowledged: acknowledged.toSorted((a, b) => a - b),
      changedAt: clock(),
    });
    return true;
  });
  const now = await loadKeyRecord(store, run.keyName);
  for (const change of await listChangesOf(store, keyId)) {
    const { epoch: deciding, transcriptHash } = change.order;
    const name = nameOfEpoch(now, deciding);
    const isBehind = deciding > epoch && (name === null || !equalBytes(name, transcriptHash));
    const isOther = deciding === epoch && !isCounted(change.certificate ?? undefined);
    if (change.state === 'open' && (isBehind || isOther)) {
      const reason = 'another certificate of that epoch counts';
      await saveChange(store, { ...change, state: 'cancelled', reason });
    }
  }
  return isNews;
}
