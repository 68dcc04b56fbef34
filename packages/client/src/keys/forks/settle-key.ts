import { type Result, type SettlementView, verifyIdentityStatement } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { hashSettlement, recoveryAckStatement } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { isSilence } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { endEverywhere, type SettledKey } from './end-fork.js';
import { type Fork, type ForkChoice, provedBy, readFork, whoSignedTwice } from './read-fork.js';
import {
  choiceUnknown,
  notForked,
  notHeld,
  settlementOpen,
  settlersMissing,
  settlingOver,
  settlingWaits,
} from './settle-errors.js';
import { readSettlement, saveSettlement, type SettlementRecord } from './settlement-record.js';
import {
  askEach,
  type Asked,
  createSettleRun,
  saveSettleRun,
  type SettleMember,
  type SettleRun,
  settling,
} from './settle-run.js';
import { assertSettled, voteOnFork } from './settle-votes.js';

export interface SettleKeyArgs {
  readonly name: string;
  /** First digits of what the certificate that is to count is called. Default: the one on record here, or what goes on already. */
  readonly counts?: string;
}

export interface SettlementPlan {
  readonly fork: Fork;
  /** Which one is to count. */
  readonly counts: ForkChoice;
  /** Whether that was ordered from here before, and goes on. */
  readonly goesOn: boolean;
  /** 32 bytes: names the order. Its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
}

/**
 * What settling would settle. Servers are asked what they have seen; nothing is ordered or written.
 * @throws StateError `KEY_NOT_FORKED`, `CHANGE_OPEN`; UsageError `FORK_CHOICE_UNKNOWN`
 */
export async function planSettlement(
  context: ClientContext,
  key: CertifiedKey,
  { counts }: Pick<SettleKeyArgs, 'counts'>,
): Promise<SettlementPlan> {
  const record = await openRecord(context, key);
  const fork = await readFork(context, key, record?.certificates);
  if (fork === null) throw notForked(key.record.name);
  const known =
    record?.epoch === fork.epoch
      ? fork.choices.find((one) => isMadeBy(fork, one, record.certificates[0]!))
      : undefined;
  const wanted = counts?.toLowerCase();
  const named = wanted === undefined ? undefined : fork.choices.filter(({ id }) => id.startsWith(wanted));
  if (named !== undefined && (named.length !== 1 || wanted!.length < 4))
    throw choiceUnknown(
      key.record.name,
      counts!,
      fork.choices.map(({ id }) => id),
    );
  const chosen = named?.[0] ?? known ?? fork.choices[0]!;
  if (known !== undefined && chosen !== known) throw settlementOpen(key.record.name);
  const { keyId, epoch, before } = fork;
  const others = fork.choices.filter((one) => one !== chosen).map((one) => one.transcriptHash);
  const deciding = { keyId, epoch, transcriptHash: before.transcriptHash };
  const orderHash = hashSettlement(deciding, chosen.transcriptHash, others);
  return { fork, counts: chosen, goesOn: known !== undefined, orderHash };
}

async function openRecord(context: ClientContext, key: CertifiedKey): Promise<SettlementRecord | null> {
  const record = await readSettlement(context.store, key.keyId);
  return record?.state === 'open' ? record : null;
}

/** Signatures can be made again: one epoch has many certificates. */
function isMadeBy({ before }: Fork, { transcriptHash }: ForkChoice, certificate: Uint8Array): boolean {
  return provedBy(before, certificate).some(({ name }) => equalBytes(name, transcriptHash));
}

/**
 * Has the servers of the epoch before settle which of several certificates of one epoch counts, tells all servers, and puts it on record; or goes
 * on with that from wherever it is.
 * @throws as {@link planSettlement}; PolicyError `CHANGE_WAITING`, `CHANGE_OVER`; AvailabilityError `SERVERS_MISSING`; StateError
 * `SETTLEMENT_NOT_HELD`, `CHANGE_VOTES_TOO_FEW`
 */
export async function settleKey(
  context: ClientContext,
  readKey: ReadKey,
  { name, counts }: SettleKeyArgs,
  on: OnProgress,
): Promise<SettledKey> {
  const key = await readKey(name);
  const record = (await settledOnRecord(context, key)) ?? (await begin(context, key, counts));
  const run = await createSettleRun(context, key, record, on);
  if (run.record.votes === null) await settle(run);
  const counted = await createSettleRun(context, key, run.record, on);
  const [ordered, now] = [run, counted].map(({ epochs }) => epochs[0]!.transcriptHash);
  return endEverywhere(counted, { isAsOrdered: equalBytes(ordered!, now!) });
}

/** What was settled, and not every server was told. */
async function settledOnRecord(context: ClientContext, key: CertifiedKey): Promise<SettlementRecord | null> {
  const record = await openRecord(context, key);
  return record === null || record.votes === null ? null : record;
}

async function begin(
  context: ClientContext,
  key: CertifiedKey,
  counts: string | undefined,
): Promise<SettlementRecord> {
  const plan = await planSettlement(context, key, counts === undefined ? {} : { counts });
  const known = await openRecord(context, key);
  if (plan.goesOn && known !== null) return known;
  const { fork, counts: chosen } = plan;
  const others = fork.choices.filter((one) => one !== chosen);
  const record: SettlementRecord = {
    state: 'open',
    createdAt: context.clock(),
    keyId: key.keyId,
    epoch: fork.epoch,
    certificates: [chosen, ...others].map(({ certificate }) => certificate),
    attempt: 0,
    votes: null,
    told: [],
  };
  await saveSettlement(context.store, record);
  return record;
}

/** Orders it, as far as its votes, or finds out what was settled. */
async function settle(run: SettleRun): Promise<void> {
  const concerned = run.members.filter(({ oldSlot, newSlot }) => oldSlot !== null || newSlot !== null);
  const first = await order(run, concerned, []);
  if (await adoptProof(run, first)) return;
  const acknowledgements = readinessIn(run, first);
  assertHeld(run, first, acknowledgements);
  const second = await order(run, settling(run), acknowledgements);
  if (await adoptProof(run, second)) return;
  await assertReady(run, second);
  await voteOnFork(run, second.answers);
}

type Readiness = readonly { readonly slot: number; readonly signature: Uint8Array }[];

function order(
  run: SettleRun,
  members: readonly SettleMember[],
  acknowledgements: Readiness,
): Promise<Asked<SettlementView>> {
  const text = 'telling servers which certificate is to count';
  return askEach(run, { step: 'order', text }, members, (_, link) =>
    orderAt(run, link, run.record.certificates, acknowledgements),
  );
}

function orderAt(
  { record: { keyId, epoch } }: SettleRun,
  link: ServerLink,
  certificates: readonly Uint8Array[],
  acknowledgements: Readiness,
): Promise<Result<'fork.settle'>> {
  return link.call('fork.settle', {
    keyId,
    epoch,
    certificates: [...certificates],
    acknowledgements: [...acknowledgements],
  });
}

/** Takes over what servers have settled already, by whichever client it was carried. */
async function adoptProof(run: SettleRun, { answers, failures }: Asked<SettlementView>): Promise<boolean> {
  const proofs = [...answers.values()].flatMap(({ proof }) => (proof === null ? [] : [proof]));
  for (const [member, { code }] of failures) {
    if (code === 'CHANGE_SETTLED') proofs.push(...(await otherwiseAt(run, member)));
  }
  for (const { certificates, promises, yields } of proofs) {
    const votes = { promises, yields };
    if (!isSettledBy(run, certificates, votes)) continue;
    await saveSettleRun(run, { certificates, votes });
    return true;
  }
  return false;
}

/** What a server shows that has settled on another one. */
async function otherwiseAt(run: SettleRun, member: SettleMember) {
  const link = await run.context.linkTo(member.server);
  const { certificates } = run.record;
  for (const first of certificates.slice(1)) {
    try {
      const others = certificates.filter((one) => one !== first);
      const { proof } = await orderAt(run, link, [first, ...others], []);
      if (proof !== null) return [proof];
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    }
  }
  return [];
}

/** Whether these votes settle on the first of these certificates, each of which holds. */
function isSettledBy(
  { before }: SettleRun,
  certificates: readonly Uint8Array[],
  votes: { readonly promises: Uint8Array; readonly yields: Uint8Array },
): boolean {
  const proved = certificates.flatMap((bytes) => provedBy(before, bytes));
  if (proved.length < certificates.length) return false;
  try {
    const twice = whoSignedTwice(before, certificates);
    assertSettled({ before, twice }, votes, certificates, proved[0]!.name);
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return false;
    throw error;
  }
}

/** What servers of the epoch that is to count promise: that they have their shares of it, or can take them. */
function readinessIn(run: SettleRun, { answers }: Asked<SettlementView>): Readiness {
  const { params, transcriptHash } = run.epochs[0]!;
  const { keyId, epoch } = params;
  return [...answers].flatMap(([{ newSlot }, { acknowledgement }]) => {
    const entry = params.roster.find(({ slot }) => slot === newSlot);
    if (entry === undefined || acknowledgement === null) return [];
    const statement = recoveryAckStatement({ keyId, epoch, slot: entry.slot, transcriptHash });
    if (!verifyIdentityStatement(entry.identityKey, statement, acknowledgement)) return [];
    return [{ slot: entry.slot, signature: acknowledgement }];
  });
}

/** @throws AvailabilityError `SERVERS_MISSING` while somebody is silent; StateError `SETTLEMENT_NOT_HELD` */
function assertHeld(run: SettleRun, { failures }: Asked<SettlementView>, said: Readiness): void {
  const { quorum } = run.epochs[0]!.params;
  const isDoubted = ({ oldSlot }: SettleMember) =>
    run.twice.length < run.before.params.quorum.needed && oldSlot !== null && run.twice.includes(oldSlot);
  const those = run.members.filter((one) => one.newSlot !== null && !isDoubted(one));
  const ready = those.filter(({ newSlot }) => said.some(({ slot }) => slot === newSlot));
  if (ready.length >= quorum.needed) return;
  const without = those.filter((one) => !ready.includes(one));
  const silent = [...failures].filter(([member, error]) => without.includes(member) && isSilence(error));
  if (silent.length > 0) throw settlersMissing(run, new Map(silent), 'settling');
  throw notHeld(run, ready, without);
}

/** @throws AvailabilityError `SERVERS_MISSING`; PolicyError `CHANGE_OVER`, `CHANGE_WAITING` */
async function assertReady(run: SettleRun, { answers, failures }: Asked<SettlementView>): Promise<void> {
  const views = [...answers];
  const { needed } = run.settlers;
  if (views.filter(([, { state }]) => state === 'ready').length >= needed) return;
  const over = views.find(([, { state }]) => state === 'over');
  const left = views.filter(([, { state }]) => state !== 'over').length + failures.size;
  if (over !== undefined && left < needed) {
    await saveSettleRun(run, { state: 'cancelled' });
    throw settlingOver(run, over[0].server.name, over[1].reason);
  }
  const waiting = views.filter(([, { state }]) => state === 'waiting');
  if (waiting.length === 0) throw settlersMissing(run, failures, 'settling');
  const asking = waiting.flatMap(([{ server }, { asked }]) => (asked ? [server.name] : []));
  const times = waiting.flatMap(([, { readyAt }]) => (readyAt === null ? [] : [readyAt]));
  throw settlingWaits(run, asking, times.length === 0 ? null : Math.max(...times));
}
