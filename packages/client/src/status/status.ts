import type { Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { unsentTexts, type UnsentText } from '../devices/list-devices.js';
import { countUnrecorded, heldKeysOf, recordedKeyIds } from '../keys/fetch/unrecorded.js';
import { changeIdOf, listChanges, titleOfChange } from '../keys/chain/change-record.js';
import { readAllDrills } from '../drills/drill-record.js';
import { readAllChecks } from '../keys/checks/check-record.js';
import { listKeyRecords } from '../keys/keys.js';
import type { HeldKeys } from '../keys/fetch/held-keys.js';
import { FORGOTTEN } from '../keys/verify-key.js';
import { keysWithoutOwner } from '../life/device-owners.js';
import { causeOf, reasonOf } from '../servers/causes.js';
import { type ClockDifference, judgeClocks } from '../servers/clock-difference.js';
import { type LastSeen, readLastSeen } from '../servers/last-seen.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords } from '../servers/servers.js';
import { listRequests } from '../requests/requests.js';
import { type CaseAt, waitingCasesAt } from '../recovery/cases.js';
import type { SessionRecord } from '../sessions/session-record.js';
import { listSessions } from '../sessions/sessions.js';
import { shortId, type Track } from '../store/track.js';
import { isForgotten } from '../carrier/server-link.js';
import { recheckServer } from '../introduction/add-server.js';
import { listTermsNotes } from '../terms/change/known-terms.js';
import { type AskedServer, keyStatus, type KeyStatus } from './key-status.js';

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
  /** UnixSeconds: when it last answered us here, as far as that is on record; null: never. */
  readonly lastSeenAt: number | null;
  /** The whole account there is frozen; null: it is not, or nobody knows. */
  readonly frozen: AccountFrozenAt | null;
  /** Keys of ours there that are not on record here. */
  readonly unrecorded: number;
  /** Why it does not answer, or does not say which keys it holds. */
  readonly problem: ServerProblem | null;
}

/** Until when an account is frozen, who froze it, and whether its end was asked for. UnixSeconds. */
export interface AccountFrozenAt {
  readonly until: number;
  readonly thawAskedAt: number | null;
  /** XID of the device that said so; null: the words did. */
  readonly device: Uint8Array | null;
}

export interface ServerProblem {
  readonly code: string;
  readonly text: string;
  /** The same to stand behind the name of the server: "is sealed". */
  readonly cause: string;
  /** The code where more is said of it: what the server itself gave as its reason, where it did. */
  readonly reason: string;
}

