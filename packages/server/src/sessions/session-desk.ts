import type { Parameters, Proposal, SessionState, SessionView } from '@ckm/api';
import { equalBytes, PolicyError } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { Call, ServerContext } from '../context.js';
import type { Reader, SessionRow, Transaction } from '../storage/storage.js';
import { demand, refusal } from './errors.js';
import { canMove, isOver, move } from './machine.js';
import { repeatWhenRaced } from './raced.js';
import type { Room, SessionRecord } from './room.js';
import { draftOf, endDraft, hearDraft, isUnchanged, joinDraft, type Draft } from './session-draft.js';
import { openSession, readPackets, sealSession, viewSession, type StoredSession } from './session-record.js';
import { reportDraft, storeDraft } from './session-store.js';

/** How a transaction is opened: through the message that is answered, or by the server for itself. */
type Transact = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** What `session.*` does, for every kind of ceremony. */
export interface SessionDesk {
  propose(call: Call, parameters: Parameters<'session.propose'>): Promise<SessionView>;
  join(call: Call, parameters: Parameters<'session.join'>): Promise<SessionView>;
  deliver(call: Call, parameters: Parameters<'session.deliver'>): Promise<SessionView>;
  show(call: Call, parameters: Parameters<'session.show'>): Promise<SessionView>;
  list(call: Call): Promise<{ sessions: SessionView[] }>;
  cancel(call: Call, parameters: Parameters<'session.cancel'>): Promise<SessionView>;
  /** Expires open sessions whose time has passed. */
  sweep(): Promise<void>;
}

const MOST_LISTED = 64;
const SWEEP_BATCH = 64;

/**
 * The people-and-policy machine around every ceremony. One message is one transaction; what it says leaves after the
 * commit; every call may be repeated and then only looks.
 */
export function createSessionDesk(context: ServerContext, rooms: readonly Room[]): SessionDesk {
  const roomFor = ({ kind }: Proposal): Room => rooms.find((room) => room.kind === kind)!;
  const { storage, clock } = context;

  /** Reads a session, lets `change` draft its future, stores that, and only then answers. */
  async function revise(
    transact: Transact,
    owner: Uint8Array,
    sessionId: Uint8Array,
    who: Uint8Array | null,
    change: (draft: Draft, room: Room, transaction: Transaction) => Draft | Promise<Draft>,
  ): Promise<SessionView> {
    const done = await repeatWhenRaced(() =>
      transact(async (transaction) => {
        const before = await findSession(context, transaction, owner, sessionId);
        const room = roomFor(before.record.proposal);
        const untouched = draftOf(before, await readPackets(context, transaction, before.row));
        const draft = isOverdue(before, clock())
          ? endDraft(untouched, 'expired', {})
          : await change(untouched, room, transaction);
        if (isUnchanged(draft, before)) return { before, draft, after: before };
        return { before, draft, after: await storeDraft(context, room, transaction, before, draft, who) };
      }),
    );
    if (done.after !== done.before) reportDraft(context, done.before, done.draft);
    return viewSession(
      done.after,
      ownPackets(context, roomFor(done.after.record.proposal), done.after, done.draft),
    );
  }

  async function propose(call: Call, { sessionId, proposal, expiresAt }: Parameters<'session.propose'>) {
    const owner = call.account.xid;
    const room = roomFor(proposal);
    const now = clock();
    await acceptOrLog(context, call, room, sessionId, proposal);
    return repeatWhenRaced(() =>
      call.transact(async (transaction) => {
        const existing = await transaction.sessions.find(owner, sessionId);
        if (existing !== null) {
          const session = openSession(context, existing);
          assertSameProposal(session, proposal, expiresAt);
          const packets = await readPackets(context, transaction, existing);
          return viewSession(session, ownPackets(context, room, session, { packets }));
        }
        demand(expiresAt > now, 'EXPIRY_PASSED', 'the session would be over before it begins');
        demand(
          expiresAt <= now + context.config.limits.sessionLifetimeSeconds,
          'EXPIRY_TOO_FAR',
          `a session may stay open for ${context.config.limits.sessionLifetimeSeconds} seconds`,
        );
        return viewSession(await openNew(call, transaction, room, { sessionId, proposal, expiresAt }), []);
      }),
    );
  }

  async function openNew(
    call: Call,
    transaction: Transaction,
    room: Room,
    { sessionId, proposal, expiresAt }: Parameters<'session.propose'>,
  ): Promise<StoredSession> {
    const { account } = call;
    const owner = account.xid;
    const { keyId } = proposal;
    await context.accounts.quota.openSession(transaction, account);
    await context.accounts.quota.key(transaction, account);
    await context.accounts.quota.bytes(transaction, account, NEW_SESSION_BYTES);
    demand((await transaction.keys.find(owner, keyId)) === null, 'KEY_ID_TAKEN', 'a key with this id exists');
    const { offer, secrets } = room.open(context, proposal);
    const record: SessionRecord = {
      proposal,
      offer,
      parameters: null,
      round: 0,
      awaiting: [],
      secrets,
      result: null,
      fault: null,
      reason: null,
    };
    const state = move('proposed', 'accepted');
    const columns = { owner, sessionId, keyId, state, open: true, version: 1, createdAt: clock(), expiresAt };
    const row = sealSession(context, { row: columns, state, record });
    await transaction.sessions.insert(row);
    await context.audit.append(transaction, {
      deed: 'session.accepted',
      who: owner,
      keyId,
      subject: sessionId,
      sentence: room.sentence(proposal),
      verdict: 'allowed',
      policy: '',
      detail: `expires at ${expiresAt}`,
    });
    context.events.sessionMoved({ kind: proposal.kind, to: state });
    return { row, state, record };
  }

  return {
    propose,
    join: (call, { sessionId, parameters }) =>
      revise(
        call.transact,
        call.account.xid,
        sessionId,
        call.account.xid,
        async (draft, room, transaction) => {
          const { state, record } = draft.session;
          if (record.parameters !== null) {
            demand(
              equalBytes(record.parameters, parameters),
              'SESSION_DIFFERS',
              'other parameters were agreed on',
            );
            return draft;
          }
          if (isOver(state)) return draft;
          demand(canMove(state, 'running'), 'SESSION_NOT_ACCEPTED', `the session is ${state}`);
          await context.accounts.quota.bytes(transaction, call.account, parameters.length);
          return joinDraft(context, room, draft, parameters);
        },
      ),
    deliver: (call, { sessionId, packets }) =>
      revise(
        call.transact,
        call.account.xid,
        sessionId,
        call.account.xid,
        async (draft, room, transaction) => {
          const { state, record } = draft.session;
          if (isOver(state)) return draft;
          demand(record.parameters !== null, 'SESSION_NOT_JOINED', 'the protocol has not started');
          const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
          await context.accounts.quota.bytes(transaction, call.account, bytes);
          return hearDraft(context, room, draft, packets);
        },
      ),
    async show(call, { sessionId }) {
      const owner = call.account.xid;
      const { session, packets } = await storage.read(async (reader) => {
        const found = await findSession(context, reader, owner, sessionId);
        return { session: found, packets: await readPackets(context, reader, found.row) };
      });
      if (isOverdue(session, clock())) return revise(call.transact, owner, sessionId, null, (draft) => draft);
      return viewSession(
        session,
        ownPackets(context, roomFor(session.record.proposal), session, { packets }),
      );
    },
    /** Without packets: {@link SessionDesk.show} one to go on with it. */
    async list(call) {
      const rows = await storage.read((reader) => reader.sessions.list(call.account.xid, MOST_LISTED));
      return { sessions: rows.map((row) => viewSession(openSession(context, row), [])) };
    },
    cancel: (call, { sessionId, reason }) =>
      revise(call.transact, call.account.xid, sessionId, call.account.xid, (draft) =>
        isOver(draft.session.state) ? draft : endDraft(draft, 'cancelled', { reason }),
      ),
    async sweep() {
      const rows = await storage.read((reader) => reader.sessions.overdue(clock(), SWEEP_BATCH));
      for (const { owner, sessionId } of rows) {
        await revise(
          (work) => storage.transact(work),
          owner,
          sessionId,
          null,
          (draft) => draft,
        );
      }
    },
  };
}

