import type { OpenSettlement } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  findContradictions,
  judgeVotes,
  membersOf,
  type OldMembers,
  parseCertificate,
  parseChangeCertificate,
  parseVotes,
  type PartyIndex,
  type Quorum,
  settlersOf,
  type Signed,
  type Statement,
  verifyChain,
  verifyChange,
  verifySignedChange,
} from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { shortId } from '../../store/track.js';
import type { SeenMember } from '../chain/seen-orders.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';

/** One of several certificates of the same epoch, each of which holds. */
export interface ForkChoice {
  /** First eight hex digits of the epoch's transcript hash. */
  readonly id: string;
  /** 32 bytes: its likeness is how people tell it from the others, also where the same servers are in both. */
  readonly transcriptHash: Uint8Array;
  readonly certificate: Uint8Array;
  readonly quorum: Quorum;
  /** In order of slots. */
  readonly members: readonly SeenMember[];
  /** Servers that say that they went on by it, or wait to. */
  readonly servers: readonly string[];
  /** Whether this client went on by it. */
  readonly isOnRecord: boolean;
}

/** An epoch of a key of which several certificates hold, because servers of the epoch before signed twice. */
export interface Fork {
  /** The owner's name of the key. */
  readonly key: string;
  readonly keyId: Uint8Array;
  /** The epoch before, whose servers settle which counts. */
  readonly epoch: number;
  readonly before: CertifiedEpoch;
  /** The one on record here first. */
  readonly choices: readonly ForkChoice[];
  /** Who signed twice, as the certificates show; they have no say. */
  readonly twice: readonly SeenMember[];
  /** Who settles, and how many of them it takes. */
  readonly settlers: readonly SeenMember[];
  readonly needed: number;
  /** Orders to settle it that wait at servers, whichever client of the owner gave them. */
  readonly orders: readonly SeenSettlement[];
  /** Servers that do not answer. */
  readonly silent: readonly string[];
}

/** An order about which certificate counts, as servers show it. */
export interface SeenSettlement {
  /** First eight hex digits of its hash. */
  readonly id: string;
  /** 32 bytes. Its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
  /** The epoch whose servers settle. */
  readonly epoch: number;
  /** Transcript hash of the one that is to count. */
  readonly counts: Uint8Array;
  readonly servers: readonly string[];
  /** Whose operators are asked, and have not answered. */
  readonly asking: readonly string[];
}

/** Most certificates of one epoch that servers are shown together. */
const MOST_CHOICES = 4;

/**
 * Asks every server on record for certificates of one epoch of a key that contradict each other. What does not hold is passed over.
 * @param known more certificates, from records of this client
 * @returns every fork of which two certificates that hold are known, the earliest first: also one that was settled long ago, of which a
 * single server can show the dead certificate
 */
export async function readForks(
  context: ClientContext,
  key: CertifiedKey,
  known: readonly Uint8Array[] = [],
): Promise<readonly Fork[]> {
  const servers = await listServerRecords(context.store);
  const newest = certificatesOf(key.record).length - 1;
  const shown = await Promise.all(servers.map((server) => shownBy(context, server, key.keyId)));
  // Where no server has seen two yet, they stand behind different ones.
  const epochs = [
    ...shown.flatMap((one) => (one === null || one.epoch === null ? [] : [one.epoch])),
    ...known.map((bytes) => parseChangeCertificate(bytes).change.next.epoch - 1),
    newest - 1,
    newest,
  ].filter((epoch) => epoch >= 0 && epoch <= newest);
  const forks: Fork[] = [];
  for (const epoch of [...new Set(epochs)].toSorted((a, b) => a - b)) {
    const fork = await forkBehind(context, key, { epoch, servers, shown, known });
    if (fork !== null) forks.push(fork);
  }
  return forks;
}

interface Seen {
  /** Whose servers settle. */
  readonly epoch: number;
  readonly servers: readonly ServerRecord[];
  /** What each of them shows. */
  readonly shown: readonly Awaited<ReturnType<typeof shownBy>>[];
  readonly known: readonly Uint8Array[];
}

