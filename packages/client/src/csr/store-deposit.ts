import { equalBytes, reveal, type Secret } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { accountOfWords } from '../owner/device-secrets.js';
import { causeOf } from '../servers/causes.js';
import { chooseServers, chooseTwoMore, placeOf, reachAll } from './choose-servers.js';
import {
  alreadyStored,
  begunElsewhere,
  depositUnknown,
  keepsAnother,
  notStoredYet,
  wordsOfOwner,
} from './csr-errors.js';
import type { DepositPlace, KeptKind } from './deposit-envelope.js';
import {
  type DepositRecord,
  isStored,
  listDepositRecords,
  readDepositRecord,
  saveDepositRecord,
} from './deposit-record.js';
import { type DepositSecret, depositId, depositSet } from './deposit-secret.js';
import { lookAtShares } from './look-at-shares.js';
import type { ShareServer } from './share-server.js';
import { assertKept, splitKept, THREE_OF_FIVE, TWO_OF_THREE } from './split-secret.js';
import { type StoredAt, storeShares } from './store-shares.js';

/** What is to be shared out, and under which secret. The caller wipes both. */
export interface StoreDepositArgs {
  /** 32 bytes, drawn for this alone and written down. */
  readonly secret: DepositSecret;
  /** 16 to 32 bytes. */
  readonly kept: Secret<Uint8Array>;
  readonly kind: KeptKind;
  /** Names of three servers, or of five; default: the three that were pinned first. */
  readonly servers?: readonly string[];
  /** Codes that let one in, by the name of the server. */
  readonly invites?: ReadonlyMap<string, string>;
}

export interface PlanDepositArgs extends Pick<StoreDepositArgs, 'servers' | 'kind'> {
  /** Whether they are to lie beside those that are stored, whose words are lost. */
  readonly isAnew: boolean;
}

/** Where shares go. */
export interface DepositView {
  readonly needed: number;
  readonly places: readonly DepositPlace[];
}

/** Shares, as far as they are stored. */
export interface StoredDeposit extends DepositView {
  readonly servers: readonly StoredAt[];
}

/**
 * Where shares would go. Nobody is asked.
 * @throws UsageError `DEPOSIT_SERVERS`, `SERVER_UNKNOWN`; StateError `DEPOSIT_EXISTS`, unless they are to lie beside those that are stored
 */
export async function planDeposit(
  context: ClientContext,
  { servers, kind, isAnew }: PlanDepositArgs,
): Promise<DepositView> {
  const chosen = await chooseServers(context, servers);
  const before = kind === 'owner' && !isAnew ? await ownersDeposit(context) : null;
  if (before !== null) throw alreadyStored(before.places.map(({ name }) => name));
  return viewOf(chosen.map(placeOf));
}

async function ownersDeposit({ store }: ClientContext): Promise<DepositRecord | null> {
  const records = await listDepositRecords(store);
  return records.find((one) => one.kind === 'owner' && !one.isLeaving && isStored(one)) ?? null;
}

export function viewOf(places: readonly DepositPlace[]): DepositView {
  const { needed } = places.length === TWO_OF_THREE.of ? TWO_OF_THREE : THREE_OF_FIVE;
  return { needed, places };
}

/**
 * Shares a secret out among servers, or goes on with that: what was begun under the same secret goes to the servers that it began with.
 * @throws UsageError `DEPOSIT_SERVERS`, `DEPOSIT_SECRET_LENGTH`, `DEPOSIT_WORDS_OWNER`, `DEPOSIT_TOO_LONG`; StateError `DEPOSIT_OTHER`,
 * `DEPOSIT_BEGUN`
 */
export async function storeDeposit(context: ClientContext, args: StoreDepositArgs): Promise<StoredDeposit> {
  return carryOn(context, args, await begin(context, args, null));
}

/** @param replaces the id of the shares whose place these take */
export async function begin(
  context: ClientContext,
  { secret, kept, kind, servers }: StoreDepositArgs,
  replaces: Uint8Array | null,
): Promise<DepositRecord> {
  assertKept(kept);
  await assertNotOwners(context, secret, kept);
  const id = depositId(secret);
  const set = depositSet(secret, kept);
  const before = await readDepositRecord(context.store, id);
  if (before !== null) {
    if (!equalBytes(before.set, set)) throw keepsAnother();
    if (servers !== undefined) await assertBegunAt(context, before, servers);
    return before;
  }
  const chosen = await chooseServers(context, servers);
  const places = (await placesThere(context, secret, set, chosen)) ?? chosen.map(placeOf);
  const record = { id, set, kind, at: context.clock(), places, held: 0, isLeaving: false, replaces };
  await saveDepositRecord(context.store, record);
  return record;
}

