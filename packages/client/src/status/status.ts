import type { Result } from '@ckm/api';
import { AvailabilityError, CkmError, encodeHex, equalBytes, type Remedy } from '@ckm/foundation';
import { parseCertificate } from '@ckm/threshold';
import type { ClientContext } from '../context/context.js';
import { countUnrecorded, heldKeysOf, recordedKeyIds } from '../keys/fetch/unrecorded.js';
import { isComplete, type KeyRecord, remedyFor } from '../keys/key-record.js';
import { listKeyRecords } from '../keys/keys.js';
import type { HeldKeys } from '../keys/fetch/held-keys.js';
import { FORGOTTEN } from '../keys/verify-key.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listed } from '../servers/faults.js';
import { listServerRecords } from '../servers/servers.js';
import { listRequests } from '../requests/requests.js';
import type { SessionRecord } from '../sessions/session-record.js';
import { listSessions } from '../sessions/sessions.js';
import { shortId, type Track } from '../store/track.js';
import { isForgotten } from '../carrier/server-link.js';
import { recheckServer } from '../introduction/add-server.js';

/** `bigint` as grade: its time depends on shares and nonces. */
export type ServerArithmetic = Result<'server.describe'>['arithmetic'][number];

/** One server as it answers now. */
export interface ServerStatus {
  readonly name: string;
  readonly url: string;
  readonly isReachable: boolean;
  readonly version: string | null;
  readonly answerMs: number | null;
  /** Its clock against ours, in seconds; positive: it is ahead. */
  readonly clockOffset: number | null;
  readonly keys: number | null;
  readonly keyQuota: number | null;
  /** What computes with the keys of each suite there, as the server says; null when it does not answer. */
  readonly arithmetic: readonly ServerArithmetic[] | null;
  /** Keys of ours there that are not on record here. */
  readonly unrecorded: number;
  /** Why it does not answer, or does not say which keys it holds. */
  readonly problem: { readonly code: string; readonly text: string } | null;
}

export interface KeyStatus {
  readonly name: string;
  readonly purpose: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Its first digits as servers name it; their operators need them. */
  readonly id: string;
  /** Servers of the key that answer now and sign with their share. */
  readonly reachable: readonly string[];
  /** Servers of the key that do not answer now, or were never added here. */
  readonly absent: readonly string[];
  /** Servers of the key that answer now and have lost their share. */
  readonly lost: readonly string[];
  /** Servers that have stopped the key, because they had computed a wrong share with it, until their operators release it. */
  readonly stopped: readonly string[];
  /** How many more may fail before signing stops; negative: it has stopped. */
  readonly margin: number;
  /** Whether half of what may fail, or more, has failed. */
  readonly isMarginLow: boolean;
  /** Whether every server has promised that it stored the certificate. */
  readonly isComplete: boolean;
  /** What completes it; null when it is complete. */
  readonly remedy: Remedy | null;
  /** UnixSeconds: its policy ends it then; null: never. */
  readonly expiresAt: number | null;
  readonly isExpired: boolean;
}

export interface Status {
  readonly servers: readonly ServerStatus[];
  readonly keys: readonly KeyStatus[];
  readonly openSessions: readonly OpenTrack[];
  readonly openRequests: readonly OpenTrack[];
}

/** A ceremony or a request that goes on. */
export interface OpenTrack {
  /** First eight hex digits. */
  readonly id: string;
  /** Of ceremony, or of request. */
  readonly kind: string;
  /** What goes on, for people: "making treasury", or what is to be signed. */
  readonly title: string;
  readonly key: string;
  readonly expiresAt: number;
}

/** How many of those that answer may still fail, and whether that is half or less of what a whole key allows. */
function marginOf(answering: number, { needed, of }: KeyStatus['quorum']) {
  const margin = answering - needed;
  const spare = of - needed;
  return { margin, isMarginLow: spare > 0 && 2 * margin <= spare };
}

/** How many more servers of a key may fail, in the one wording that everything uses. */
export function formatMargin({ margin, quorum, absent }: Pick<KeyStatus, 'margin' | 'quorum' | 'absent'>) {
  const back = absent.length === 0 ? '' : `: bring ${listed(absent)} back`;
  if (margin < 0) return `cannot sign${back}`;
  if (margin > 0) return margin === 1 ? '1 server may fail' : `${margin} servers may fail`;
  return quorum.needed === quorum.of ? 'none may fail: it needs them all' : `none may fail${back}`;
}

export interface StatusOptions {
  /** Called with each server as it answers, or is given up. */
  readonly on?: (server: ServerStatus) => void;
  /** Longest wait for one server. */
  readonly timeoutMs?: number;
}

/** How a server answers, and what it says it holds; null when it was not asked. */
interface Found {
  readonly record: ServerRecord;
  readonly server: ServerStatus;
  readonly list: HeldKeys | CkmError | null;
}

/**
 * Everything on one screen: asks every server how it is, and which keys it has.
 * @param titleOf what goes on in a session, for people
 */
