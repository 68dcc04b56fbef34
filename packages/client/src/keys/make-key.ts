import { CkmError, equalBytes, StateError, UsageError } from '@ckm/foundation';
import type { BitcoinNetwork } from '@ckm/requests';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { listed } from '../servers/faults.js';
import { createKeyRun, driveKeyRun, type KeyRun } from '../ceremony/key-ceremony.js';
import { isRoundComplete, ROUNDS } from '../ceremony/packets.js';
import type { ClientContext } from '../context/context.js';
import type { OnProgress } from '../progress/progress.js';
import { serverWithXid } from '../servers/servers.js';
import { type KeySession, type SessionState, shortId } from '../sessions/session-record.js';
import { saveSession } from '../sessions/sessions.js';
import type { ClientStore } from '../store/client-store.js';
import { isComplete, keyPath, type KeyRecord, parseKeyRecord } from './key-record.js';
import { saveKeyRecord } from './keys.js';

/**
 * Makes the key of a stored session, or goes on with it. When it returns, every server has promised that it stored the
 * certificate.
 * @throws as `driveKeyRun`; AvailabilityError `SERVERS_MISSING` when the key exists and somebody has not promised yet;
 * StateError `KEY_NOT_STORED` when somebody cannot store it
 */
export async function makeKey(
  context: ClientContext,
  session: KeySession,
  participants: readonly Participant[],
  on: OnProgress,
): Promise<KeyRecord> {
  const run = await createKeyRun(context, session, participants, on);
  try {
    const { encoded, acknowledged, missing } = await driveKeyRun(run, (certificate) =>
      acknowledgedBefore(context, session.keyName, certificate),
    );
    const record: KeyRecord = {
      name: session.keyName,
      certificate: encoded,
      policy: session.proposal.policy,
      network: session.network as BitcoinNetwork | null,
      createdAt: session.createdAt,
      acknowledged: acknowledged.map(({ slot }) => slot),
    };
    await keep(context, record);
    if (run.refusals.size > 0) throw notStored(run, record);
    if (missing.length > 0) throw notPromised(run, missing);
    await close(run, 'finished', null);
    return record;
  } catch (error) {
    if (isFinal(run, error)) {
      await close(run, 'failed', error.message.slice(0, 280));
      await tellServers(run, GIVEN_UP);
    }
    throw error;
  }
}

async function recordOf(store: ClientStore, name: string): Promise<KeyRecord | null> {
  const bytes = await store.get(keyPath(name));
  return bytes === null ? null : parseKeyRecord(keyPath(name), bytes);
}

/** Slots of servers that have promised this certificate already: they need not be asked again. */
async function acknowledgedBefore(
  { store }: ClientContext,
  name: string,
  certificate: Uint8Array,
): Promise<readonly number[]> {
  const before = await recordOf(store, name);
  return before !== null && equalBytes(before.certificate, certificate) ? before.acknowledged : [];
}

/** Never over another key of that name, however it came there. */
async function keep({ store }: ClientContext, record: KeyRecord): Promise<void> {
  const before = await recordOf(store, record.name);
  if (before !== null && !equalBytes(before.certificate, record.certificate)) {
    throw new UsageError(`there is another key ${record.name} now`, {
      code: 'KEY_EXISTS',
      hint: `rename that key, then go on`,
      remedy: { kind: 'renameKey', key: record.name },
    });
  }
  await saveKeyRecord(store, record);
}

/** Who takes part in a stored session. @throws UsageError `SERVER_UNKNOWN` */
export async function participantsOf(context: ClientContext, session: KeySession): Promise<Participant[]> {
  const participants: Participant[] = [];
  for (const [i, { name, xid }] of session.servers.entries()) {
    participants.push({ slot: i + 1, server: await serverWithXid(context.store, xid, name) });
  }
  return participants;
}

/**
 * Gives a session up, here and on every server that can be reached. Once every server has signed, the key may exist: it is
 * forgotten only when no server has promised that it stored the certificate, or when its owner names it. Nothing of value
 * can be lost by that: what is not complete was never handed out, and what its servers hold `key fetch` finds again.
 * @param forget the name of the key, said by its owner
 * @throws StateError `SESSION_OVER` when the key is complete, `KEY_HELD` when it has to be named
 */
