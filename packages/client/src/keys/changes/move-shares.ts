import type { ReshareProposal } from '@ckm/api';
import { encodeStatement, type PromiseStatement, type Signed } from '@ckm/threshold';
import { newSession, runSession } from '../../sessions/run-session.js';
import { findSession, saveSession } from '../../sessions/sessions.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { encodeHex } from '@ckm/foundation';
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
    readonly promises: ReadonlyMap<ChangeMember, Signed<PromiseStatement>>;
  },
): Promise<Uint8Array> {
  const session = (await sessionBefore(run)) ?? (await begin(run, attempt, promises));
  reportChange(run, 'move', 'making new shares', run.members);
  const { context, on } = run;
  try {
    return (await runSession(context, resharing, session, on)).signed;
  } catch (error) {
    const { state } = await findSession(context.store, encodeHex(session.sessionId));
    // What is over is not gone on with: the next time is another try.
    if (state !== 'open') await saveChangeRun(run, { sessionId: null });
    throw error;
  }
}

async function sessionBefore({ context, record: { sessionId } }: ChangeRun): Promise<SessionRecord | null> {
  return sessionId === null ? null : findSession(context.store, encodeHex(sessionId));
}

async function begin(
  run: ChangeRun,
  attempt: number,
  promises: ReadonlyMap<ChangeMember, Signed<PromiseStatement>>,
): Promise<SessionRecord> {
  const { context, record, before } = run;
  const dealers = dealersAmong([...promises.keys()], before.params.quorum.needed);
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
