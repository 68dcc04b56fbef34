import { type CkmError, equalBytes, wipe } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { causeOf } from '../servers/causes.js';
import { askEverybody, type NotReached, type Whereabouts } from './ask-everybody.js';
import { pinnedServers, reachAll } from './choose-servers.js';
import { neverHadShare, nothingKept, sameWords, shareDenied } from './csr-errors.js';
import { type DeletedAt, deleteShares } from './delete-shares.js';
import type { DepositPlace } from './deposit-envelope.js';
import {
  type DepositRecord,
  forgetDepositRecord,
  isStored,
  readDepositRecord,
  saveDepositRecord,
} from './deposit-record.js';
import { type DepositSecret, depositId } from './deposit-secret.js';
import { findShares, type FoundShares, type ShareAt, standingOfLost } from './find-shares.js';
import type { StoredAt } from './store-shares.js';
import type { ShownShares } from './look-at-shares.js';
import {
  begin,
  carryOn,
  isThere,
  type StoreDepositArgs,
  type StoredDeposit,
  viewOf,
} from './store-deposit.js';

interface KnownPlaces extends Whereabouts {
  /** Places on record that are not there, or are somebody else. */
  readonly lost: readonly NotReached[];
}

/** Where to look for what lies under a secret: where it is on record, else at every pinned server. */
async function whereabouts(context: ClientContext, record: DepositRecord | null): Promise<KnownPlaces> {
  const pinned = await pinnedServers(context);
  const { servers, lost } = await reachAll(context, record?.places ?? []);
  return { from: record === null ? pinned : servers, pinned, authority: null, lost };
}

/** Where to look for all that lies under a secret: at every pinned server, too, since another folder may have stored more than is on record in this one. */
async function everywhere(context: ClientContext, record: DepositRecord | null): Promise<KnownPlaces> {
  const { from, pinned, ...where } = await whereabouts(context, record);
  const more = pinned.filter(({ xid }) => !from.some((one) => equalBytes(one.xid, xid)));
  return { ...where, pinned, from: [...from, ...more] };
}

/** Shares that were looked for. */
export interface CheckedDeposit extends Omit<FoundShares, 'kept'> {
  /** Servers that are to have one and did not give it, whatever they did. */
  readonly missing: readonly ShareAt[];
}

/**
 * Looks whether the shares under a secret still bring back what they keep, and puts on record where they lie.
 * @throws as `findShares`
 */
export async function checkDeposit(context: ClientContext, secret: DepositSecret): Promise<CheckedDeposit> {
  const record = await readDepositRecord(context.store, depositId(secret));
  const where = await whereabouts(context, record);
  const { kept, ...found } = await findShares(context, secret, where);
  wipe(kept);
  if (record === null) await noteDeposit(context, secret, found);
  else await noteHeld(context, record, found);
  const servers = [...found.servers, ...where.lost.map(standingOfLost)];
  const missing = (record ?? found).places.flatMap(({ xid }) => {
    const at = servers.find((one) => equalBytes(one.xid, xid));
    return at === undefined || at.outcome === 'good' ? [] : [at];
  });
  return { ...found, missing };
}

/** A server that is to have its share and says that it has none, or gives another one, is stored at once more. */
async function noteHeld(
  { store }: ClientContext,
  record: DepositRecord,
  { set, servers }: Pick<FoundShares, 'set' | 'servers'>,
): Promise<void> {
  if (record.isLeaving || !equalBytes(record.set, set)) return;
  const isGood = ({ xid }: DepositPlace) =>
    servers.some((one) => one.outcome === 'good' && equalBytes(one.xid, xid));
  const without = firstWithout(record.places, servers, ['none', 'faulty']);
  const held = record.places.every(isGood) ? record.places.length : Math.min(record.held, without);
  if (held !== record.held) await saveDepositRecord(store, { ...record, held });
}

/** How many of the first places have nothing against them. */
function firstWithout(
  places: readonly DepositPlace[],
  servers: readonly ShareAt[],
  against: readonly ShareAt['outcome'][],
): number {
  const isAgainst = ({ xid }: DepositPlace) =>
    servers.some((one) => equalBytes(one.xid, xid) && against.includes(one.outcome));
  const first = places.findIndex(isAgainst);
  return first === -1 ? places.length : first;
}

