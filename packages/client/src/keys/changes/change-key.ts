import { CkmError, type Secret, StateError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import { shortId } from '../../store/track.js';
import {
  changeIdOf,
  type ChangeRecord,
  changePath,
  listChangesOf,
  openChangeOf,
  parseChangeRecord,
  saveChange,
} from '../chain/change-record.js';
import type { CheckedEpoch } from '../chain/key-chain.js';
import { assureHeads } from '../heads/assure-head.js';
import { type CertifiedKey, requireSignable } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { bringUpToOrder } from '../terms/terms-of-epochs.js';
import { carryChange, type ChangedKey, silentAbout } from './carry-change.js';
import { caughtUp } from './catch-up.js';
import { type ChangePlan, type ChangeWish, meansSame, planChange } from './plan-change.js';

export interface ChangeKeyArgs {
  readonly name: string;
  readonly wish: ChangeWish;
  /**
   * What was shown to whoever decided: other servers or quorums than that are not ordered. Left out: what the wish means where the key is by then,
   * also behind another certificate than the one on record before.
   */
  readonly plan?: ChangePlan;
  /** Have a quorum of its servers decide, where fewer than decide are left: seven days at each, and no device may order it. */
  readonly byWords?: boolean;
  /** Those of the owner, where they do not lie here. */
  readonly words?: Secret<Uint8Array>;
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
  { name, wish, plan: shown, byWords = false, words }: ChangeKeyArgs,
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
  const plan = await planChange(context, key, wish, bringUpToOrder);
  if (shown !== undefined && !meansSame(shown, plan)) throw planDiffers(name, plan);
  await finishDecided(context, plan, on);
  for (const { xid } of [...plan.next, ...plan.leaving]) await context.identityFor(xid);
  const record = await context.store.exclusive('key-names', () => beginChange(context, key, plan, byWords));
  return carryChange(context, record, on, words ?? null);
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
  byWords: boolean,
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
  if (before?.state === 'open') return byWords && !before.byWords ? anewByWords(store, before) : before;
  const checked: CheckedEpoch = { first: key.transcriptHash, epoch: key.newest };
  const createdAt = clock();
  const record: ChangeRecord = {
    state: 'open',
    createdAt,
    expiresAt: createdAt + (byWords ? 2 : 1) * LIFETIME_SECONDS,
    reason: null,
    keyName: name,
    order,
    byWords,
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

/** The same order, which no server has taken in as one by the words yet. */
async function anewByWords(store: ClientContext['store'], record: ChangeRecord): Promise<ChangeRecord> {
  if (record.certificate !== null) return record;
  const anew = { ...record, byWords: true, heard: [] };
  await saveChange(store, anew);
  return anew;
}

const DAY = 86_400;
/** An order is valid for seven days behind a delay of as many; one by the words for twice as long, since whoever was put back counts anew. */
const LIFETIME_SECONDS = 14 * 86_400;

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