export async function abandonKey(
  context: ClientContext,
  session: KeySession,
  reason: string,
  forget: string | null = null,
): Promise<KeySession> {
  const participants = await participantsOf(context, session);
  const run = await createKeyRun(context, session, participants, () => undefined);
  if (isRoundComplete(run.board, ROUNDS - 1)) await forgetKey(context, session, participants, forget);
  await close(run, 'cancelled', reason);
  await tellServers(run, reason === '' ? 'given up by its owner' : plainReason(reason));
  return run.session;
}

async function forgetKey(
  { store }: ClientContext,
  session: KeySession,
  participants: readonly Participant[],
  forget: string | null,
): Promise<void> {
  const { keyName } = session;
  const record = await recordOf(store, keyName);
  if (record === null) return;
  if (isComplete(record, participants.length)) throw tooLate(session);
  const holders = participants.filter(({ slot }) => record.acknowledged.includes(slot));
  if (holders.length > 0 && forget !== keyName) throw keyHeld(keyName, namesOf(holders));
  await store.delete(keyPath(keyName));
}

/** Endings of a session that no repetition changes. */
const ENDINGS = new Set(['SESSION_REJECTED', 'SESSION_EXPIRED', 'SESSION_CANCELLED', 'SESSION_ABORTED']);

/**
 * Whether the ceremony cannot go on after this: a fault, an ending, or a server's no for good. Not silence, not what a
 * repetition may cure, and nothing on our own side.
 */
function isFinal(run: KeyRun, error: unknown): error is CkmError {
  if (!(error instanceof CkmError) || isRoundComplete(run.board, ROUNDS - 1)) return false;
  if (/^(FAULT|SUSPECT|RETRY)_/.test(error.code) || ENDINGS.has(error.code)) return true;
  const isSaidByServer = typeof error.facts['server'] === 'string';
  return isSaidByServer && !error.retryable && error.errorClass !== 'BugError';
}

async function close(run: KeyRun, state: SessionState, reason: string | null): Promise<void> {
  run.session = { ...run.session, state, reason };
  await saveSession(run.context.store, run.session);
}

/** Whom this client suspects, or what one server said of another, is not for the others to hear. */
const GIVEN_UP = 'the ceremony was given up';

async function tellServers({ session: { sessionId }, links }: KeyRun, reason: string): Promise<void> {
  const calls = [...links.values()].map((link) =>
    link.call('session.cancel', { sessionId, reason }, { timeoutMs: 3_000 }),
  );
  await Promise.allSettled(calls);
}

function plainReason(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 280);
}

function notPromised(run: KeyRun, missing: readonly Participant[]): CkmError {
  const names = missing.map(({ server }) => server.name);
  return new CkmError(
    'AvailabilityError',
    `the key exists, but ${listed(names)} has not promised to have stored it`,
    {
      code: 'SERVERS_MISSING',
      hint: 'send nothing to this key yet, and go on when they answer',
      remedy: { kind: 'resumeSession', id: shortId(run.session.sessionId) },
      facts: { servers: names },
    },
  );
}

/** The key exists, and at least one server will never have its part of it by itself. */
function notStored({ refusals, session }: KeyRun, { name, acknowledged }: KeyRecord): StateError {
  const [[refusing, why]] = [...refusals] as [[Participant, CkmError]];
  const servers = namesOf(refusals.keys());
  return new StateError(`key ${name} exists, but ${refusing.server.name} cannot store it: ${why.message}`, {
    code: 'KEY_NOT_STORED',
    hint: `have ${listed(servers)} put back a newer backup and go on, or give the key up by its name`,
    remedy: { kind: 'cancelSession', id: shortId(session.sessionId) },
    facts: { servers, acknowledged: [...acknowledged], said: why.code },
  });
}

function keyHeld(name: string, holders: readonly string[]): StateError {
  return new StateError(`${listed(holders)} hold${holders.length === 1 ? 's' : ''} key ${name} already`, {
    code: 'KEY_HELD',
    hint: 'go on with it, or say its name to forget it here; what its servers hold can be fetched again',
    facts: { servers: [...holders], key: name },
  });
}

function tooLate(session: KeySession): StateError {
  return new StateError(`session ${shortId(session.sessionId)} cannot be given up: its key is complete`, {
    code: 'SESSION_OVER',
    hint: 'finish it',
    remedy: { kind: 'resumeSession', id: shortId(session.sessionId) },
    retryable: false,
  });
}
