import type { KeyHeadStatement, WindowAsked, WindowCount } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { type KeyParams, parseKeyParams, type RosterEntry } from '@ckm/threshold';
import type { Counting, CountsToSay, ServerContext } from '../../context.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { readPublicEpoch } from './past-epochs.js';
import { type KeyHead, readEpoch, storedFrom } from './stored-key.js';

type Context = Pick<ServerContext, 'vault' | 'clock' | 'config' | 'policy'>;

/** A key, as it is stored. */
interface Stored {
  readonly row: KeyRow;
  readonly head: KeyHead;
}

/** What a server needs to hear before it knows how often a key was used lately. */
export interface CountsAsked {
  readonly windows: readonly WindowAsked[];
  /** Of some epochs; that of its own first, unless it joined. */
  readonly rosters: readonly KeyParams[];
}

/** What is to be counted of a key for another server that asks how often it was used here, and what that is told then. */
export async function countsFor(
  { policy, config, clock }: Context,
  reader: Reader,
  { row: { owner, keyId }, head }: Stored,
  windows: readonly WindowAsked[],
): Promise<CountsToSay> {
  if (head.asks !== undefined) return knowsNone(windows);
  const { tightened, counting = null } = head;
  const asked = { windows, keptSeconds: config.limits.keepRequestsSeconds, now: clock() };
  return policy.countsFor(reader, head.policy, { owner, keyId, tightened, counting }, asked);
}

function knowsNone(windows: readonly WindowAsked[]): CountsToSay {
  return {
    starts: [],
    say: () => Promise.resolve(windows.map((one): WindowCount => ({ ...one, count: null }))),
  };
}

/** What this server has to hear of a key; null: nothing. @throws StorageError `ROW_TAMPERED` */
export async function countsAsked(
  context: Context,
  reader: Reader,
  { row, head }: Stored,
): Promise<CountsAsked | null> {
  const { owner, keyId } = row;
  const { tightened, counting } = head;
  if (counting === undefined) return null;
  const key = { owner, keyId, tightened, counting };
  const windows = await context.policy.unknownWindows(reader, head.policy, key, context.clock());
  if (windows.length === 0) return null;
  const own = parseKeyParams((await readEpoch(context, reader, row, head)).parameters);
  const longest = Math.max(...windows.map(({ within }) => within));
  return { windows, rosters: await rostersAsked(context, reader, { row, head }, own, longest) };
}

/**
 * Whether what others say, or have said, of a key counts in some window of it. Whoever says too much is believed, since nobody could know better.
 * @throws StorageError `ROW_TAMPERED`
 */
export async function goesByOthers(
  { policy, clock }: Context,
  reader: Reader,
  { row: { owner, keyId }, head: { policy: owned, tightened, counting } }: Stored,
): Promise<boolean> {
  if (counting === undefined) return false;
  const key = { owner, keyId, tightened, counting: { ...counting, told: [] } };
  return (await policy.unknownWindows(reader, owned, key, clock())).length > 0;
}

/** So many epochs are looked at for one that had other members. */
const MOST_LOOKED_BACK = 64;

/**
 * Whose members know of all that was signed with the key. A server that joined asks those of the epoch before it did: whatever they signed,
 * n − t + 1 of them have counted, in sum. One that lost its memory asks those of its own, and also those of the last epoch that had other members,
 * where that was in use within the window: there it may have been another's successor. A refresh in between changes neither.
 */
async function rostersAsked(
  context: Context,
  reader: Reader,
  { row, head: { counting, since } }: Stored,
  own: KeyParams,
  longest: number,
): Promise<readonly KeyParams[]> {
  const paramsOf = async (epoch: number) =>
    parseKeyParams((await readPublicEpoch(context, reader, row, epoch)).parameters);
  const { joined } = counting!;
  if (joined !== undefined) return [await paramsOf(joined - 1)];
  let entered = since;
  for (let { epoch } = row; epoch > Math.max(0, row.epoch - MOST_LOOKED_BACK); epoch--) {
    if (entered === undefined || context.clock() - entered >= longest) break;
    const before = await paramsOf(epoch - 1);
    if (!hasSameMembers(own, before)) return [own, before];
    entered = (await storedFrom(context, reader, { ...row, epoch: epoch - 1 })).since;
  }
  return [own];
}

function hasSameMembers(one: KeyParams, other: KeyParams): boolean {
  const names = new Set(one.roster.map(nameOf));
  return (
    one.quorum.needed === other.quorum.needed &&
    one.quorum.of === other.quorum.of &&
    other.roster.every((entry) => names.has(nameOf(entry)))
  );
}