/** Room for the first rows of a session: offer, proposal, seals. */
const NEW_SESSION_BYTES = 4096;

/** Refuses with the policy's own words; the refusal is in the audit log before it is told. */
async function acceptOrLog(
  context: ServerContext,
  call: Call,
  room: Room,
  sessionId: Uint8Array,
  proposal: Proposal,
): Promise<void> {
  try {
    room.accept(context, proposal);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    await call.transact((transaction) =>
      context.audit.append(transaction, {
        deed: 'session.rejected' satisfies `session.${SessionState}`,
        who: call.account.xid,
        keyId: proposal.keyId,
        subject: sessionId,
        sentence: room.sentence(proposal),
        verdict: 'refused',
        policy: '',
        detail: error.code,
      }),
    );
    throw error;
  }
}

async function findSession(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  sessionId: Uint8Array,
): Promise<StoredSession> {
  const row = await reader.sessions.find(owner, sessionId);
  if (row === null) throw refusal('SESSION_UNKNOWN', 'there is no such session');
  return openSession(context, row);
}

function isOverdue({ row, state }: { row: SessionRow; state: SessionState }, now: number): boolean {
  return !isOver(state) && row.expiresAt <= now;
}

function assertSameProposal(session: StoredSession, proposal: Proposal, expiresAt: number): void {
  const same =
    session.row.expiresAt === expiresAt &&
    equalBytes(encodeData(session.record.proposal), encodeData(proposal));
  if (!same) throw refusal('SESSION_ID_TAKEN', 'another session has this id');
}

function ownPackets(
  context: ServerContext,
  room: Room,
  { record }: StoredSession,
  { packets }: Pick<Draft, 'packets'>,
): readonly Uint8Array[] {
  if (record.parameters === null) return [];
  const { ownSlot } = room.members(context, record);
  const own = packets.filter(({ from }) => from === ownSlot);
  return own.sort((a, b) => a.round - b.round).map(({ bytes }) => bytes);
}
