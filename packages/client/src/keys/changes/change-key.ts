import { CkmError, equalBytes, StateError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import type { Gathered } from '../../servers/gathered.js';
import { abandonSession } from '../../sessions/run-session.js';
import { sessionOnRecord } from '../../sessions/sessions.js';
import { shortId } from '../../store/track.js';
import { changesOf, type CheckedEpoch } from '../chain/key-chain.js';
import { type Forgetting, forgettingOf } from '../forgetting.js';
import { assureHeads } from '../heads/assure-head.js';
import { type CertifiedKey, certifyRecord, type KeyRecord, requireSignable } from '../key-record.js';
import { loadKeyRecord, type ReadKey } from '../keys.js';
import { caughtUp } from './catch-up.js';
import { nobodyTold } from './change-errors.js';
import {
  changeIdOf,
  type ChangeRecord,
  changePath,
  listChangesOf,
  openChangeOf,
  parseChangeRecord,
  saveChange,
} from '../chain/change-record.js';
import {
  type ChangeMember,
  type ChangeRun,
  createChangeRun,
  faultsIn,
  oldMembers,
  saveChangeRun,
} from './change-run.js';
import { adoptDecided, compareWithRecord, findDecided } from './decided.js';
import { type CancelledOrder, cancelAt } from './open-orders.js';
import { endSessionAt } from './move-shares.js';
import { certificateFor } from './order-everywhere.js';
import { type ChangePlan, type ChangeWish, meansSame, planChange } from './plan-change.js';
import { resharing } from './resharing.js';
import { retireBehind } from './retire-behind.js';
import { commitEverywhere, keepIfHeld, retireEverywhere } from './settle.js';

export interface ChangeKeyArgs {
  readonly name: string;
  readonly wish: ChangeWish;
  /**
   * What was shown to whoever decided: other servers or quorums than that are not ordered. Left out: what the wish means where the key is by then,
   * also behind another certificate than the one on record before.
   */
  readonly plan?: ChangePlan;
}

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
  /** Whether other servers hold it than before: what was printed of it names the old ones. */
  readonly isElsewhere: boolean;
  /** How many of those must have destroyed their old share, backups of it included, before what is left of them is no quorum. */
  readonly forgettingNeeded: number;
  /** What servers did at the end of it that no honest one does; for people. */
  readonly faults: readonly { readonly code: string; readonly text: string }[];
}

/**
 * Changes who holds a key, or gives the same servers new shares. The public key stays. Until the new epoch is decided the key
 * signs as before.
 * @throws as `planChange` and {@link carryChange}; StateError `CHANGE_OPEN` when another change of the key goes on, `CHANGE_PLAN_DIFFERS` where the
 * wish means something else by now than the plan that was shown
 */
export async function changeKey(
  context: ClientContext,
  readKey: ReadKey,
  { name, wish, plan: shown }: ChangeKeyArgs,
  on: OnProgress,
): Promise<ChangedKey> {
  let key = requireSignable(await readKey(name));
  if (await assureHeads(context, key)) key = requireSignable(await caughtUp(context, key));
  const decided = await decidedNow(context, key);
  if (decided !== null) {
    const isIt = await isWished(context, key, wish, decided);
    const done = await carryChange(context, decided, on);
    if (isIt) return done;
    key = requireSignable(await readKey(name));
  }
  const plan = await planChange(context, key, wish);
  if (shown !== undefined && !meansSame(shown, plan)) throw planDiffers(name, plan);
  await finishDecided(context, plan, on);
  for (const { xid } of [...plan.next, ...plan.leaving]) await context.identityFor(xid);
  const record = await context.store.exclusive('key-names', () => beginChange(context, key, plan));
  return carryChange(context, record, on);
}

/** The change of the epoch in use that is decided, and whose next epoch too few servers have stored until now: it comes first; null: none is. */
async function decidedNow({ store }: ClientContext, key: CertifiedKey): Promise<ChangeRecord | null> {
  const { epoch } = key.newest.params;
  const isIt = ({ state, certificate, order }: ChangeRecord) =>
    state === 'open' && certificate !== null && order.epoch === epoch;
  return (await listChangesOf(store, key.keyId)).find(isIt) ?? null;
}

