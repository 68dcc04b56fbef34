import { isDrillKeyId, type Parameters, type Proposal, type SessionView } from '@ckm/api';
import { equalBytes, formatMoment, PolicyError } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { AuditEntry } from '../../audit/audit.js';
import type { Call, ServerContext } from '../../context.js';
import type { Transaction } from '../../storage/storage.js';
import { demand, refusal } from '../../refusals.js';
import { assertExpiry } from '../expiry.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Admission, Room } from '../room/room.js';
import { assertAsker } from './session-asker.js';
import { draftOf, openDraft } from './session-draft.js';
import { openSessionToShow, sealSession, type SessionRecord, type StoredSession } from './session-record.js';
import { isOverdue, type SessionMeans } from './session-revise.js';
import { viewOfSilent, viewSession, withHearing } from './session-view.js';
import { waitFrom } from '../waiting-time.js';

type Proposed = Parameters<'session.propose'>;

/** Room for the first rows of a session: offer, proposal, seals. */
const NEW_SESSION_BYTES = 4096;

/**
 * Opens a session, or shows the one that the very same proposal opened before.
 * @throws PolicyError when this server takes no part; StateError `SESSION_ID_TAKEN`; UsageError `EXPIRY_PASSED`,
 * `EXPIRY_TOO_FAR`, `CEREMONY_UNKNOWN`; whatever `Room.admit` throws
 */
export async function proposeSession(
  server: SessionMeans,
  call: Call,
  proposed: Proposed,
): Promise<SessionView> {
  const { context, rooms } = server;
  const room = rooms.find(({ kind }) => kind === proposed.proposal.kind);
  if (room === undefined) throw refusal('CEREMONY_UNKNOWN', 'this server has no such ceremony');
  const proposal = room.parseProposal(proposed.proposal);
  assertAsker(proposal, call);
  const isAllowed = room.takesDrills === true || !isDrillKeyId(proposal.keyId);
  demand(isAllowed, 'KEY_IS_FOR_DRILLS', `a key of a drill is not for a ceremony of kind ${room.kind}`);
  const { view, opened } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const existing = await findSame(context, room, call, transaction, { ...proposed, proposal });
      if (existing !== null) return { view: existing, opened: false };
      const cost = room.cost?.(proposal) ?? 0;
      if (cost > 0) server.charge(call.account, cost);
      const admission = await room.admit({ account: call.account, transaction }, proposal);
      if (admission.kind === 'refusal') {
        const detail = admission.error.code;
        await context.audit.append(transaction, entryOf(call, room, { ...proposed, proposal }, detail));
        return { view: admission.error, opened: false };
      }
      const session = await openNew(server, call, transaction, room, { ...proposed, proposal }, admission);
      return { view: await withHearing(room, transaction, session, viewOfSilent(session)), opened: true };
    }),
  );
  if (view instanceof PolicyError) throw view;
  if (opened) context.events.sessionMoved({ kind: room.kind, to: view.state });
  return view;
}

async function findSame(
  context: ServerContext,
  room: Room,
  call: Call,
  transaction: Transaction,
  { sessionId, proposal, expiresAt }: Proposed,
): Promise<SessionView | null> {
  const row = await transaction.sessions.find(call.account.xid, sessionId);
  if (row === null) return null;
  const session = openSessionToShow(context, row);
  const same = row.expiresAt === expiresAt && isSameProposal(session.record.proposal, proposal);
  if (!same) throw refusal('SESSION_ID_TAKEN', 'another session has this id');
  // Under terms that have changed meanwhile others may be asked.
  if (session.state === 'proposed' && !isOverdue(context, session))
    await room.people?.ask(transaction, row, proposal);
  return withHearing(room, transaction, session, await viewSession(context, transaction, session, 0));
}

function isSameProposal(one: Proposal, other: Proposal): boolean {
  return equalBytes(encodeData(one), encodeData(other));
}

async function openNew(
  { context, means, counting }: SessionMeans,
  call: Call,
  transaction: Transaction,
  room: Room,
  proposed: Proposed,
  admission: Exclude<Admission, { readonly kind: 'refusal' }>,
): Promise<StoredSession> {
  const { sessionId, proposal, expiresAt } = proposed;
  const { account } = call;
  assertExpiry(context, expiresAt, context.config.limits.sessionLifetimeSeconds);
  await context.accounts.quota.openSession(transaction, account);
  await context.accounts.quota.bytes(transaction, account, NEW_SESSION_BYTES);
  const columns = {
    owner: account.xid,
    sessionId,
    keyId: proposal.keyId,
    state: 'proposed',
    open: true,
    version: 1,
    createdAt: context.clock(),
    expiresAt,
    sealed: NOT_SEALED,
  } as const;
  const isAsked = admission.kind !== 'offer';
  const seconds = secondsOf(admission);
  const waiting = seconds === null ? null : waitFrom(counting(), seconds);
  const operator =
    admission.kind === 'wait' ? ({ operator: admission.asked ? 'asked' : 'not-asked' } as const) : {};
  const by = call.by.may === null ? {} : { by: call.by.id };
  const record: SessionRecord = { ...UNTOUCHED, proposal, waiting, ...operator, ...by };
  const untouched = draftOf({ row: columns, state: 'proposed', record });
  const { session } = isAsked
    ? untouched
    : await openDraft({ means, room, reader: transaction }, untouched, 'room');
  const row = sealSession(context, session);
  session.record.secrets?.fill(0);
  await transaction.sessions.insert(row);
  if (session.state === 'proposed') await room.people?.ask(transaction, columns, proposal);
  await context.audit.append(transaction, {
    ...entryOf(call, room, proposed, `open until ${formatMoment(expiresAt)}`),
    deed: `session.${session.state}`,
    verdict: isAsked ? 'asked' : 'allowed',
  });
  return { ...session, row };
}

function secondsOf(admission: Exclude<Admission, { readonly kind: 'refusal' }>): number | null {
  if (admission.kind === 'offer') return null;
  return admission.kind === 'wait' ? admission.seconds : (admission.grantedAfter ?? null);
}

/** The audit row of a refusal; it is written before the refusal is told. */
function entryOf(call: Call, room: Room, { sessionId, proposal }: Proposed, detail: string): AuditEntry {
  return {
    deed: 'session.rejected',
    who: call.account.xid,
    keyId: proposal.keyId,
    subject: sessionId,
    sentence: room.sentence(proposal),
    verdict: 'refused',
    policy: '',
    detail,
  };
}

const NOT_SEALED = new Uint8Array(0);

const UNTOUCHED = {
  offer: null,
  parameters: null,
  seats: null,
  marks: [],
  round: 0,
  awaiting: [],
  secrets: null,
  result: null,
  fault: null,
  reason: null,
} as const;