export interface Status {
  readonly servers: readonly ServerStatus[];
  readonly keys: readonly KeyStatus[];
  readonly openSessions: readonly OpenTrack[];
  readonly openRequests: readonly OpenTrack[];
  /** Clocks that are too far apart; null when all that are known agree with ours. */
  readonly clock: ClockDifference | null;
  /** What servers have not heard yet of the devices of the owner; absent: they have heard all. */
  readonly unsent?: readonly UnsentText[];
  /** Who wants an account of this owner, while he can still say no; absent: nobody does, as far as servers answer. */
  readonly recoveries?: readonly CaseAt[];
  /** Names of keys whose owner, by their terms, is a device that the account has no more; absent: there is none, as far as servers say. */
  readonly ownerless?: readonly string[];
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

export interface StatusOptions {
  /** Called with each server as it answers, or is given up. */
  readonly on?: (server: ServerStatus) => void;
  /** Longest wait for one server, whatever it is asked one after the other. */
  readonly timeoutMs?: number;
  /** Whether it is put on record which servers have answered. */
  readonly isRemembered?: boolean;
}

/**
 * Everything on one screen: asks every server how it is, and which keys it has.
 * @param titleOf what goes on in a session, for people
 */
export async function readStatus(
  context: ClientContext,
  titleOf: (session: SessionRecord) => string = ({ proposal }) => proposal.kind,
  { on = () => undefined, timeoutMs = context.timeoutMs }: StatusOptions = {},
): Promise<Status> {
  const { store } = context;
  const recorded = await recordedKeyIds(context);
  const records = await listServerRecords(store);
  const seen = await readLastSeen(store);
  const found = await Promise.all(
    records.map(async (record) => {
      const one = await askServer(context, { record, recorded, seen }, timeoutMs);
      on(one.server);
      return one;
    }),
  );
  const keys = await listKeyRecords(store);
  const checked = await readAllChecks(store);
  const drilled = await readAllDrills(store);
  const sessions = await listSessions(store);
  const repairs = sessions.filter((one) => isOpen(one) && one.proposal.kind === REPAIR);
  const begun = new Set(repairs.map(({ sessionId }) => encodeHex(sessionId)));
  const allChanges = await listChanges(store);
  const changes = allChanges.filter(isOpen);
  const isOfChange = (id: Uint8Array) =>
    changes.some(({ sessionId }) => sessionId !== null && equalBytes(sessionId, id));
  const requests = await listRequests(store);
  const termsNotes = await listTermsNotes(store);
  const known = { checked, drilled, begun, changes: allChanges, termsNotes, found };
  const unsent = await unsentTexts(context);
  const reached = found.flatMap(({ server }) => (server.isReachable ? [server.name] : []));
  const ownerless = await keysWithoutOwner(context, reached, timeoutMs);
  const recoveries = found.flatMap(({ cases }) => cases);
  return {
    servers: found.map(({ server }) => server),
    keys: keys.map((record) => keyStatus(record, known, context.clock())),
    openSessions: [
      ...sessions
        .filter((one) => isOpen(one) && !isOfChange(one.sessionId))
        .map((one) => openTrack(one.sessionId, one.proposal.kind, titleOf(one), one)),
      ...changes.map((one) => openTrack(changeIdOf(one), 'reshare', titleOfChange(one), one)),
    ],
    openRequests: requests.filter(isOpen).map((one) => openTrack(one.requestId, one.kind, one.sentence, one)),
    clock: judgeClocks(context.clockOffsets()),
    ...(unsent.length === 0 ? {} : { unsent }),
    ...(recoveries.length === 0 ? {} : { recoveries }),
    ...(ownerless.length === 0 ? {} : { ownerless }),
  };
}

async function askServer(
  context: ClientContext,
  { record, recorded, seen }: { record: ServerRecord; recorded: ReadonlySet<string>; seen: LastSeen },
  timeoutMs: number,
): Promise<AskedServer & { readonly server: ServerStatus; readonly cases: readonly CaseAt[] }> {
  const began = performance.now();
  const leftMs = () => Math.max(timeoutMs - (performance.now() - began), LEAST_MS);
  const before = seen.get(encodeHex(record.xid)) ?? null;
  const server = await readServer(context, record, before, leftMs);
  if (!server.isReachable) return { record, server, problem: server.problem, list: null, cases: [] };
  const [list, cases] = await Promise.all([
    heldKeysOf(context, record, { timeoutMs: leftMs() }),
    waitingCasesAt(context, record, leftMs()),
  ]);
  const held = withHeld(server, list, recorded);
  return { record, server: held, problem: server.problem, list: frozenWith(list, server.frozen), cases };
}

/** The kind of ceremony that gives a lost share back. */
const REPAIR = 'repair';

/** One that has used up its time with one answer may give the next at once. */
const LEAST_MS = 250;

function isOpen({ state }: Track): boolean {
  return state === 'open';
}

function openTrack(id: Uint8Array, kind: string, title: string, { keyName, expiresAt }: Track): OpenTrack {
  return { id: shortId(id), kind, title, key: keyName, expiresAt };
}

function withHeld(
  server: ServerStatus,
  list: HeldKeys | CkmError,
  recorded: ReadonlySet<string>,
): ServerStatus {
  if (list instanceof CkmError) return { ...server, problem: toldOf(list) };
  return { ...server, unrecorded: countUnrecorded(list, recorded) };
}

/** Asks one server how it is; a refusal is an answer too. */
async function readServer(
  context: ClientContext,
  record: ServerRecord,
  lastSeenAt: number | null,
  leftMs: () => number,
): Promise<ServerStatus> {
  const { name, url } = record;
  const none = {
    version: null,
    answerMs: null,
    keys: null,
    keyQuota: null,
    arithmetic: null,
    frozen: null,
    lastSeenAt,
    unrecorded: 0,
  };
  try {
    const link = await context.linkTo(record);
    const started = performance.now();
    const asked = context.clock();
    const { version, time, keys, keyQuota, arithmetic, frozen } = await link.call(
      'server.describe',
      {},
      { timeoutMs: leftMs() },
    );
    const answerMs = Math.round(performance.now() - started);
    const clockOffset = Math.round(time - (asked + context.clock()) / 2);
    const answer = { version, answerMs, clockOffset, keys, keyQuota, arithmetic };
    const facts = { ...answer, frozen: frozenAt(frozen), lastSeenAt: context.clock(), unrecorded: 0 };
    return { name, url, isReachable: true, ...facts, problem: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const clockOffset = offsetIn(error);
    const problem = await problemOf(context, record, error, leftMs());
    return { name, url, isReachable: false, ...none, clockOffset, problem };
  }
}

function frozenAt(frozen: Result<'server.describe'>['frozen']): AccountFrozenAt | null {
  if (frozen === undefined) return null;
  const { until, thawAskedAt, device = null } = frozen;
  return { until, thawAskedAt, device };
}

/** Of a frozen account every key is frozen there, at least as long. */
function frozenWith(list: HeldKeys | CkmError, frozen: AccountFrozenAt | null): HeldKeys | CkmError {
  if (frozen === null || list instanceof CkmError) return list;
  const { until, thawAskedAt } = frozen;
  const keys = list.keys.map((key) =>
    key.frozen !== undefined && key.frozen.until >= until
      ? key
      : { ...key, frozen: { id: key.keyId, until, thawAskedAt } },
  );
  return { ...list, keys };
}

function offsetIn({ facts: { aheadSeconds } }: CkmError): number | null {
  return typeof aheadSeconds === 'number' ? -aheadSeconds : null;
}

/** What says more about an error, when whoever is at the address is asked who that is. */
const TELLING: Readonly<Record<string, string>> = {
  SERVER_REFUSED_MESSAGE: 'SERVER_IDENTITY_CHANGED',
  SERVER_CONNECTION_LOST: 'SERVER_NOT_HTTP',
};

/** Why a server does not answer, as far as can be found out: also whether it is another one by now. */
async function problemOf(
  context: ClientContext,
  record: ServerRecord,
  error: CkmError,
  timeoutMs: number,
): Promise<ServerProblem> {
  if (isForgotten(error)) return { ...toldOf(error), code: 'MESSAGE_NOT_AUTHENTICATED', text: FORGOTTEN };
  const answer = TELLING[error.code];
  if (answer !== undefined) {
    try {
      await recheckServer(context, record.name, timeoutMs);
    } catch (found) {
      if (found instanceof CkmError && found.code === answer) return toldOf(found);
    }
  }
  return toldOf(error);
}

function toldOf(error: CkmError): ServerProblem {
  return { code: error.code, text: error.message, cause: causeOf(error), reason: reasonOf(error) };
}