/** Whether that change is what is wished, from where the key is. */
async function isWished(
  context: ClientContext,
  key: CertifiedKey,
  wish: ChangeWish,
  change: ChangeRecord,
): Promise<boolean> {
  if (isSameRefresh(wish.kind, change, context.clock())) return true;
  try {
    return changePath((await planChange(context, key, wish)).order) === changePath(change.order);
  } catch (error) {
    // What cannot be ordered now may be once the key has gone on.
    if (error instanceof CkmError && error.errorClass !== 'BugError') return false;
    throw error;
  }
}

/**
 * Goes on with changes of earlier epochs, which are decided, by whomever, before another one begins: servers that were away are needed now anyhow, and until all of
 * them are in an epoch nobody destroys the shares before it. What does not come to its end stays open, and is gone on with again.
 */
async function finishDecided(
  context: ClientContext,
  { kind, order, next, joining, leaving }: ChangePlan,
  on: OnProgress,
): Promise<void> {
  const { store, clock } = context;
  const members = [...next, ...leaving].map(({ name }) => name).filter((name) => !joining.includes(name));
  const isBefore = (one: ChangeRecord) =>
    one.state === 'open' && one.order.epoch < order.epoch && !isSameRefresh(kind, one, clock());
  for (const one of (await listChangesOf(store, order.keyId)).filter(isBefore)) {
    try {
      const { forgetting, behind } = await carryChange(context, one, on);
      const silent = silentAbout({ forgetting });
      // Whoever has left the key since and says nothing would be waited for with every change.
      const waited = [...silent, ...behind];
      const isLeft = !waited.some((name) => members.includes(name));
      if (waited.length > 0 && isLeft) await finish(store, one);
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    }
  }
}

/** Asked for again a moment later it is the same refresh, whose end somebody kept waiting. @param now UnixSeconds */
function isSameRefresh(
  kind: ChangePlan['kind'],
  { certificate, createdAt }: ChangeRecord,
  now: number,
): boolean {
  return kind === 'refresh' && certificate !== null && now < createdAt + DAY;
}

async function finish(store: ClientContext['store'], { order }: ChangeRecord): Promise<void> {
  const stored = await store.get(changePath(order));
  if (stored === null) return;
  await saveChange(store, { ...parseChangeRecord(changePath(order), stored), state: 'finished' });
}

