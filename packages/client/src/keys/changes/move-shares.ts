import { policyHash, type ReshareProposal } from '@ckm/api';
import { encodeStatement, type PromiseStatement, type Signed } from '@ckm/threshold';
import { abandonSession, newSession, runSession } from '../../sessions/run-session.js';
import { saveSession, sessionOnRecord } from '../../sessions/sessions.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { CkmError, equalBytes } from '@ckm/foundation';
import { paramsBefore } from '../chain/key-chain.js';
import { assureHeads } from '../heads/assure-head.js';
import { certifyRecord } from '../key-record.js';
import { loadKeyRecord } from '../keys.js';
import { termsNumbered } from '../terms/terms-of-epochs.js';
import { type ChangeMember, type ChangeRun, newMembers, saveChangeRun, toldOfMove } from './change-run.js';
import { notesOf, resharing } from './resharing.js';

const LIFETIME_SECONDS = 86_400;
/** Who does not answer ends it when its time is over. */
const TELL_MS = 3_000;

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
  const { context } = run;
  const on = toldOfMove(run);
  /** Names of those that say they have nothing to deal with. */
  const unable = new Set<string>();
  let areAssured = false;
  for (;;) {
    const session = (await sessionBefore(run)) ?? (await begin(run, attempt, promises, unable));
    try {
      return (await runSession(context, resharing, session, on)).signed;
    } catch (error) {
      const stored = await sessionOnRecord(context.store, session.sessionId);
      const isOver = stored?.state !== 'open';
      // What is over is not gone on with: the next time is another session.
      if (isOver) await saveChangeRun(run, { sessionId: null });
      const server = unableToDeal(error);
      if (isBack(error) && !areAssured) {
        areAssured = true;
        await assureHeads(context, certifyRecord(await loadKeyRecord(context.store, run.record.keyName)));
      } else if (server !== null && !unable.has(server)) {
        unable.add(server);
        if (able(promises, unable).length < run.before.params.quorum.needed) throw error;
      } else {
        const goesOn = await withOtherDealers(run, { session, promises, unable, error, isOver });
        if (!goesOn) throw error;
      }
    }
  }
}

/** Has servers end the session in which the shares moved, where no question for a lock did: what they keep for it is of no use any more. */
export async function endSessionAt(
  { links, record: { sessionId } }: ChangeRun,
  members: readonly ChangeMember[],
): Promise<void> {
  if (sessionId === null) return;
  const ended = { sessionId, reason: 'the shares have moved' };
  const told = members.map((member) =>
    links.get(member)!.call('session.cancel', ended, { timeoutMs: TELL_MS }),
  );
  await Promise.allSettled(told);
}

type Promised = ReadonlyMap<ChangeMember, Signed<PromiseStatement>>;

interface Broken {
  readonly session: SessionRecord;
  readonly promises: Promised;
  readonly unable: ReadonlySet<string>;
  readonly error: unknown;
  readonly isOver: boolean;
}

/**
 * Notes who kept a session from its end, so that others deal the next time.
 * @returns whether another session may do better at once: nobody who has to receive a share anyhow kept it from its end, and others
 * can deal
 */
async function withOtherDealers(
  run: ChangeRun,
  { session, promises, unable, error, isOver }: Broken,
): Promise<boolean> {
  const blamed = run.members.filter(({ server }) => namedIn(error).includes(server.name));
  const isSilence = error instanceof CkmError && error.errorClass === 'AvailabilityError';
  // Whoever stays is waited for as one who receives: another dealer in its place would change nothing.
  const noted = blamed.filter(
    (one) => one.oldSlot !== null && !isPoor(run, one) && (!isSilence || one.newSlot === null),
  );
  if (noted.length === 0) return false;
  const { poorDealers } = run.record;
  await saveChangeRun(run, { poorDealers: [...poorDealers, ...noted.map(({ server }) => server.xid)] });
  const others = able(promises, unable).filter((one) => !isPoor(run, one));
  const isEnough = others.length >= run.before.params.quorum.needed;
  if (!isEnough || blamed.some(({ newSlot }) => newSlot !== null)) return false;
  if (!isOver) {
    const reason = 'others deal in its place';
    await abandonSession(run.context, resharing, session, { reason, named: null });
    await saveChangeRun(run, { sessionId: null });
  }
  return true;
}

/** The servers that an error names. */
function namedIn(error: unknown): readonly string[] {
  if (!(error instanceof CkmError)) return [];
  const { server, servers } = error.facts;
  return [server, ...(Array.isArray(servers) ? servers : [])].filter((name) => typeof name === 'string');
}

function isPoor({ record: { poorDealers } }: ChangeRun, { server }: ChangeMember): boolean {
  return poorDealers.some((xid) => equalBytes(xid, server.xid));
}

function able(promises: Promised, unable: ReadonlySet<string>): readonly ChangeMember[] {
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

/** Whether a server that came back from an older state deals nothing before the others have told it how far the key is. */
function isBack(error: unknown): boolean {
  return error instanceof CkmError && error.code === 'KEY_HEAD_UNKNOWN';
}

const CANNOT_DEAL: readonly string[] = ['STATIC_SECRET_WRONG', 'CHANGE_CANNOT_DEAL'];

/** The session that moved shares last; null: there was none, or its record is gone, and another one begins in its place. */
async function sessionBefore(run: ChangeRun): Promise<SessionRecord | null> {
  const { sessionId } = run.record;
  return sessionId === null ? null : sessionOnRecord(run.context.store, sessionId);
}

async function begin(
  run: ChangeRun,
  attempt: number,
  promises: Promised,
  unable: ReadonlySet<string>,
): Promise<SessionRecord> {
  const { context, record } = run;
  const dealers = dealersAmong(run, able(promises, unable));
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
    notes: notesOf(record.checked, await staticKeysBefore(run), await termsHashOf(run)),
    lifetimeSeconds: LIFETIME_SECONDS,
  });
  await saveSession(context.store, session);
  await saveChangeRun(run, { sessionId: session.sessionId });
  return session;
}

/** Of the terms under which the change was ordered. */
async function termsHashOf({ context, before, record: { keyName, order } }: ChangeRun): Promise<Uint8Array> {
  const { keyId, termsVersion } = order;
  if (termsVersion === before.termsVersion) return before.params.termsHash;
  const { policy } = await loadKeyRecord(context.store, keyName);
  const terms = await termsNumbered(context, keyId, policy, termsVersion);
  return terms === null ? before.params.termsHash : policyHash(terms);
}

/** The static keys of all epochs before the deciding one: none of them comes back. */
async function staticKeysBefore({ context, record: { keyName, order } }: ChangeRun): Promise<Uint8Array[]> {
  const before = paramsBefore(await loadKeyRecord(context.store, keyName), order.epoch);
  return before.flatMap(({ roster }) => roster.map(({ staticKey }) => staticKey));
}

/**
 * As many as the old quorum needs, in order of their old slots: first those that kept no session from its end, and among them those that
 * stay, since they take part anyhow.
 */
function dealersAmong(run: ChangeRun, promised: readonly ChangeMember[]): readonly ChangeMember[] {
  const rank = (one: ChangeMember) => (isPoor(run, one) ? 2 : 0) + (one.newSlot === null ? 1 : 0);
  const { needed } = run.before.params.quorum;
  const chosen = promised.toSorted((a, b) => rank(a) - rank(b)).slice(0, needed);
  return chosen.toSorted((a, b) => a.oldSlot! - b.oldSlot!);
}
