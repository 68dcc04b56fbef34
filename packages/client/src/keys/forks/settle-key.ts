import { type Result, type SettledProof, type SettlementView, verifyIdentityStatement } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { readinessStatement } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { isSilence } from '../../servers/ask-all.js';
import type { Gathered } from '../../servers/gathered.js';
import { listServerRecords } from '../../servers/servers.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { assertCanSettle } from './able-settlers.js';
import { endEverywhere, type SettledKey } from './end-fork.js';
import { isMadeBy, standingRecords } from './order-forks.js';
import { nameOfOrder, planSettlement, type SettlementPlan, type SettlementWish } from './plan-settlement.js';
import { epochAt } from './read-fork.js';
import {
  choiceNeeded,
  notHeld,
  settlementOpen,
  settlersMissing,
  settlingOver,
  settlingWaits,
} from './settle-errors.js';
import { saveSettlement, type SettlementRecord } from './settlement-record.js';
import {
  askEach,
  createSettleRun,
  saveSettleRun,
  type SettleMember,
  type SettleRun,
  settling,
} from './settle-run.js';
import { isSettledBy, voteOnFork } from './settle-votes.js';
import { isDoubted, outcomeOf } from './shown-votes.js';

export interface SettleKeyArgs extends SettlementWish {
  /** What was shown to whoever decided: exactly that is ordered. Left out: what servers show now. */
  readonly plan?: SettlementPlan;
}

/**
 * Has the servers of the epoch before settle which of several certificates of one epoch counts, tells all servers, and puts it on record; or goes
 * on with that from wherever it is. Whoever has not heard of what was settled earlier is told first, and holds nothing up. Where too few could settle, nobody hears of
 * a first order: it would stop servers for nothing.
 * @throws as {@link planSettlement}; PolicyError `CHANGE_WAITING`, `CHANGE_OVER`; AvailabilityError `SERVERS_MISSING`; StateError
 * `SETTLEMENT_NOT_HELD`, `SETTLERS_FORGOT`, `CHANGE_VOTES_TOO_FEW`, `CHANGE_OPEN` where the plan is of a key that has gone on since
 */
export async function settleKey(
  context: ClientContext,
  readKey: ReadKey,
  { name, plan: shown, counts }: SettleKeyArgs,
  on: OnProgress,
): Promise<SettledKey> {
  const plan =
    shown ?? (await planSettlement(context, await readKey(name), counts === undefined ? {} : { counts }));
  if (!plan.isChosen) throw choiceNeeded(name, plan);
  const alsoForked = plan.others.map(({ epoch }) => epoch + 1);
  const servers = await listServerRecords(context.store);
  for (const record of await standingRecords(context, await readKey(name))) {
    const isPlanned = record.epoch === plan.fork.epoch;
    if (record.votes === null || (record.state !== 'open' && !isPlanned)) continue;
    const run = await createSettleRun(context, await readKey(name), record, on);
    if (isPlanned ? takesItsPlace(plan, record) : await isDoubted(context, servers, run.before, record))
      continue;
    if (isPlanned) await saveSettleRun(run, { insists: record.insists || plan.isContested });
    const isAsOrdered = isMadeBy(plan.fork, plan.counts, record.certificates[0]!);
    const told = await endEverywhere(run, { isAsOrdered });
    if (isPlanned) return { ...told, alsoForked };
  }
  const key = await readKey(name);
  const run = await createSettleRun(context, key, await begin(context, key, plan), on);
  await settle(run);
  const counted = await createSettleRun(context, key, run.record, on);
  const isAsOrdered = isMadeBy(plan.fork, plan.counts, counted.record.certificates[0]!);
  return { ...(await endEverywhere(counted, { isAsOrdered })), alsoForked };
}

/** Whether the owner has said that another one counts than that on record here, where votes settle both. */
function takesItsPlace(
  { isContested, fork, counts }: SettlementPlan,
  { certificates }: SettlementRecord,
): boolean {
  return isContested && !isMadeBy(fork, counts, certificates[0]!);
}

/** Orders what the plan says, and nothing that servers show later. @throws StateError `CHANGE_OPEN`; as `assertCanSettle` */
async function begin(
  context: ClientContext,
  key: CertifiedKey,
  plan: SettlementPlan,
): Promise<SettlementRecord> {
  const { fork, counts, orderHash } = plan;
  const { epoch, before, choices } = fork;
  const chain = certificatesOf(key.record);
  const isSame =
    epoch < chain.length && equalBytes(epochAt(chain, epoch).transcriptHash, before.transcriptHash);
  if (!isSame) throw settlementOpen(fork.key);
  const known = (await standingRecords(context, key)).find((one) => one.epoch === epoch);
  const insists = plan.isContested;
  if (known !== undefined && !takesItsPlace(plan, known)) {
    // Servers that were bound to another one put that in front: an order that began so goes on.
    const names = known.certificates.map((_, i) =>
      nameOfOrder(fork, [known.certificates[i]!, ...known.certificates.filter((_one, at) => at !== i)]),
    );
    if (names.some((one) => equalBytes(one, orderHash)))
      return { ...known, insists: known.insists || insists };
    throw settlementOpen(fork.key);
  }
  const others = choices.filter((one) => one !== counts);
  const record: SettlementRecord = {
    state: 'open',
    createdAt: context.clock(),
    keyId: key.keyId,
    epoch,
    certificates: [counts, ...others].map(({ certificate }) => certificate),
    attempt: 0,
    votes: null,
    told: [],
    insists,
  };
  // Whichever client gave an order that waits has stopped the key.
  if (fork.orders.length === 0)
    await assertCanSettle(await createSettleRun(context, key, record, () => undefined));
  await saveSettlement(context.store, record);
  return record;
}