/** Null: no two certificates that hold follow that epoch, as far as servers show. */
async function forkBehind(
  context: ClientContext,
  key: CertifiedKey,
  { epoch, servers, shown, known }: Seen,
): Promise<Fork | null> {
  const chain = certificatesOf(key.record);
  const before = epochAt(chain, epoch);
  const asked = { keyId: key.keyId, epoch };
  const standing = await Promise.all(servers.map((server) => nextAt(context, server, asked)));
  const own = chain[epoch + 1] ?? null;
  const evidence = shown.flatMap((one) => (one?.epoch === epoch ? one.certificates : []));
  const all = [own, ...standing, ...evidence, ...known];
  const proved = all.map((bytes) => (bytes === null ? null : (provedBy(before, bytes)[0] ?? null)));
  const holding = proved.filter((one) => one !== null);
  const distinct = holding.filter(
    ({ name }, i) => holding.findIndex((one) => equalBytes(one.name, name)) === i,
  );
  if (distinct.length < 2) return null;
  const isAt = (i: number, name: Uint8Array) => proved[i] !== null && equalBytes(proved[i]!.name, name);
  const choices = distinct.slice(0, MOST_CHOICES).map(({ certificate, name, params }): ForkChoice => ({
    id: shortId(name),
    transcriptHash: name,
    certificate,
    quorum: params.quorum,
    members: params.roster.map(({ serverId }) => memberOf(servers, serverId)),
    servers: servers.flatMap((server, i) => (isAt(i + 1, name) ? [server.name] : [])),
    isOnRecord: isAt(0, name),
  }));
  const twice = whoSignedTwice(
    before,
    choices.map(({ certificate }) => certificate),
  );
  const { roster } = before.params;
  const named = (slots: readonly number[]) =>
    roster.filter(({ slot }) => slots.includes(slot)).map((one) => memberOf(servers, one.serverId));
  return {
    key: key.record.name,
    keyId: key.keyId,
    epoch,
    before,
    choices,
    twice: named(twice),
    settlers: named(settlingSlots(before, twice)),
    needed: settlersIn(before, twice).needed,
    orders: seenSettlements(
      servers.flatMap((server, i) => {
        const order = shown[i]?.settlement;
        return order?.epoch === epoch ? [{ server: server.name, order }] : [];
      }),
    ),
    silent: servers.flatMap(({ name }, i) => (shown[i] === null ? [name] : [])),
  };
}

/** The epoch of a chain that was checked when it was put on record. */
export function epochAt(chain: readonly Uint8Array[], epoch: number): CertifiedEpoch {
  const [first, ...changes] = chain.slice(0, epoch + 1);
  return verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes).at(-1)!;
}

export function settlersIn(before: CertifiedEpoch, twice: readonly number[]): OldMembers {
  return settlersOf(
    before.params,
    before.transcriptHash,
    twice.map((slot) => slot as PartyIndex),
  );
}

/** Who has a say: all where so many signed twice that without them nobody could settle. */
export function settlingSlots(
  { params: { quorum, roster } }: CertifiedEpoch,
  twice: readonly number[],
): readonly number[] {
  const slots = roster.map(({ slot }) => slot);
  return twice.length >= quorum.needed ? slots : slots.filter((slot) => !twice.includes(slot));
}

/** Slots of the epoch before whose statements behind several decisions contradict each other. */
export function whoSignedTwice(
  before: CertifiedEpoch,
  certificates: readonly Uint8Array[],
): readonly number[] {
  const members = membersOf(before.params, before.transcriptHash);
  const said = certificates.flatMap((bytes): Signed<Statement>[] => {
    const certificate = parseChangeCertificate(bytes);
    const { transcriptHash } = verifySignedChange(before, certificate);
    const { promises, locks, yields } = parseVotes(certificate, transcriptHash);
    return [...promises, ...locks, ...yields];
  });
  return findContradictions(members, said).map(({ slot }) => slot);
}

/** The epoch that a certificate makes behind another; none: it does not hold. */
export function provedBy(before: CertifiedEpoch, certificate: Uint8Array) {
  try {
    const epoch = verifyChange(before, parseChangeCertificate(certificate), judgeVotes);
    return [{ certificate, name: epoch.transcriptHash, params: epoch.params, epoch }];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}

function memberOf(servers: readonly ServerRecord[], xid: Uint8Array): SeenMember {
  return { name: servers.find((one) => equalBytes(one.xid, xid))?.name ?? null, xid };
}

/** The orders that servers show, each once. */
export function seenSettlements(
  all: readonly { readonly server: string; readonly order: OpenSettlement }[],
): readonly SeenSettlement[] {
  const byHash = new Map<string, (typeof all)[number][]>();
  for (const one of all) {
    const name = encodeHex(one.order.orderHash);
    byHash.set(name, [...(byHash.get(name) ?? []), one]);
  }
  return [...byHash.values()].map((same) => {
    const { orderHash, epoch, counts } = same[0]!.order;
    return {
      id: shortId(orderHash),
      orderHash,
      epoch,
      counts,
      servers: same.map(({ server }) => server),
      asking: same.flatMap(({ server, order: { asked } }) => (asked ? [server] : [])),
    };
  });
}

/** What one server shows; null: it does not say. */
async function shownBy(context: ClientContext, server: ServerRecord, keyId: Uint8Array) {
  return orNull(context, server, async (link) => {
    const { epoch, certificates } = await link.call('fork.show', { keyId });
    const settlement = epoch === null ? undefined : (await link.call('key.show', { keyId })).key.settlement;
    return { epoch, certificates, settlement };
  });
}

/** The certificate of the epoch behind one, by which a server went on or will; null: it does not say, or has none. */
async function nextAt(
  context: ClientContext,
  server: ServerRecord,
  { keyId, epoch }: { readonly keyId: Uint8Array; readonly epoch: number },
): Promise<Uint8Array | null> {
  const shown = await orNull(context, server, (link) => link.call('key.chain', { keyId, after: epoch }));
  return shown?.certificates[0] ?? null;
}

async function orNull<T>(
  context: ClientContext,
  server: ServerRecord,
  ask: (link: ServerLink) => Promise<T>,
): Promise<T | null> {
  try {
    return await ask(await context.linkTo(server));
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}
