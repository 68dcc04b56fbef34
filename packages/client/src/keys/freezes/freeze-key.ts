import type { Result } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { listServerRecords } from '../../servers/servers.js';
import { catchUp } from '../changes/catch-up.js';
import { readBranches } from '../forks/key-branches.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { unrecordedMember } from '../roster.js';
import { askEach, askFreeze, notOnRecord, type ServerFreeze } from './ask-freeze.js';
import { type FreezeRecord, freezePath, stateAnew, stateFreeze } from './freeze-record.js';
import { type Follows, nextHolders, recordedServer } from './next-holders.js';

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
  const servers = await askEach(context, key, (participant) => askFreeze(context, key, participant, freeze));
  const { bound, joining } = await nextHolders(context, key, said);
  const joined = await Promise.all(
    joining.map(async ({ slot, serverId, server }) => {
      if (server === null) return notOnRecord(serverId, slot, 'is to join, and is not among your servers');
      return askFreeze(context, key, { slot, server }, freeze, `holds nothing of ${key.record.name}`);
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
      return askFreeze(context, key, { slot: entry.slot, server }, freeze, without);
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
    askFreeze(context, key, participant, (link) => link.call('key.thaw', { keyId: key.keyId })),
  );
  return outcomeOf(key, servers, null);
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