/** The record of a change: of the one that goes on already, where it is the same. */
async function beginChange(
  { store, clock }: ClientContext,
  key: CertifiedKey,
  { kind, order, next, leaving }: ChangePlan,
): Promise<ChangeRecord> {
  const { name } = key.record;
  const path = changePath(order);
  const other = await openChangeOf(store, key.keyId);
  if (other !== null && changePath(other.order) !== path) {
    if (other.certificate === null && other.order.epoch === order.epoch) throw changeOpen(other);
    if (isSameRefresh(kind, other, clock())) return other;
    // Overtaken by another one. A decided one stays open until all have said that they forgot.
    if (other.certificate === null) await saveChange(store, { ...other, state: 'finished' });
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
    heard: [],
    entered: [],
    poorDealers: [],
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
  const ordered = await createChangeRun(context, record, on);
  const certificate = record.certificate ?? (await certificateFor(ordered));
  const run = await adoptDecided(ordered, certificate);
  await compareWithRecord(run, certificate);
  const committed = await commitEverywhere(run, certificate);
  // What is certified is what was ordered.
  const isEverywhere = run.record.acknowledgements.length === run.record.order.quorum.of;
  const retired = isEverywhere ? await retireEverywhere(run) : null;
  const faults = [committed, retired].flatMap((gathered) => (gathered === null ? [] : faultsIn(gathered)));
  const isAsOrdered = equalBytes(run.orderHash, ordered.orderHash);
  const changed = { ...(await changedKey(run, committed, faults)), isAsOrdered };
  const isForgotten = changed.forgetting.every(({ outcome }) => outcome === 'forgot' || outcome === 'keeps');
  // One that joined, and has acknowledged and not gone over, would be told by nobody.
  const isDone = isForgotten && changed.behind.length === 0;
  if (isDone) await saveChangeRun(run, { state: 'finished' });
  const isNewest = changesOf(changed.key).length === changed.epoch;
  if (isEverywhere && isNewest) await retireBehind(context, certifyRecord(changed.key), silentAbout(changed));
  return changed;
}

function silentAbout({ forgetting }: Pick<ChangedKey, 'forgetting'>): readonly string[] {
  return forgetting.filter(({ outcome }) => outcome === 'silent').map(({ server }) => server);
}

async function changedKey(
  run: ChangeRun,
  committed: Gathered<ChangeMember, void>,
  faults: readonly CkmError[],
): Promise<Omit<ChangedKey, 'isAsOrdered'>> {
  const key = await loadKeyRecord(run.context.store, run.record.keyName);
  const { epoch } = run.record.order;
  return {
    kind: 'change',
    key,
    epoch: epoch + 1,
    faults: faults.map(({ code, message }) => ({ code, text: message })),
    behind: [...committed.failures.keys()].flatMap((one) => (one.newSlot === null ? [] : [one.server.name])),
    isElsewhere: !haveSameServers(run.before.params.roster, run.record.order.roster),
    forgettingNeeded: run.before.params.quorum.of - run.before.params.quorum.needed + 1,
    forgetting: forgettingOf(
      key,
      epoch,
      oldMembers(run).map(({ server }) => server),
    ),
  };
}

type Members = readonly { readonly serverId: Uint8Array }[];

function haveSameServers(one: Members, other: Members): boolean {
  return (
    one.length === other.length && one.every((a) => other.some((b) => equalBytes(a.serverId, b.serverId)))
  );
}

/** What became of a change that was taken back. */
export interface CancelledChange extends CancelledOrder {
  readonly change: ChangeRecord;
}

/**
 * Takes a change back at every server that can be reached. Once old members have locked something, that may come all the same.
 * @throws StateError `SESSION_OVER` when the new epoch is decided; AvailabilityError `SERVERS_MISSING` when nobody was told: it goes on
 */
export async function cancelChange(
  context: ClientContext,
  record: ChangeRecord,
  reason: string,
): Promise<CancelledChange> {
  const path = changePath(record.order);
  const stored = await context.store.get(path);
  const now = stored === null ? record : parseChangeRecord(path, stored);
  if (now.certificate !== null) throw tooLate(record);
  const run = await createChangeRun(context, now, () => undefined);
  await assertUndecided(run);
  const { keyId, epoch } = now.order;
  const servers = run.members.map(({ server }) => server);
  const told = await cancelAt(context, servers, { keyId, epoch, orderHash: run.orderHash });
  if (told.at.length === 0 && told.decided.length === 0) throw nobodyTold(run, told.silent);
  if (told.decided.length > 0) await assertUndecided(run);
  await endSession(run, reason);
  await saveChangeRun(run, { state: 'cancelled', reason });
  return { ...told, change: run.record };
}

/**
 * Looks before a change is given up: what old members have decided on meanwhile is put on record, also where another client of the
 * owner has ordered it.
 * @throws StateError `SESSION_OVER` where it is this very change
 */
async function assertUndecided(run: ChangeRun): Promise<void> {
  const certificate = await findDecided(run, run.members);
  if (certificate === null) return;
  await keepIfHeld(run, certificate);
  const decided = await adoptDecided(run, certificate);
  if (equalBytes(decided.orderHash, run.orderHash)) throw tooLate(run.record);
}

/** Gives the session up that moves shares for a change, if it is on record and goes on. */
async function endSession(run: ChangeRun, reason: string): Promise<void> {
  const {
    context,
    record: { sessionId },
  } = run;
  const session = sessionId === null ? null : await sessionOnRecord(context.store, sessionId);
  // Servers that have not been asked for their locks since have it open still.
  if (session?.state === 'finished') return endSessionAt(run, run.members);
  if (session?.state !== 'open') return;
  await abandonSession(context, resharing, session, { reason, named: null });
}

function changeOpen(change: ChangeRecord): StateError {
  const id = shortId(changeIdOf(change));
  return new StateError(`another change of key ${change.keyName} goes on`, {
    code: 'CHANGE_OPEN',
    hint: `cancel it (session ${id}), or go on with it`,
    remedy: { kind: 'resumeSession', id },
    retryable: false,
  });
}

/** Somebody said yes to something else. */
function planDiffers(name: string, { next, order: { quorum } }: ChangePlan): StateError {
  const servers = next.map((server) => server.name);
  const now = `${quorum.needed} of ${quorum.of}: ${servers.join(', ')}`;
  return new StateError(`other servers hold ${name} than when this was planned: it would be ${now} by now`, {
    code: 'CHANGE_PLAN_DIFFERS',
    hint: 'nothing was ordered: look who holds it now, and order the change anew if it is still what you want',
    remedy: { kind: 'showKey', key: name },
    facts: { servers },
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
