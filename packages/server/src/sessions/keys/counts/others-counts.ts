import { isSameWindow, type KeyHeadStatement, type WindowAsked, type WindowCount } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { type KeyParams, parseKeyParams, type RosterEntry } from '@ckm/threshold';
import type { Counting, CountStart, ServerContext } from '../../../context.js';
import type { Reader } from '../../../storage/storage.js';
import { epochAt, nameOf, rostersBefore, type Stored } from './earlier-rosters.js';
import { readPublicEpoch } from '../past-epochs.js';
import { readEpoch } from '../stored/read-key.js';

type Context = Pick<ServerContext, 'vault' | 'clock' | 'config' | 'policy'>;

/** What a server needs to hear before it knows how often a key was used lately. */
export interface CountsAsked {
  readonly windows: readonly AskedOf[];
  /** The newest first: of its own epoch, or of the one before it joined; then those before, each of which somebody may have signed in. */
  readonly rosters: readonly KeyParams[];
}

/** A window, and the earliest epoch in which this server may have signed within it itself, or to the end of which it has to hear of. */
type AskedOf = WindowAsked & { readonly from: number };

/** What another server is told, once that is counted. */
export interface CountsToSay {
  readonly starts: readonly CountStart[];
  say(counted: (start: CountStart) => number): Promise<readonly WindowCount[]>;
}

/** What is to be counted of a key for another server that asks how often it was used here, and what that is told then. */
export async function countsFor(
  context: Context,
  reader: Reader,
  { row, head }: Stored,
  windows: readonly WindowAsked[],
): Promise<CountsToSay> {
  const { tightened, counting = null, summing } = head;
  const from = await fromWhen(context, reader, { row, head }, windows);
  const whole = (one: WindowAsked & Pick<WindowCount, 'count'>): WindowCount => ({
    ...one,
    from: from.get(one.within)!,
  });
  if (windows.length === 0 || head.asks !== undefined)
    return { starts: [], say: () => Promise.resolve(windows.map((one) => whole({ ...one, count: null }))) };
  const { policy, config, clock } = context;
  const asked = { windows, keptSeconds: config.limits.keepRequestsSeconds, now: clock() };
  const { owner, keyId } = row;
  const key = { owner, keyId, tightened, counting, ...(summing === undefined ? {} : { summing }) };
  const toSay = await policy.countsFor(reader, head.policy, key, asked);
  return { starts: toSay.starts, say: async (counted) => (await toSay.say(counted)).map(whole) };
}

/**
 * For each window the epoch from which on this server has counted for itself what it signed; what was before is over for longer, or it was told. Of
 * two epochs in the second in which it forgot, the earlier one: others may have signed on in that behind what it was told.
 */
async function fromWhen(
  context: Context,
  reader: Reader,
  stored: Stored,
  windows: readonly WindowAsked[],
): Promise<ReadonlyMap<number, number>> {
  const { at = 0, joined = 0 } = stored.head.counting ?? {};
  const from = new Map<number, number>();
  for (const { within } of windows) {
    const epoch = await epochAt(context, reader, stored, Math.max(at - 1, context.clock() - within));
    from.set(within, Math.max(epoch, joined));
  }
  return from;
}

/** What this server has to hear of a key; null: nothing. @throws StorageError `ROW_TAMPERED` */
export async function countsAsked(
  context: Context,
  reader: Reader,
  { row, head }: Stored,
): Promise<CountsAsked | null> {
  const { owner, keyId } = row;
  const { tightened, counting, summing } = head;
  if (counting === undefined) return null;
  const key = { owner, keyId, tightened, counting, ...(summing === undefined ? {} : { summing }) };
  const windows = await context.policy.unknownWindows(reader, head.policy, key, context.clock());
  if (windows.length === 0) return null;
  const first = await firstAsked(context, reader, { row, head });
  const asked: AskedOf[] = [];
  for (const one of windows)
    asked.push({ ...one, from: await fromAsked(context, reader, { row, head }, one.within) });
  return { windows: asked, rosters: await rostersBefore(context, reader, { row }, first) };
}