export async function readStatus(
  context: ClientContext,
  titleOf: (session: SessionRecord) => string = ({ proposal }) => proposal.kind,
  { on = () => undefined, timeoutMs }: StatusOptions = {},
): Promise<Status> {
  const { store } = context;
  const recorded = await recordedKeyIds(context);
  const records = await listServerRecords(store);
  const found = await Promise.all(
    records.map(async (record) => {
      const one = await askServer(context, record, recorded, timeoutMs);
      on(one.server);
      return one;
    }),
  );
  const keys = await listKeyRecords(store);
  const sessions = await listSessions(store);
  const requests = await listRequests(store);
  return {
    servers: found.map(({ server }) => server),
    keys: keys.map((record) => keyStatus(record, found, context.clock())),
    openSessions: sessions
      .filter(isOpen)
      .map((one) => openTrack(one.sessionId, one.proposal.kind, titleOf(one), one)),
    openRequests: requests.filter(isOpen).map((one) => openTrack(one.requestId, one.kind, one.sentence, one)),
  };
}

async function askServer(
  context: ClientContext,
  record: ServerRecord,
  recorded: ReadonlySet<string>,
  timeoutMs: number | undefined,
): Promise<Found> {
  const server = await readServer(context, record, timeoutMs);
  if (!server.isReachable) return { record, server, list: null };
  const list = await heldKeysOf(context, record);
  return { record, server: withHeld(server, list, recorded), list };
}

function keyStatus(record: KeyRecord, found: readonly Found[], now: number): KeyStatus {
  const { params } = parseCertificate(record.certificate);
  const id = encodeHex(params.keyId);
  const seats = params.roster.map(({ serverId, url }) => {
    const one = found.find(({ record: { xid } }) => equalBytes(serverId, xid));
    const list = one?.list ?? null;
    return { name: one?.record.name ?? url, holding: list === null ? 'absent' : holdingsIn(list)(id) };
  });
  const those = (...holdings: readonly string[]) =>
    seats.filter(({ holding }) => holdings.includes(holding)).map(({ name }) => name);
  const reachable = those('has', 'unsaid');
  const { expiresAt } = record.policy;
  return {
    name: record.name,
    id: shortId(params.keyId),
    purpose: params.purpose,
    quorum: params.quorum,
    reachable,
    absent: those('absent'),
    lost: those('lost'),
    stopped: those('stopped'),
    ...marginOf(reachable.length, params.quorum),
    isComplete: isComplete(record, params.quorum.of),
    remedy: isComplete(record, params.quorum.of) ? null : remedyFor(record),
    expiresAt,
    isExpired: expiresAt !== null && expiresAt <= now,
  };
}

function isOpen({ state }: Track): boolean {
  return state === 'open';
}

function openTrack(id: Uint8Array, kind: string, title: string, { keyName, expiresAt }: Track): OpenTrack {
  return { id: shortId(id), kind, title, key: keyName, expiresAt };
}

/**
 * Whether a server signs with its share of the key of an id, as far as its list tells. `stopped`: it has it and does not;
 * `refused`: it cannot even be asked.
 */
type Holding = 'has' | 'stopped' | 'lost' | 'unsaid' | 'refused';

function holdingsIn(list: HeldKeys | CkmError): (id: string) => Holding {
  if (list instanceof CkmError) {
    const silent = list instanceof AvailabilityError;
    return () => (silent ? 'unsaid' : 'refused');
  }
  const held = new Map(list.keys.map((key) => [encodeHex(key.keyId), key]));
  return (id) => {
    const key = held.get(id);
    if (key !== undefined) return key.stoppedAt === undefined ? 'has' : 'stopped';
    // A list that was not read to its end says nothing about what is not in it.
    return list.complaint === null ? 'lost' : 'unsaid';
  };
}

function withHeld(
  server: ServerStatus,
  list: HeldKeys | CkmError,
  recorded: ReadonlySet<string>,
): ServerStatus {
  if (list instanceof CkmError) return { ...server, problem: { code: list.code, text: list.message } };
  return { ...server, unrecorded: countUnrecorded(list, recorded) };
}

/** Asks one server how it is; a refusal is an answer too. */
async function readServer(
  context: ClientContext,
  record: ServerRecord,
  timeoutMs: number | undefined,
): Promise<ServerStatus> {
  const { name, url } = record;
  const none = {
    version: null,
    answerMs: null,
    clockOffset: null,
    keys: null,
    keyQuota: null,
    arithmetic: null,
    unrecorded: 0,
  };
  try {
    const link = await context.linkTo(record);
    const started = performance.now();
    const asked = context.clock();
    const { version, time, keys, keyQuota, arithmetic } = await link.call(
      'server.describe',
      {},
      timeoutMs === undefined ? {} : { timeoutMs },
    );
    const answerMs = Math.round(performance.now() - started);
    const clockOffset = Math.round(time - (asked + context.clock()) / 2);
    const answer = { version, answerMs, clockOffset, keys, keyQuota, arithmetic, unrecorded: 0 };
    return { name, url, isReachable: true, ...answer, problem: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { name, url, isReachable: false, ...none, problem: await problemOf(context, record, error) };
  }
}

/** Why a server does not answer, as far as can be found out: also whether it is another one by now. */
async function problemOf(
  context: ClientContext,
  record: ServerRecord,
  error: CkmError,
): Promise<NonNullable<ServerStatus['problem']>> {
  if (isForgotten(error)) return { code: 'MESSAGE_NOT_AUTHENTICATED', text: FORGOTTEN };
  if (error.code === 'SERVER_REFUSED_MESSAGE') {
    try {
      await recheckServer(context, record.name);
    } catch (found) {
      if (found instanceof CkmError && found.code === 'SERVER_IDENTITY_CHANGED')
        return { code: found.code, text: found.message };
    }
  }
  return { code: error.code, text: error.message };
}
