import type { Proposal } from '@ckm/api';
import { beginningOf, CkmError, UsageError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import type { OnProgress } from '../progress/progress.js';
import type { ServerRecord } from '../servers/server-record.js';
import type { TrackState } from '../store/track.js';
import { carrySession } from './carry-session.js';
import type { Ceremony, CeremonyOutcome } from './ceremony.js';
import type { SessionRecord } from './session-record.js';
import { createSessionRun, isPastEnd, saveRun, type SessionRun } from './session-run.js';

/** What a session begins with. */
export interface SessionStart {
  readonly proposal: Proposal;
  /** In order of slots. */
  readonly servers: readonly Pick<ServerRecord, 'name' | 'xid'>[];
  /** The owner's name of the key it is about. */
  readonly keyName: string;
  /** What the ceremony remembers and tells no server. */
  readonly notes: Data;
  readonly lifetimeSeconds: number;
}

/** The record of a session of which nobody has heard yet; saved, it can be gone on with after anything. */
export function newSession(context: ClientContext, start: SessionStart): SessionRecord {
  const { proposal, servers, keyName, notes, lifetimeSeconds } = start;
  const createdAt = context.clock();
  return {
    sessionId: context.random(32),
    state: 'open',
    createdAt,
    expiresAt: createdAt + lifetimeSeconds,
    reason: null,
    keyName,
    proposal,
    notes,
    servers: servers.map(({ name, xid }) => ({ name, xid })),
    parameters: null,
    packets: [],
  };
}

/** The ceremony of a session. @throws UsageError `CEREMONY_UNKNOWN` */
export function ceremonyOf<O extends CeremonyOutcome>(
  ceremonies: readonly Ceremony<O>[],
  { proposal }: SessionRecord,
): Ceremony<O> {
  const found = ceremonies.find(({ kind }) => kind === proposal.kind);
  if (found !== undefined) return found;
  throw new UsageError(`this version knows no ceremony ${JSON.stringify(proposal.kind)}`, {
    code: 'CEREMONY_UNKNOWN',
    hint: 'go on with the version that began it',
    remedy: { kind: 'updateSoftware' },
  });
}

/**
 * Goes on with a stored session until its ceremony is through, or can go on no further.
 * @throws as `carrySession`, and whatever the ceremony ends it with
 */
export async function runSession<O extends CeremonyOutcome>(
  context: ClientContext,
  ceremony: Ceremony<O>,
  session: SessionRecord,
  on: OnProgress,
): Promise<O> {
  const run = await createSessionRun(context, ceremony, session, on);
  try {
    const outcome = await carrySession(run);
    await close(run, 'finished', null);
    return outcome;
  } catch (error) {
    if (isFinal(run, error)) {
      await close(run, 'failed', beginningOf(error.message, 280));
      await tellServers(run, GIVEN_UP);
    }
    throw error;
  }
}

/**
 * Gives a session up, here and on every server that can be reached. Once everybody has said everything it is the
 * ceremony's to say whether it still may be.
 * @param reason reaches the servers
 * @param named what its owner named to give it up all the same
 */
export async function abandonSession(
  context: ClientContext,
  ceremony: Ceremony,
  session: SessionRecord,
  { reason, named }: { readonly reason: string; readonly named: string | null },
): Promise<SessionRecord> {
  const run = await createSessionRun(context, ceremony, session, () => undefined);
  if (isPastEnd(run)) await ceremony.giveUp(context, session, run.participants, named);
  await close(run, 'cancelled', reason);
  await tellServers(run, reason === '' ? 'cancelled by its owner' : plainReason(reason));
  return run.session;
}

/** Endings of a session that no repetition changes. */
const ENDINGS = new Set(['SESSION_REJECTED', 'SESSION_EXPIRED', 'SESSION_CANCELLED', 'SESSION_ABORTED']);

/**
 * Whether the session cannot go on after this: a fault, an ending, or a server's no for good. Not silence, not what a
 * repetition may cure, and nothing on our own side.
 */
function isFinal(run: SessionRun, error: unknown): error is CkmError {
  if (!(error instanceof CkmError) || isPastEnd(run)) return false;
  if (/^(FAULT|SUSPECT|RETRY)_/.test(error.code) || ENDINGS.has(error.code)) return true;
  // Before anybody has joined nothing is lost: what is left of it would only have to be found and cancelled.
  if (run.plan === null && error.code.startsWith('QUOTA_')) return true;
  const isSaidByServer = typeof error.facts['server'] === 'string';
  return isSaidByServer && !error.retryable && error.errorClass !== 'BugError';
}

async function close(run: SessionRun, state: TrackState, reason: string | null): Promise<void> {
  await saveRun(run, { state, reason });
}

/** Whom this client suspects, or what one server said of another, is not for the others to hear. */
const GIVEN_UP = 'the ceremony was cancelled';

async function tellServers({ session: { sessionId }, links }: SessionRun, reason: string): Promise<void> {
  const calls = [...links.values()].map((link) =>
    link.call('session.cancel', { sessionId, reason }, { timeoutMs: 3_000 }),
  );
  await Promise.allSettled(calls);
}

function plainReason(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 280);
}