/** A server that joined asks those of the epoch before it did: whatever they signed, n − t + 1 of them have counted, in sum. Any other one asks those of its own. */
async function firstAsked(context: Context, reader: Reader, { row, head }: Stored): Promise<KeyParams> {
  const { joined } = head.counting!;
  const { parameters } =
    joined === undefined
      ? await readEpoch(context, reader, row, head)
      : await readPublicEpoch(context, reader, row, joined - 1);
  return parseKeyParams(parameters);
}

/** Where it has lost its memory in an epoch that it entered within the window, it may have signed in the one before, as another's successor too. */
async function fromAsked(
  context: Context,
  reader: Reader,
  { row, head }: Stored,
  within: number,
): Promise<number> {
  const { joined } = head.counting!;
  if (joined !== undefined) return joined - 1;
  return epochAt(context, reader, { row, head }, context.clock() - within);
}

/**
 * Whether what others say, or have said, of a key counts in some window of it. Whoever says too much is believed, since nobody could know better.
 * @throws StorageError `ROW_TAMPERED`
 */
export async function goesByOthers(
  { policy, clock }: Context,
  reader: Reader,
  { row: { owner, keyId }, head: { policy: owned, tightened, counting, summing } }: Stored,
): Promise<boolean> {
  if (counting === undefined) return false;
  const at = Math.max(counting.at, ...counting.told.map(({ at: said = 0 }) => said));
  const sums = summing === undefined ? {} : { summing };
  const key = { owner, keyId, tightened, counting: { ...counting, at, told: [] }, ...sums };
  return (await policy.unknownWindows(reader, owned, key, clock())).length > 0;
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
 * more: of an epoch that is over, whoever is in a later one. Who joined behind a roster was told of all that was signed by it, and by those before. An
 * earlier roster is asked for where one of those who are believed was in it within the window, as long as it can be heard.
 * @param newest this server's epoch
 * @param self this server's identity key
 */
export function hearCounts(
  { windows, rosters }: CountsAsked,
  heard: Heard,
  { epoch: newest, self }: { readonly epoch: number; readonly self: Uint8Array },
): CountsHeard {
  const told: Told[] = [];
  let missing: Missing | null = null;
  for (const asked of windows) {
    const counted = hearWindow(asked, rosters, heard, { newest, self });
    if (counted.missing !== null) missing ??= counted.missing;
    else {
      const { from: _from, ...window } = asked;
      told.push({ ...window, count: counted.count });
    }
  }
  return { told, missing: missing?.slots ?? [], needed: missing?.needed ?? 0 };
}

interface Place {
  readonly newest: number;
  readonly self: Uint8Array;
}

/** Of a roster that is not heard. */
interface Missing extends Pick<CountsHeard, 'needed'> {
  readonly slots: readonly number[];
  readonly epoch: number;
}

type WindowHeard = { readonly missing: null; readonly count: number } | { readonly missing: Missing };

/**
 * Where an earlier roster is not heard that nobody asks for but others, by what they say, it is heard once more without those: any that are enough
 * will do, and whoever carries the messages could have kept theirs. Else one that lies could ask for servers that are gone.
 */
function hearWindow(asked: AskedOf, rosters: readonly KeyParams[], heard: Heard, place: Place): WindowHeard {
  const first = hearOnce(asked, rosters, heard, place);
  let tried = first;
  while (tried.missing !== null) {
    const { epoch } = tried.missing;
    if (epoch === rosters[0]!.epoch || asked.from <= epoch) return first;
    tried = hearOnce(asked, rosters, heard, place, epoch);
  }
  return tried;
}

/** @param behind only those are heard who have counted for themselves from a later epoch on */
function hearOnce(
  { from, ...one }: AskedOf,
  rosters: readonly KeyParams[],
  heard: Heard,
  { newest, self }: Place,
  behind = -1,
): WindowHeard {
  const chosen = new Map<string, Counted>();
  let earliest = from;
  for (const [i, roster] of rosters.entries()) {
    if (i > 0 && earliest > roster.epoch) break;
    const said = saidFrom(heard, one, { since: Math.min(newest, roster.epoch + 1), behind });
    const enough = enoughOf(roster, rosters.slice(0, i), said, self);
    for (const name of enough.names) {
      chosen.set(name, said.get(name)!);
      earliest = Math.min(earliest, said.get(name)!.from);
    }
    const { missing: slots, needed } = enough;
    if (slots.length > 0) return { missing: { slots, needed, epoch: roster.epoch } };
  }
  return { missing: null, count: Math.min(sumOf(chosen.values()), one.most) };
}

/** What somebody says of a window, and from which epoch on he has counted it himself. */
type Counted = Pick<WindowCount, 'from'> & { readonly count: number };
type Said = ReadonlyMap<string, Counted>;

/** What those say of a window who are in some epoch, or in a later one; who has stopped counting too early says nothing. */
function saidFrom(
  heard: Heard,
  asked: WindowAsked,
  { since, behind }: { readonly since: number; readonly behind: number },
): Said {
  const said = new Map<string, Counted>();
  for (const [name, { counts, epoch }] of heard) {
    const known = counts?.find((window) => isSameWindow(window, asked));
    if (known === undefined || known.count === null || epoch < since || known.from <= behind) continue;
    const isEnough = known.count < known.most || known.most >= asked.most;
    if (isEnough) said.set(name, { from: known.from, count: Math.min(known.count, asked.most) });
  }
  return said;
}

/**
 * Those of a roster whose counts are enough, the lowest first; or who is missing.
 * @param later rosters behind it
 */
function enoughOf(
  roster: KeyParams,
  later: readonly KeyParams[],
  said: Said,
  self: Uint8Array,
): { readonly names: readonly string[]; readonly missing: readonly number[]; readonly needed: number } {
  const others = roster.roster.filter(({ identityKey }) => !equalBytes(identityKey, self));
  const { needed: quorum, of } = roster.quorum;
  const needed = of - quorum + 1;
  const names = lowest(others, said);
  if (names.length >= needed) return { names: names.slice(0, needed), missing: [], needed };
  const [newcomer] = lowest(newcomersOf(later, roster, self), said);
  if (newcomer !== undefined) return { names: [newcomer], missing: [], needed };
  const missing = others.filter((one) => !said.has(nameOf(one))).map(({ slot }) => slot);
  return { names: [], missing, needed };
}

/** Who joined behind a roster has been told of all that was signed by it. */
function newcomersOf(
  later: readonly KeyParams[],
  before: KeyParams,
  self: Uint8Array,
): readonly RosterEntry[] {
  return later
    .flatMap(({ roster }) => roster)
    .filter(
      ({ identityKey }) =>
        !equalBytes(identityKey, self) &&
        !before.roster.some((one) => equalBytes(one.identityKey, identityKey)),
    );
}

function lowest(entries: readonly RosterEntry[], said: Said): readonly string[] {
  return entries
    .map(nameOf)
    .filter((name) => said.has(name))
    .toSorted((a, b) => said.get(a)!.count - said.get(b)!.count);
}

function sumOf(counts: Iterable<Counted>): number {
  let sum = 0;
  for (const { count } of counts) sum += count;
  return sum;
}

/** The note of a head with more that was said, and without what is of no use any more. */
export function withTold(counting: Counting, told: readonly Told[], now: number): Counting {
  const useful = counting.told.filter(({ within, at = counting.at }) => now - at < within);
  return { ...counting, tried: now, told: [...useful, ...told.map((one) => ({ ...one, at: now }))] };
}