/** What others of the key have said, by their identity keys in hexadecimal; each of them in an epoch of the chain that this server has. */
export type Heard = ReadonlyMap<string, Pick<KeyHeadStatement, 'counts' | 'epoch'>>;

/** What becomes of a window. */
export type Told = WindowAsked & { readonly count: number };

/** For each window: what was said, or which slots are missing in which epoch. */
export interface CountsHeard {
  readonly told: readonly Told[];
  /** Of the first roster that is not heard; empty: all are. */
  readonly missing: readonly number[];
  readonly needed: number;
}

/**
 * How often the key was used before, at most: for each window the sum of what n − t + 1 others of each roster say, of those that say least,
 * since any of them are enough. Every signature was made by t of a roster, so that one of those asked has counted it, if he cannot sign in it any
 * more: of an epoch that is over, whoever is in a later one.
 * @param newest this server's epoch
 * @param self this server's identity key
 */
export function hearCounts(
  { windows, rosters }: CountsAsked,
  heard: Heard,
  { epoch: newest, self }: { readonly epoch: number; readonly self: Uint8Array },
): CountsHeard {
  const told: Told[] = [];
  let missing: CountsHeard | null = null;
  for (const one of windows) {
    const chosen = new Map<string, number>();
    let isWhole = true;
    for (const roster of rosters) {
      const said = saidFrom(heard, one, Math.min(newest, roster.epoch + 1));
      const enough = enoughOf(roster, rosters[0]!, said, self);
      for (const name of enough.names) chosen.set(name, said.get(name)!);
      if (enough.missing.length === 0) continue;
      isWhole = false;
      missing ??= { told: [], missing: enough.missing, needed: enough.needed };
    }
    if (isWhole) told.push({ ...one, count: Math.min(sumOf(chosen.values()), one.most) });
  }
  return { told, missing: missing?.missing ?? [], needed: missing?.needed ?? 0 };
}

/** What those say of a window who are in some epoch, or in a later one; who has stopped counting too early says nothing. */
function saidFrom(heard: Heard, { within, most }: WindowAsked, from: number): ReadonlyMap<string, number> {
  const said = new Map<string, number>();
  for (const [name, { counts, epoch }] of heard) {
    const known = counts?.find((window) => window.within === within);
    if (known === undefined || known.count === null || epoch < from) continue;
    const isEnough = known.count < known.most || known.most >= most;
    if (isEnough) said.set(name, Math.min(known.count, most));
  }
  return said;
}

/** Those of a roster whose counts are enough, the lowest first; or who is missing. */
function enoughOf(
  roster: KeyParams,
  own: KeyParams,
  said: ReadonlyMap<string, number>,
  self: Uint8Array,
): { readonly names: readonly string[]; readonly missing: readonly number[]; readonly needed: number } {
  const others = roster.roster.filter(({ identityKey }) => !equalBytes(identityKey, self));
  const { needed: quorum, of } = roster.quorum;
  const needed = of - quorum + 1;
  const names = lowest(others, said);
  if (names.length >= needed) return { names: names.slice(0, needed), missing: [], needed };
  const [newcomer] = roster === own ? [] : lowest(newcomersOf(own, roster, self), said);
  if (newcomer !== undefined) return { names: [newcomer], missing: [], needed };
  const missing = others.filter((one) => !said.has(nameOf(one))).map(({ slot }) => slot);
  return { names: [], missing, needed };
}

/** Who joined after a roster has been told of all that was signed by it. */
function newcomersOf(own: KeyParams, before: KeyParams, self: Uint8Array): readonly RosterEntry[] {
  return own.roster.filter(
    ({ identityKey }) =>
      !equalBytes(identityKey, self) &&
      !before.roster.some((one) => equalBytes(one.identityKey, identityKey)),
  );
}

function lowest(entries: readonly RosterEntry[], said: ReadonlyMap<string, number>): readonly string[] {
  return entries
    .map(nameOf)
    .filter((name) => said.has(name))
    .toSorted((a, b) => said.get(a)! - said.get(b)!);
}

export function nameOf({ identityKey }: Pick<RosterEntry, 'identityKey'>): string {
  return encodeHex(identityKey);
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** The note of a head with more that was said, and without what is of no use any more. */
export function withTold(counting: Counting, told: readonly Told[], now: number): Counting {
  const useful = counting.told.filter(({ within }) => now - counting.at < within);
  return { ...counting, told: [...useful, ...told] };
}