/** Puts on record where shares lie that were found: who did not give his may have none. */
export async function noteDeposit(
  { store }: Pick<ClientContext, 'store'>,
  secret: DepositSecret,
  { set, kind, at, places, servers }: Pick<FoundShares, 'set' | 'kind' | 'at' | 'places' | 'servers'>,
): Promise<void> {
  const id = depositId(secret);
  const held = firstWithout(places, servers, ['none', 'faulty', 'silent']);
  const facts = { set, kind, at, places, held, isLeaving: false, replaces: null };
  await saveDepositRecord(store, { id, ...facts });
}

/** What is needed to put a new secret in the place of one. The caller wipes both. */
export interface RotateDepositArgs extends Pick<StoreDepositArgs, 'servers' | 'invites'> {
  readonly old: DepositSecret;
  readonly fresh: DepositSecret;
  /** As in {@link DeleteDepositArgs}: of those that have the old shares. */
  readonly gone?: readonly string[];
}

/** New shares, and what became of the old ones: empty as long as not every new one is stored. */
export interface RotatedDeposit extends StoredDeposit {
  readonly deleted: readonly DeletedAt[];
}

/**
 * Shares the same out anew, under another secret; when every server has its new share, the old ones are deleted. Killed anywhere, the same again goes on.
 * @throws UsageError `DEPOSIT_WORDS_SAME`; as `findShares`, `storeDeposit`
 */
export async function rotateDeposit(
  context: ClientContext,
  args: RotateDepositArgs,
): Promise<RotatedDeposit> {
  const { old, fresh } = args;
  if (equalBytes(depositId(old), depositId(fresh))) throw sameWords();
  const before = await readDepositRecord(context.store, depositId(fresh));
  const stored =
    before !== null && hasReplaced(before, old)
      ? { ...viewOf(before.places), servers: [] }
      : await storeAnew(context, args);
  const left = await readDepositRecord(context.store, depositId(old));
  if (left === null || !stored.servers.every(isThere)) return { ...stored, deleted: [] };
  // Where some of the old ones are gone already, they were given back before.
  const kept = left.isLeaving ? [] : await notGivenBack(context, fresh);
  if (kept.length > 0) return { ...stored, servers: kept, deleted: [] };
  return { ...stored, deleted: await deleteDeposit(context, { secret: old, gone: args.gone ?? [] }) };
}

/** Whether these were stored in the place of the old ones: any others keep something else, whatever was typed. */
function hasReplaced(fresh: DepositRecord, old: DepositSecret): boolean {
  return isStored(fresh) && fresh.replaces !== null && equalBytes(fresh.replaces, depositId(old));
}

/** Servers that say they have stored a share and do not give it: nothing is deleted as long as one does that, and it is stored there once more. */
async function notGivenBack(context: ClientContext, secret: DepositSecret): Promise<readonly StoredAt[]> {
  const record = (await readDepositRecord(context.store, depositId(secret)))!;
  const where = await whereabouts(context, record);
  const { shown, lost } = await askEverybody(context, secret, where);
  const isGiven = ({ deposits }: ShownShares) => deposits.some(({ set }) => equalBytes(set, record.set));
  const denying = shown.filter((one) => one.error === null && !isGiven(one));
  if (denying.length > 0) await saveDepositRecord(context.store, { ...record, held: 0 });
  return [
    ...denying.map(({ server: { name } }): StoredAt => {
      const error = shareDenied(name);
      return { server: name, outcome: 'refused', text: 'does not give its new share back', error };
    }),
    ...shown.flatMap(({ server: { name }, error }): readonly StoredAt[] =>
      error === null ? [] : [{ server: name, outcome: 'silent', text: causeOf(error), error }],
    ),
    ...[...where.lost, ...lost].map(({ place: { name }, error }): StoredAt => ({
      server: name,
      outcome: 'silent',
      text: causeOf(error),
      error,
    })),
  ];
}

async function storeAnew(
  context: ClientContext,
  { old, fresh, servers, invites }: RotateDepositArgs,
): Promise<StoredDeposit> {
  const id = depositId(old);
  const record = await readDepositRecord(context.store, id);
  const found = await findShares(context, old, await everywhere(context, record));
  try {
    // When some of the old ones are gone, it is still known where the others lie.
    if (record === null) await noteDeposit(context, old, found);
    const isBegun = (await readDepositRecord(context.store, depositId(fresh))) !== null;
    const names = servers ?? (isBegun ? undefined : await namesOf(context, found.places));
    const { kept, kind } = found;
    const args = {
      secret: fresh,
      kept,
      kind,
      ...(names === undefined ? {} : { servers: names }),
      ...(invites === undefined ? {} : { invites }),
    };
    return await carryOn(context, args, await begin(context, args, id));
  } finally {
    wipe(found.kept);
  }
}

