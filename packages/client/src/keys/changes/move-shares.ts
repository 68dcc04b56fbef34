import type { ReshareProposal } from '@ckm/api';
import { encodeStatement, type PromiseStatement, type Signed } from '@ckm/threshold';
import { newSession, runSession } from '../../sessions/run-session.js';
import { findSession, saveSession } from '../../sessions/sessions.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { CkmError, encodeHex } from '@ckm/foundation';
import { type ChangeMember, type ChangeRun, newMembers, reportChange, saveChangeRun } from './change-run.js';
import { notesOf, resharing } from './resharing.js';

const LIFETIME_SECONDS = 86_400;

/**
 * Has members of the old epoch share out their shares among the whole next roster, or goes on with that.
 * @returns what the whole next roster signed
 * @throws as `runSession`
 */
export async function moveShares(
  run: ChangeRun,
  {
    attempt,
    promises,
  }: {
    readonly attempt: number;
    readonly promises: Promised;
  },
): Promise<Uint8Array> {
  const { context, on } = run;
  const unable = new Set<string>();
  for (;;) {
    const session = (await sessionBefore(run)) ?? (await begin(run, attempt, promises, unable));
    reportChange(run, 'move', 'making new shares', run.members);
    try {
      return (await runSession(context, resharing, session, on)).signed;
    } catch (error) {
      const { state } = await findSession(context.store, encodeHex(session.sessionId));
      // What is over is not gone on with: the next time is another session.
      if (state !== 'open') await saveChangeRun(run, { sessionId: null });
      const server = unableToDeal(error);
      if (server === null || unable.has(server)) throw error;
      unable.add(server);
      if (ableToDeal(promises, unable).length < run.before.params.quorum.needed) throw error;
    }
  }
}

type Promised = ReadonlyMap<ChangeMember, Signed<PromiseStatement>>;

function ableToDeal(promises: Promised, unable: ReadonlySet<string>): readonly ChangeMember[] {
  return [...promises.keys()].filter(({ server }) => !unable.has(server.name));
}

/**
 * The server that says it has nothing to deal with, as one whose share was repaired in this epoch: it receives like the others, and
 * others deal. Null: the error is another one.
 */
function unableToDeal(error: unknown): string | null {
  if (!(error instanceof CkmError) || !CANNOT_DEAL.includes(error.code)) return null;
  const { server } = error.facts;
  return typeof server === 'string' ? server : null;
}

const CANNOT_DEAL: readonly string[] = ['STATIC_SECRET_WRONG', 'CHANGE_CANNOT_DEAL'];

async function sessionBefore({ context, record: { sessionId } }: ChangeRun): Promise<SessionRecord | null> {
  return sessionId === null ? null : findSession(context.store, encodeHex(sessionId));
}

async function begin(
  run: ChangeRun,
  attempt: number,
  promises: Promised,
  unable: ReadonlySet<string>,
): Promise<SessionRecord> {
  const { context, record, before } = run;
  const dealers = dealersAmong(ableToDeal(promises, unable), before.params.quorum.needed);
  const receivers = newMembers(run);
  const leaving = dealers.filter(({ newSlot }) => newSlot === null);
  const proposal: ReshareProposal = {
    kind: 'reshare',
    keyId: record.order.keyId,
    order: record.order,
    dealers: dealers.map(({ oldSlot }) => oldSlot!),
    attempt,
    promises: [...promises.values()].map(encodeStatement),
  };
  const session = newSession(context, {
    proposal,
    servers: [...receivers, ...leaving].map(({ server }) => server),
    keyName: record.keyName,
    notes: notesOf(record.checked),
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  await saveSession(context.store, session);
  await saveChangeRun(run, { sessionId: session.sessionId });
  return session;
}

/** As many as the old quorum needs; those that stay first, since they take part anyhow. In order of their old slots. */
function dealersAmong(promised: readonly ChangeMember[], needed: number): readonly ChangeMember[] {
  const staying = promised.filter(({ newSlot }) => newSlot !== null);
  const leaving = promised.filter(({ newSlot }) => newSlot === null);
  return [...staying, ...leaving].slice(0, needed).toSorted((a, b) => a.oldSlot! - b.oldSlot!);
}