/** Orders it, as far as its votes, or finds out what was settled. */
async function settle(run: SettleRun): Promise<void> {
  const concerned = run.members.filter(({ oldSlot, newSlot }) => oldSlot !== null || newSlot !== null);
  const first = await order(run, concerned, []);
  if (await adoptProof(run, first)) return;
  const acknowledgements = readinessIn(run, first);
  // What somebody has locked counts, whoever has a share of it by now: nothing else can be settled on any more.
  if (!isLocked(first)) await assertHeld(run, first, acknowledgements);
  const second = await order(run, settling(run), acknowledgements);
  if (await adoptProof(run, second)) return;
  await assertReady(run, second);
  await voteOnFork(run, second.answers);
}

/** What servers answer to the order. */
type Answers = Gathered<SettleMember, SettlementView>;

type Readiness = readonly { readonly slot: number; readonly signature: Uint8Array }[];

function order(
  run: SettleRun,
  members: readonly SettleMember[],
  acknowledgements: Readiness,
): Promise<Answers> {
  return askEach(run, 'order', members, (_, link) =>
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
async function adoptProof(run: SettleRun, { answers, failures }: Answers): Promise<boolean> {
  const proofs = [...answers.values()].flatMap(({ proof }) => (proof === null ? [] : [proof]));
  for (const [member, { code }] of failures) {
    if (code === 'CHANGE_SETTLED') proofs.push(...(await otherwiseAt(run, member)));
  }
  const proof = chosenOf(run, proofs);
  if (proof === null) return false;
  const { certificates, promises, yields } = proof;
  await saveSettleRun(run, { certificates, votes: { promises, yields } });
  return true;
}

/** Which of these is taken over: one for what was ordered before any other, and no other where they differ, or where the owner has said that it counts against them; null: none. */
function chosenOf(run: SettleRun, proofs: readonly SettledProof[]): SettledProof | null {
  const { before, epochs, record } = run;
  const holding = proofs.filter(({ certificates, ...votes }) => isSettledBy(run, certificates, votes));
  const outcomes = holding.map(({ certificates }) => outcomeOf(before, certificates));
  const ordered = encodeHex(epochs[0]!.transcriptHash);
  const isSure = new Set(outcomes).size === 1 && !record.insists;
  return holding[outcomes.indexOf(ordered)] ?? (isSure ? holding[0]! : null);
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

/** What servers of the epoch that is to count promise: that they have their shares of it, or can take them. */
function readinessIn(run: SettleRun, { answers }: Answers): Readiness {
  const { params, transcriptHash } = run.epochs[0]!;
  const { keyId, epoch } = params;
  return [...answers].flatMap(([{ newSlot }, { acknowledgement }]) => {
    const entry = params.roster.find(({ slot }) => slot === newSlot);
    if (entry === undefined || acknowledgement === null) return [];
    const statement = readinessStatement({ keyId, epoch, slot: entry.slot, transcriptHash });
    if (!verifyIdentityStatement(entry.identityKey, statement, acknowledgement)) return [];
    return [{ slot: entry.slot, signature: acknowledgement }];
  });
}

function isLocked({ answers }: Answers): boolean {
  return [...answers.values()].some(({ locked }) => locked !== null);
}

/** @throws AvailabilityError `SERVERS_MISSING` while somebody is silent; StateError `SETTLEMENT_NOT_HELD`: then another one may be chosen */
async function assertHeld(run: SettleRun, { failures }: Answers, said: Readiness): Promise<void> {
  const { quorum } = run.epochs[0]!.params;
  const isDoubted = ({ oldSlot }: SettleMember) =>
    run.twice.length < run.before.params.quorum.needed && oldSlot !== null && run.twice.includes(oldSlot);
  const those = run.members.filter((one) => one.newSlot !== null && !isDoubted(one));
  const ready = those.filter(({ newSlot }) => said.some(({ slot }) => slot === newSlot));
  if (ready.length >= quorum.needed) return;
  const without = those.filter((one) => !ready.includes(one));
  const silent = [...failures].filter(([member, error]) => without.includes(member) && isSilence(error));
  if (silent.length > 0) throw settlersMissing(run, new Map(silent), 'settling');
  await saveSettleRun(run, { state: 'cancelled' });
  throw notHeld(run, ready, without);
}

/** @throws AvailabilityError `SERVERS_MISSING`; PolicyError `CHANGE_OVER`, `CHANGE_WAITING` */
async function assertReady(run: SettleRun, { answers, failures }: Answers): Promise<void> {
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