/** @throws StateError `DEPOSIT_BEGUN` where others are named than those that it began with */
async function assertBegunAt(
  context: ClientContext,
  { places }: DepositRecord,
  names: readonly string[],
): Promise<void> {
  const chosen = await chooseServers(context, names);
  const isThere = ({ xid }: ShareServer) => places.some((one) => equalBytes(one.xid, xid));
  if (chosen.length !== places.length || !chosen.every(isThere))
    throw begunElsewhere(places.map(({ name }) => name));
}

/** Where a set was begun that nothing is on record of. Null: nowhere that answers. @throws StateError `DEPOSIT_OTHER` */
async function placesThere(
  context: ClientContext,
  secret: DepositSecret,
  set: Uint8Array,
  servers: readonly ShareServer[],
): Promise<readonly DepositPlace[] | null> {
  const shown = await Promise.all(servers.map((server) => lookAtShares(context, secret, server)));
  const found = shown.flatMap(({ deposits }) => deposits);
  if (found.some((one) => !equalBytes(one.set, set))) throw keepsAnother();
  return found.toSorted((a, b) => b.places.length - a.places.length)[0]?.places ?? null;
}

/** Has the servers of a record that have no share yet keep theirs. */
export async function carryOn(
  context: ClientContext,
  { secret, kept, invites }: Pick<StoreDepositArgs, 'secret' | 'kept' | 'invites'>,
  record: DepositRecord,
): Promise<StoredDeposit> {
  const { set, at, kind, places, held } = record;
  const { servers, lost } = await reachAll(context, places.slice(held));
  const takers = servers.map((server) => ({ server, invite: invites?.get(server.name) ?? null }));
  const split = splitKept(secret, kept);
  const stored = await storeShares(context, { secret, split, facts: { set, at, kind, places } }, takers);
  const silent = lost.map(({ place, error }): StoredAt => ({
    server: place.name,
    outcome: 'silent',
    text: causeOf(error),
    error,
  }));
  if (silent.length === 0 && stored.every(isThere))
    await saveDepositRecord(context.store, { ...record, held: places.length });
  return { ...viewOf(places), servers: [...stored, ...silent] };
}

export function isThere({ outcome }: StoredAt): boolean {
  return outcome === 'stored' || outcome === 'there';
}

/** @throws UsageError `DEPOSIT_WORDS_OWNER` */
export async function assertNotOwners(
  context: ClientContext,
  secret: DepositSecret,
  kept: Secret<Uint8Array> | null,
): Promise<void> {
  const why = 'telling the words of shares from those of the owner';
  const isWords = (other: Secret<Uint8Array> | null) =>
    other !== null && equalBytes(reveal(other, why), reveal(secret, why));
  const { words, device } = await context.owner();
  // The accounts of a device are named after keys of the words.
  const isDevices = device?.accounts.some(({ server, account }) =>
    equalBytes(accountOfWords(secret, server), account),
  );
  if (isWords(words) || isWords(kept) || isDevices === true) throw wordsOfOwner();
}

/** What is needed to give two more servers a share. The caller wipes both secrets. */
export interface UpgradeDepositArgs extends Pick<StoreDepositArgs, 'secret' | 'kept' | 'invites'> {
  /** Names of the two; default: those that were pinned first of the others. */
  readonly servers?: readonly string[];
}

/** Which two servers would get a share. Nobody is asked. @throws as {@link upgradeDeposit} */
export async function planUpgrade(
  context: ClientContext,
  { secret, servers }: Pick<UpgradeDepositArgs, 'secret' | 'servers'>,
): Promise<DepositView> {
  return viewOf((await upgraded(context, secret, servers)).places);
}

/**
 * Gives two more servers a share, so that any three of the five are enough. Those that have theirs are not asked.
 * @throws StateError `DEPOSIT_UNKNOWN`, `DEPOSIT_OTHER`, `DEPOSIT_UNFINISHED`; UsageError `DEPOSIT_SERVERS`
 */
export async function upgradeDeposit(
  context: ClientContext,
  args: UpgradeDepositArgs,
): Promise<StoredDeposit> {
  const record = await upgraded(context, args.secret, args.servers);
  if (!equalBytes(record.set, depositSet(args.secret, args.kept))) throw keepsAnother();
  await saveDepositRecord(context.store, record);
  return carryOn(context, args, record);
}

async function upgraded(
  context: ClientContext,
  secret: DepositSecret,
  names: readonly string[] | undefined,
): Promise<DepositRecord> {
  const record = await readDepositRecord(context.store, depositId(secret));
  if (record === null) throw depositUnknown();
  if (record.places.length === THREE_OF_FIVE.of) return record;
  if (!isStored(record)) throw notStoredYet();
  const more = await chooseTwoMore(context, record.places, names);
  return { ...record, places: [...record.places, ...more.map(placeOf)] };
}
