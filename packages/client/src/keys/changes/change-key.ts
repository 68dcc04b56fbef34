import type { ChangeView, Parameters } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError } from '@ckm/foundation';
import { parseChangeCertificate } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { abandonSession } from '../../sessions/run-session.js';
import { isSilence } from '../../servers/ask-all.js';
import { findSession } from '../../sessions/sessions.js';
import { type CheckedEpoch, certificatesOf } from '../chain/key-chain.js';
import { type Forgetting, forgettingOf } from '../forgetting.js';
import { type CertifiedKey, type KeyRecord, requireSignable } from '../key-record.js';
import { loadKeyRecord, type ReadKey } from '../keys.js';
import { changeOver, changeWaiting, membersMissing } from './change-errors.js';
import {
  type ChangeRecord,
  changePath,
  openChangeOf,
  parseChangeRecord,
  saveChange,
} from '../chain/change-record.js';
import {
  type ChangeMember,
  type ChangeRun,
  createChangeRun,
  type Gathered,
  faultsIn,
  gatherFrom,
  isOfMember,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { decideChange } from './decide.js';
import { type ChangePlan, type ChangeWish, planChange } from './plan-change.js';
import { resharing } from './resharing.js';
import { commitEverywhere, epochOf, keepEpoch, retireEverywhere } from './settle.js';

export interface ChangedKey {
  readonly kind: 'change';
  readonly key: KeyRecord;
  /** The epoch that the key is in now. */
  readonly epoch: number;
  /** Whether it is what was ordered: members may have been bound to an earlier order. */
  readonly isAsOrdered: boolean;
  /** Servers of the new epoch that have not said that they went over to it; they will when they are shown its certificate. */
  readonly behind: readonly string[];
  readonly forgetting: readonly Forgetting[];
  /** What servers did at the end of it that no honest one does; for people. */
  readonly faults: readonly { readonly code: string; readonly text: string }[];
}

/**
 * Changes who holds a key, or gives the same servers new shares. The public key stays. Until the new epoch is decided the key
 * signs as before.
 * @throws as `planChange` and {@link carryChange}; StateError `CHANGE_OPEN` when another change of the key goes on
 */
export async function changeKey(
  context: ClientContext,
  readKey: ReadKey,
  { name, wish }: { readonly name: string; readonly wish: ChangeWish },
  on: OnProgress,
): Promise<ChangedKey> {
  const key = requireSignable(await readKey(name));
  const plan = await planChange(context, key, wish);
  for (const { xid } of [...plan.next, ...plan.leaving]) await context.identityFor(xid);
  const record = await context.store.exclusive('key-names', () => beginChange(context, key, plan));
  return carryChange(context, record, on);
}

/** The record of a change: of the one that goes on already, where it is the same. */
async function beginChange(
  { store, clock }: ClientContext,
  key: CertifiedKey,
  { kind, order, next, leaving }: ChangePlan,
): Promise<ChangeRecord> {
  const { name } = key.record;
  const path = changePath(order);
  const other = await openChangeOf(store, name);
  if (other !== null && changePath(other.order) !== path) {
    if (other.certificate === null && other.order.epoch === order.epoch) throw changeOpen(other);
    // Asked for again a moment later it is the same refresh, whose end somebody kept waiting.
    const isSame = kind === 'refresh' && other.certificate !== null && clock() < other.createdAt + DAY;
    if (isSame) return other;
    // It is decided, or overtaken: who has not said that it forgot then may say so no more.
    await saveChange(store, { ...other, state: 'finished' });
  }
  const stored = await store.get(path);
  const before = stored === null ? null : parseChangeRecord(path, stored);
  if (before?.state === 'open') return before;
  const checked: CheckedEpoch = { first: key.transcriptHash, epoch: key.newest };
  const createdAt = clock();
  const record: ChangeRecord = {
    state: 'open',
    createdAt,
    expiresAt: createdAt + LIFETIME_SECONDS,
    reason: null,
    keyName: name,
    order,
    checked,
    servers: [...next, ...leaving].map((server) => ({ name: server.name, xid: server.xid })),
    attempt: before?.attempt ?? 0,
    sessionId: null,
    signed: null,
    certificate: null,
    acknowledgements: [],
  };
  await saveChange(store, record);
  return record;
}

const DAY = 86_400;
/** An order is valid for seven days behind a delay of as many. */
const LIFETIME_SECONDS = 14 * 86_400;

/**
 * Goes on with a change from wherever it is: every step is stored before the next one begins, and every one may be repeated.
 * @throws AvailabilityError `SERVERS_MISSING`; PolicyError `CHANGE_WAITING`, `CHANGE_OVER`; StateError `CHANGE_VOTES_TOO_FEW`;
 * PeerFaultError
 */
export async function carryChange(
  context: ClientContext,
  record: ChangeRecord,
  on: OnProgress,
): Promise<ChangedKey> {
  const run = await createChangeRun(context, record, on);
  const certificate = run.record.certificate ?? (await certificateFor(run));
  await saveChangeRun(run, { certificate });
  await keepEpoch(run, certificate);
  const committed = await commitEverywhere(run, certificate);
  const isEverywhere = run.record.acknowledgements.length === epochOf(run, certificate).params.quorum.of;
  const retired = isEverywhere ? await retireEverywhere(run) : null;
  const faults = [committed, retired].flatMap((gathered) => (gathered === null ? [] : faultsIn(gathered)));
  const changed = await changedKey(run, certificate, committed, faults);
  const isDone = changed.forgetting.every(({ outcome }) => outcome !== 'silent');
  if (isDone) await saveChangeRun(run, { state: 'finished' });
  return changed;
}

/** Orders the change everywhere and has old members decide, or finds out what they have decided. */
async function certificateFor(run: ChangeRun): Promise<Uint8Array> {
  const { order, keyName } = run.record;
  const { policy, ...chain } = await loadKeyRecord(run.context.store, keyName);
  const certificates = certificatesOf(chain).slice(0, order.epoch + 1);
  const asked = run.members;
  const gathered = await gatherFrom(
    run,
    { step: 'order', text: 'telling servers what is to change' },
    asked,
    asked.length,
    // Whoever holds the key knows its chain.
    ({ oldSlot }, link) =>
      proposeAt(link, { order, chain: oldSlot === null ? certificates : [], policy }, certificates),
  );
  const ahead = await decidedBefore(run, gathered);
  if (ahead !== null) return ahead;
  await assertReady(run, gathered);
  return decideChange(run, gathered.answers);
}

/** Tells one server of the order; one that was away is shown the epochs between first. A lie about where it is costs one call for each. */
async function proposeAt(
  link: ServerLink,
  {
    chain,
    ...proposed
  }: Omit<Parameters<'change.propose'>, 'chain'> & { readonly chain: readonly Uint8Array[] },
  certificates: readonly Uint8Array[],
): Promise<ChangeView> {
  const propose = () => link.call('change.propose', { ...proposed, chain: [...chain] });
  try {
    return await propose();
  } catch (error) {
    const differs = error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS';
    const behind = differs ? error.facts['epoch'] : null;
    const { keyId, epoch } = proposed.order;
    if (typeof behind !== 'number' || behind < 0 || behind >= epoch) throw error;
    for (const certificate of certificates.slice(behind + 1))
      await link.call('change.commit', { keyId, certificate });
    return propose();
  }
}

/** The certificate of the next epoch, where a server shows that one stands already; null: none does. */
async function decidedBefore(run: ChangeRun, gathered: Gathered<ChangeView>): Promise<Uint8Array | null> {
  const { epoch } = run.record.order;
  const isAhead = (error: CkmError) =>
    error.code === 'KEY_EPOCH_DIFFERS' && Number(error.facts['epoch']) > epoch;
  const members = [
    ...[...gathered.answers].flatMap(([member, { state }]) => (state === 'done' ? [member] : [])),
    ...[...gathered.failures].flatMap(([member, error]) => (isAhead(error) ? [member] : [])),
  ];
  for (const member of members) {
    const certificate = await nextAt(run, member);
    // A certificate that does not hold proves nothing against anybody: the next server is asked.
    if (certificate !== null && provedBy(run, certificate)) return certificate;
  }
  return null;
}

/** What a server shows behind the epoch that decides; null: nothing, or it does not answer. */
async function nextAt(run: ChangeRun, member: ChangeMember): Promise<Uint8Array | null> {
  const { keyId, epoch } = run.record.order;
  try {
    const { certificates } = await run.links.get(member)!.call('key.chain', { keyId, after: epoch });
    return certificates[0] ?? null;
  } catch (error) {
    if (isSilence(error) || isOfMember(error, member)) return null;
    throw error;
  }
}

function provedBy(run: ChangeRun, certificate: Uint8Array): boolean {
  try {
    epochOf(run, certificate);
    return true;
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

/**
 * Everybody who is to receive a share has to be there, and enough of those who decide.
 * @throws PolicyError `CHANGE_OVER`, `CHANGE_WAITING`; AvailabilityError `SERVERS_MISSING`
 */
async function assertReady(run: ChangeRun, { answers, failures }: Gathered<ChangeView>): Promise<void> {
  const isNeeded = (member: ChangeMember) => member.newSlot !== null;
  const views = [...answers];
  const over = views.find(([member, { state }]) => state === 'over' && isNeeded(member));
  if (over !== undefined) {
    await saveChangeRun(run, { state: 'failed', reason: over[1].reason ?? `${over[0].server.name} refuses` });
    throw changeOver(run, over[0].server.name, over[1].reason);
  }
  const missing = new Map([...failures].filter(([member]) => isNeeded(member)));
  if (missing.size > 0) throw membersMissing(run, missing, 'the change');
  const ready = views.filter(([, { state }]) => state === 'ready');
  const deciding = ready.filter(([{ oldSlot }]) => oldSlot !== null).length;
  const areReady = views.every(([member, { state }]) => state === 'ready' || !isNeeded(member));
  if (areReady && deciding >= run.deciders.needed) return;
  // Of those that leave nobody is waited for where the others are enough to decide.
  const staying = oldMembers(run).filter(isNeeded).length;
  const counts = (member: ChangeMember) => isNeeded(member) || staying < run.deciders.needed;
  const waiting = views.filter(([member, { state }]) => state === 'waiting' && counts(member));
  if (waiting.length === 0) throw membersMissing(run, failures, 'the decision');
  const asking = waiting.flatMap(([member, { asked }]) => (asked ? [member.server.name] : []));
  const times = waiting.flatMap(([, { readyAt }]) => (readyAt === null ? [] : [readyAt]));
  throw changeWaiting(run, asking, times.length === 0 ? null : Math.max(...times));
}

async function changedKey(
  run: ChangeRun,
  certificate: Uint8Array,
  committed: Gathered<void>,
  faults: readonly CkmError[],
): Promise<ChangedKey> {
  const key = await loadKeyRecord(run.context.store, run.record.keyName);
  const { epoch } = run.record.order;
  return {
    kind: 'change',
    key,
    epoch: epoch + 1,
    isAsOrdered: equalBytes(parseChangeCertificate(certificate).change.order, run.orderHash),
    faults: faults.map(({ code, message }) => ({ code, text: message })),
    behind: [...committed.failures.keys()].map(({ server }) => server.name),
    forgetting: forgettingOf(
      key,
      epoch,
      oldMembers(run).map(({ server }) => server),
    ),
  };
}

/**
 * Takes a change back at every server that can be reached. Once old members have locked something, that may come all the same.
 * @throws StateError `SESSION_OVER` when the new epoch is decided
 */
export async function cancelChange(
  context: ClientContext,
  record: ChangeRecord,
  reason: string,
): Promise<ChangeRecord> {
  if (record.certificate !== null) throw tooLate(record);
  const run = await createChangeRun(context, record, () => undefined);
  const { keyId, epoch } = record.order;
  const { orderHash } = run;
  const calls = run.members.map((member) =>
    run.links.get(member)!.call('change.cancel', { keyId, epoch, orderHash }, { timeoutMs: 3_000 }),
  );
  await Promise.allSettled(calls);
  if (record.sessionId !== null) {
    const session = await findSession(context.store, encodeHex(record.sessionId));
    if (session.state === 'open') await abandonSession(context, resharing, session, { reason, named: null });
  }
  await saveChangeRun(run, { state: 'cancelled', reason });
  return run.record;
}

function changeOpen({ keyName }: ChangeRecord): StateError {
  return new StateError(`another change of key ${keyName} goes on`, {
    code: 'CHANGE_OPEN',
    hint: 'go on with it, or cancel it',
    remedy: { kind: 'resumeSession' },
    retryable: false,
  });
}

function tooLate({ keyName }: ChangeRecord): StateError {
  return new StateError(`the change of ${keyName} is decided and cannot be taken back`, {
    code: 'SESSION_OVER',
    hint: 'finish it',
    remedy: { kind: 'resumeSession' },
    retryable: false,
  });
}