/** What the servers at these places are called here; those that are not pinned are passed over. */
async function namesOf(context: ClientContext, places: readonly DepositPlace[]): Promise<readonly string[]> {
  const pinned = await pinnedServers(context);
  return places.flatMap(({ xid }) =>
    pinned.filter((one) => equalBytes(one.xid, xid)).map(({ name }) => name),
  );
}

/** What is to go. The caller wipes the secret. */
export interface DeleteDepositArgs {
  readonly secret: DepositSecret;
  /** Names of servers that are gone for good: where one of them does not answer it is waited for no longer. Whoever has what it kept has one share. */
  readonly gone?: readonly string[];
}

/**
 * Has every server that is known to keep something under a secret keep it no longer. When all of them have said so, nothing is on record of it.
 * @throws StateError `DEPOSIT_NOT_FOUND`; where nobody answers, why not; UsageError `SERVER_UNKNOWN` for one that is gone and never had a share
 */
export async function deleteDeposit(
  context: ClientContext,
  { secret, gone = [] }: DeleteDepositArgs,
): Promise<readonly DeletedAt[]> {
  const { store } = context;
  const id = depositId(secret);
  const record = await readDepositRecord(store, id);
  const where = await everywhere(context, record);
  const { shown, lost } = await askEverybody(context, secret, where);
  assertKnown(gone, [
    ...shown.map(({ server }) => server),
    ...(record?.places ?? []),
    ...lost.map(({ place }) => place),
  ]);
  const keeping = shown.filter((one) => isConcerned(one, record, shown));
  if (record === null && keeping.length === 0) throw nothingAt(shown);
  await noteLeaving(context, id, record, shown);
  const deleted = await deleteShares(
    context,
    secret,
    keeping.map(({ server }) => server),
  );
  const all = [...deleted, ...[...where.lost, ...lost].map(notDeletedAt)].map((one) => counted(one, gone));
  if (all.every(isGone)) await forgetDepositRecord(store, id);
  return all;
}

/** Puts on record, before anything is deleted, every server that is named in what is deleted: nobody names it afterwards. */
async function noteLeaving(
  { store }: ClientContext,
  id: Uint8Array,
  record: DepositRecord | null,
  shown: readonly ShownShares[],
): Promise<void> {
  const deposits = shown.flatMap((one) => one.deposits).toSorted((a, b) => b.at - a.at);
  const known = record ?? deposits[0];
  if (known === undefined) return;
  const named = [known, ...deposits].flatMap((one) => one.places);
  const isFirst = ({ xid }: DepositPlace, at: number) =>
    named.findIndex((one) => equalBytes(one.xid, xid)) === at;
  const places = named.filter(isFirst);
  const { set, kind, at } = known;
  const { held, replaces } = record ?? { held: places.length, replaces: null };
  const facts = { set, kind, at, held, replaces, isLeaving: true, places };
  await saveDepositRecord(store, { id, ...facts });
}

/** Whether a server keeps something, or is said to. */
function isConcerned(
  { server, deposits, faults }: ShownShares,
  record: DepositRecord | null,
  shown: readonly ShownShares[],
): boolean {
  const named = [record?.places ?? [], ...shown.flatMap((one) => one.deposits.map(({ places }) => places))];
  const isNamed = named.flat().some(({ xid }) => equalBytes(xid, server.xid));
  return isNamed || deposits.length + faults.length > 0;
}

function isGone({ outcome }: DeletedAt): boolean {
  return outcome === 'deleted' || outcome === 'none' || outcome === 'gone';
}

/** Only silence is counted as gone: who answers is told to delete, and says what it did. */
function counted(at: DeletedAt, gone: readonly string[]): DeletedAt {
  if (at.outcome !== 'silent' || !gone.includes(at.server)) return at;
  return { server: at.server, outcome: 'gone', text: '', error: null };
}

function assertKnown(gone: readonly string[], known: readonly { readonly name: string }[]): void {
  const stranger = gone.find((name) => !known.some((one) => one.name === name));
  if (stranger !== undefined) throw neverHadShare(stranger);
}

function notDeletedAt({ place, error }: NotReached): DeletedAt {
  return { server: place.name, outcome: 'silent', text: causeOf(error), error };
}

function nothingAt(shown: readonly ShownShares[]): CkmError {
  return nothingKept(shown.map(({ server, error }) => ({ name: server.name, error })));
}
