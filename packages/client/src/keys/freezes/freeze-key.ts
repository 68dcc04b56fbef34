import type { Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { KeyParams } from '@ckm/threshold';
import { isForgotten, type ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { listServerRecords } from '../../servers/servers.js';
import { readRecord } from '../../store/record-reader.js';
import { isUnreadable, type RecordStore } from '../../store/record-store.js';
import { catchUp } from '../changes/catch-up.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { rosterOf, unrecordedMember } from '../roster.js';
import { FORGOTTEN } from '../verify-key.js';
import { readBranches } from '../forks/key-branches.js';
import { type Follows, nextHolders, recordedServer } from './next-holders.js';

/** What one server says of a freeze. `silent`, `unknown`, `refused`: as of a key check; it may still do what it is asked. */
export interface ServerFreeze {
  /** The owner's name of the server; the beginning of its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  readonly verdict: 'frozen' | 'open' | 'lost' | 'refused' | 'silent' | 'unknown';
  /** UnixSeconds, by the server's own clock; null: it is not frozen there, or nobody knows. */
  readonly until: number | null;
  /** When the owner asked its operator to end it; null: he did not, or nobody knows. UnixSeconds. */
  readonly thawAskedAt: number | null;
  /** For how long it may still be frozen there, in seconds; null: not said. */
  readonly leftSeconds: number | null;
  /** One line for a person. */
  readonly text: string;
  readonly code: string | null;
}

export interface KeyFreeze {
  readonly name: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** So many have to have it before nothing can be signed: n − t + 1. */
  readonly stopping: number;
  /**
   * Whether so many say that they have it, of the servers that hold it now, of all that may hold it next whatever those do, and of those behind
   * every other certificate of the same epoch.
   */
  readonly isStopped: boolean;
  /** UnixSeconds: what was asked for; null when it was to be thawed. */
  readonly until: number | null;
  readonly servers: readonly ServerFreeze[];
  /** Servers without a share that a change would let in, which are told too. `slot`: of the next epoch. */
  readonly joining: readonly ServerFreeze[];
  /** Next epochs that old members have bound themselves to: no freeze of theirs stops those any more. */
  readonly bound: readonly BoundFreeze[];
  /** Null: no two certificates of one epoch of the key are known. */
  readonly fork: ForkFreeze | null;
}

/** How far a key is stopped whose servers went on by several certificates of one epoch. */
export interface ForkFreeze {
  /** By each of them its newest epoch, that on record here first. Those that signed twice are not counted. */
  readonly branches: readonly BoundFreeze[];
  /** The servers of those that are not on record here, which are told too. `slot`: of their epoch. */
  readonly servers: readonly ServerFreeze[];
}

/** An epoch by which servers may sign although the key is frozen in the one on record here. */
export interface BoundFreeze {
  readonly quorum: { readonly needed: number; readonly of: number };
  /** How many of its servers say that they have the freeze, and would take it along. */
  readonly have: number;
  /** So many are needed. */
  readonly stopping: number;
}

/** What an owner states of a key, the same to every server, so that whoever was away hears it when he says it again. */
export interface FreezeRecord {
  readonly id: Uint8Array;
  readonly from: number;
  readonly until: number;
}

export const FREEZE_FOLDER = 'freezes';
export const MOST_FREEZE_SECONDS = 7 * 86_400;

function freezePath(keyId: Uint8Array): string {
  return `${FREEZE_FOLDER}/${encodeHex(keyId)}`;
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseFreeze(path: string, bytes: Uint8Array): FreezeRecord {
  const record = readRecord(path, bytes);
  return { id: record.bytes('id', 32), from: record.integer('from'), until: record.integer('until') };
}

/**
 * Tells every server of a key to do nothing with it for a while. Said again before its end it is the same freeze, for whoever
 * has not heard it. What this client knows is told at once; where the key has gone on without it, the servers of the newest
 * epoch are told too, and they alone are counted. Whoever a change would let in is told too, and whoever holds it by another certificate of the
 * same epoch: it is stopped when nobody is left who could sign, in this epoch, in one that servers have bound themselves to before they heard,
 * or in one of the other certificates.
 * @param seconds null: as long as one that is on record, or else the usual time
 * @throws UsageError `KEY_UNKNOWN`; StorageError `SERVER_PIN_DIFFERS`
 */
export async function freezeKey(
  context: ClientContext,
  readKey: ReadKey,
  name: string,
  seconds: number | null,
): Promise<KeyFreeze> {
  const key = await readKey(name);
  const frozen = await freezeIn(context, key, seconds);
  if (!(await catchUp(context, key, answeringIn(frozen)))) return frozen;
  return freezeIn(context, await readKey(name), seconds);
}

function answeringIn({ servers }: Pick<KeyFreeze, 'servers'>): readonly string[] {
  return servers.filter(({ verdict }) => verdict !== 'silent').map(({ server }) => server);
}

async function freezeIn(
  context: ClientContext,
  key: CertifiedKey,
  seconds: number | null,
): Promise<KeyFreeze> {
  const stated = await stateFreeze(context, key, seconds);
  const frozen = await tell(context, key, stated);
  const told = [...frozen.servers, ...frozen.joining, ...(frozen.fork?.servers ?? [])];
  if (told.every(({ code }) => code !== 'FREEZE_OVER')) return frozen;
  // Thawed at some server, by whose asking ever: the same end, and an id that is good again.
  return tell(context, key, await stateAnew(context, key, stated));
}

/** What is told to one server of a key, as often as it is in a roster. */
type Freezing = (link: ServerLink) => Promise<Result<'key.freeze'>>;

/** Those that hold the key first: what they are bound to then is all that can follow. */
async function tell(
  context: ClientContext,
  key: CertifiedKey,
  { id, from, until }: FreezeRecord,
): Promise<KeyFreeze> {
  const { keyId } = key;
  const said: Follows[] = [];
  const freeze: Freezing = async (link) => {
    const result = await link.call('key.freeze', { keyId, id, from, until });
    said.push(result);
    return result;
  };
  const forking = tellBranches(context, key, freeze);
  // Whoever holds the key is told at once, whatever becomes of looking for others.
  forking.catch(() => {});
  const servers = await askEach(context, key, (participant) => ask(context, key, participant, freeze));
  const { bound, joining } = await nextHolders(context, key, said);
  const joined = await Promise.all(
    joining.map(async ({ slot, serverId, server }) => {
      if (server === null) return notOnRecord(serverId, slot, 'is to join, and is not among your servers');
      return ask(context, key, { slot, server }, freeze, `holds nothing of ${key.record.name}`);
    }),
  );
  const fork = await forking;
  const frozen = new Set([
    ...frozenOf(key.roster, servers),
    ...frozenOf(joining, joined),
    ...frozenOf(fork.others, fork.servers),
  ]);
  const outcome = outcomeOf(key, servers, until);
  const follows = bound.map((params) => countIn(params, frozen));
  const single = new Set([...frozen].filter((xid) => !fork.twice.has(xid)));
  const branches = fork.epochs.map((params) => countIn(params, single));
  const isStopped =
    outcome.isStopped && [...follows, ...branches].every(({ have, stopping }) => have >= stopping);
  return {
    ...outcome,
    isStopped,
    joining: joined,
    bound: follows,
    fork: branches.length === 0 ? null : { branches, servers: fork.servers },
  };
}

/** Tells those too that hold the key by another certificate than that on record here. */
async function tellBranches(context: ClientContext, key: CertifiedKey, freeze: Freezing) {
  const { epochs, twice } = await readBranches(context, key);
  const recorded = await listServerRecords(context.store);
  const isTold = (xid: Uint8Array) => key.roster.some(({ serverId }) => equalBytes(serverId, xid));
  const named = new Map(epochs.flatMap(({ roster }) => roster).map((one) => [encodeHex(one.serverId), one]));
  const others = [...named.values()].filter(({ serverId }) => !isTold(serverId));
  const servers = await Promise.all(
    others.map((entry) => {
      const server = recordedServer(recorded, entry) ?? unrecordedMember(entry);
      const without = `holds nothing of ${key.record.name}`;
      return ask(context, key, { slot: entry.slot, server }, freeze, without);
    }),
  );
  return { epochs, twice, others, servers };
}

/** XIDs in hex of those that say that they have it. */
function frozenOf(
  roster: readonly { readonly serverId: Uint8Array }[],
  said: readonly ServerFreeze[],
): readonly string[] {
  return roster.filter((_, i) => said[i]!.verdict === 'frozen').map(({ serverId }) => encodeHex(serverId));
}

function countIn({ quorum, roster }: KeyParams, frozen: ReadonlySet<string>): BoundFreeze {
  const have = roster.filter(({ serverId }) => frozen.has(encodeHex(serverId))).length;
  return { quorum, have, stopping: stoppingOf(quorum) };
}

async function stateAnew(
  { store, clock, random }: ClientContext,
  { keyId }: CertifiedKey,
  { until }: FreezeRecord,
): Promise<FreezeRecord> {
  const stated = { id: random(32), from: Math.min(clock(), until - 1), until };
  await store.put(freezePath(keyId), encodeData({ version: 1, ...stated }));
  return stated;
}

/**
 * Asks every server of a key that is frozen to have its operator end that; where the key has gone on without this client, also those of its newest epoch.
 * @throws UsageError `KEY_UNKNOWN`; StorageError `SERVER_PIN_DIFFERS`
 */
export async function thawKey(context: ClientContext, readKey: ReadKey, name: string): Promise<KeyFreeze> {
  const key = await readKey(name);
  const thawed = await thawIn(context, key);
  const answering = answeringIn(thawed);
  return (await catchUp(context, key, answering)) ? thawIn(context, await readKey(name)) : thawed;
}

async function thawIn(context: ClientContext, key: CertifiedKey): Promise<KeyFreeze> {
  // Saying it again must not bring back what is to end.
  await context.store.delete(freezePath(key.keyId));
  const servers = await askEach(context, key, (participant) =>
    ask(context, key, participant, (link) => link.call('key.thaw', { keyId: key.keyId })),
  );
  return outcomeOf(key, servers, null);
}

export const USUAL_FREEZE_SECONDS = 72 * 3_600;

/** The freeze to go on with, or a new one: on record before anybody hears of it. */
function stateFreeze(
  { store, clock, random }: ClientContext,
  { keyId }: CertifiedKey,
  seconds: number | null,
): Promise<FreezeRecord> {
  return store.exclusive('key-freezes', async () => {
    const now = clock();
    const known = await readFreeze(store, keyId);
    const goesOn = known !== null && known.until > now;
    if (goesOn && (seconds === null || now + seconds <= known.until)) return known;
    // Servers count from the first one on.
    const most = goesOn ? known.from + MOST_FREEZE_SECONDS : Number.POSITIVE_INFINITY;
    const until = Math.min(now + (seconds ?? USUAL_FREEZE_SECONDS), most);
    const stated = { id: random(32), from: goesOn ? known.from : now, until };
    await store.put(freezePath(keyId), encodeData({ version: 1, ...stated }));
    return stated;
  });
}

async function readFreeze(store: RecordStore, keyId: Uint8Array): Promise<FreezeRecord | null> {
  const path = freezePath(keyId);
  try {
    const bytes = await store.get(path);
    return bytes === null ? null : parseFreeze(path, bytes);
  } catch (error) {
    // Whoever has to stop a key now is not kept from it by a damaged record.
    if (!isUnreadable(error)) throw error;
    store.passOver(path, error);
    return null;
  }
}

async function askEach(
  context: ClientContext,
  key: CertifiedKey,
  each: (participant: Participant) => Promise<ServerFreeze>,
): Promise<readonly ServerFreeze[]> {
  const participants = await rosterOf(context, key);
  return Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<ServerFreeze> => {
      const participant = participants.find((one) => one.slot === slot);
      if (participant !== undefined) return each(participant);
      return notOnRecord(serverId, slot, 'not among your servers any more');
    }),
  );
}

function notOnRecord(serverId: Uint8Array, slot: number, text: string): ServerFreeze {
  const server = encodeHex(serverId).slice(0, 16);
  return { ...NOTHING_SAID, verdict: 'unknown', text, code: 'SERVER_UNKNOWN', server, slot };
}

const NOTHING_SAID = { until: null, thawAskedAt: null, leftSeconds: null } as const;

/** @param without what it means that a server does not know the key */
async function ask(
  context: ClientContext,
  { record: { name } }: CertifiedKey,
  { slot, server: record }: Participant,
  call: (link: ServerLink) => Promise<Result<'key.freeze'>>,
  without = `has lost its share of ${name}, and signs nothing with it`,
): Promise<ServerFreeze> {
  const server = record.name;
  try {
    const said = await call(await context.linkTo(record));
    return { server, slot, ...read(said), code: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { code, message, errorClass } = error;
    const isLost = code === 'KEY_UNKNOWN';
    if (isLost || isForgotten(error)) {
      const text = isLost ? without : FORGOTTEN;
      return { server, slot, ...NOTHING_SAID, verdict: 'lost', text, code };
    }
    const verdict = errorClass === 'AvailabilityError' ? 'silent' : 'refused';
    return { server, slot, ...NOTHING_SAID, verdict, text: message, code };
  }
}

function read({ frozen, leftSeconds }: Result<'key.freeze'>): Omit<ServerFreeze, 'server' | 'slot' | 'code'> {
  if (frozen === null) {
    return { verdict: 'open', until: null, thawAskedAt: null, leftSeconds, text: 'is not frozen there' };
  }
  const { until, thawAskedAt } = frozen;
  const text =
    thawAskedAt === null ? 'does nothing with it' : 'does nothing with it until its operator thaws it';
  return { verdict: 'frozen', until, thawAskedAt, leftSeconds, text };
}

function outcomeOf(
  { record: { name }, public: { quorum } }: CertifiedKey,
  servers: readonly ServerFreeze[],
  until: number | null,
): KeyFreeze {
  const stopping = stoppingOf(quorum);
  const frozen = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const isStopped = frozen >= stopping;
  return { name, quorum, stopping, isStopped, until, servers, joining: [], bound: [], fork: null };
}

function stoppingOf({ needed, of }: KeyFreeze['quorum']): number {
  return of - needed + 1;
}
