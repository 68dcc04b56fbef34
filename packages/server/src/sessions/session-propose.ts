import type { Parameters, Proposal, SessionView } from '@ckm/api';
import { equalBytes, PolicyError } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import type { Call, ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import { demand, refusal } from './errors.js';
import { assertExpiry } from './expiry.js';
import { move } from './machine.js';
import { repeatWhenRaced } from './raced.js';
import type { Room, SessionRecord } from './room.js';
import {
  openSessionToShow,
  readPackets,
  sealSession,
  viewSession,
  type StoredSession,
} from './session-record.js';
import { viewIn, type SessionMeans } from './session-revise.js';

type Proposed = Parameters<'session.propose'>;

/** Room for the first rows of a session: offer, proposal, seals. */
const NEW_SESSION_BYTES = 4096;

/**
 * Opens a session, or shows the one that the very same proposal opened before.
 * @throws PolicyError when this server takes no part; StateError `SESSION_ID_TAKEN`, `KEY_ID_TAKEN`;
 * UsageError `EXPIRY_PASSED`, `EXPIRY_TOO_FAR`
 */
export async function proposeSession(
  means: SessionMeans,
  call: Call,
  proposed: Proposed,
): Promise<SessionView> {
  const { context } = means;
  const room = means.rooms.find(({ kind }) => kind === proposed.proposal.kind)!;
  const { view, opened } = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const existing = await findSame(means, call, transaction, proposed);
      if (existing !== null) return { view: existing, opened: false };
      const refused = await refuseByPolicy(context, call, transaction, room, proposed);
      if (refused !== null) return { view: refused, opened: false };
      const session = await openNew(context, call, transaction, room, proposed);
      return { view: viewSession(session, []), opened: true };
    }),
  );
  if (view instanceof PolicyError) throw view;
  if (opened) context.events.sessionMoved({ kind: room.kind, to: view.state });
  return view;
}

async function findSame(
  means: SessionMeans,
  call: Call,
  transaction: Transaction,
  { sessionId, proposal, expiresAt }: Proposed,
): Promise<SessionView | null> {
  const row = await transaction.sessions.find(call.account.xid, sessionId);
  if (row === null) return null;
  const session = openSessionToShow(means.context, row);
  const same = row.expiresAt === expiresAt && isSameProposal(session.record.proposal, proposal);
  if (!same) throw refusal('SESSION_ID_TAKEN', 'another session has this id');
  return viewIn(means, session, { packets: await readPackets(means.context, transaction, row) });
}

function isSameProposal(one: Proposal, other: Proposal): boolean {
  return equalBytes(encodeData(one), encodeData(other));
}

/** Null, or the policy's own words; the refusal is in the audit log before it is told. */
async function refuseByPolicy(
  context: ServerContext,
  call: Call,
  transaction: Transaction,
  room: Room,
  { sessionId, proposal }: Proposed,
): Promise<PolicyError | null> {
  try {
    room.accept(context, proposal);
    return null;
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    await context.audit.append(transaction, {
      deed: 'session.rejected',
      who: call.account.xid,
      keyId: proposal.keyId,
      subject: sessionId,
      sentence: room.sentence(proposal),
      verdict: 'refused',
      policy: '',
      detail: error.code,
    });
    return error;
  }
}

async function openNew(
  context: ServerContext,
  { account }: Call,
  transaction: Transaction,
  room: Room,
  { sessionId, proposal, expiresAt }: Proposed,
): Promise<StoredSession> {
  const owner = account.xid;
  const { keyId } = proposal;
  assertExpiry(context, expiresAt, context.config.limits.sessionLifetimeSeconds);
  await context.accounts.quota.openSession(transaction, account);
  await context.accounts.quota.key(transaction, account);
  await context.accounts.quota.bytes(transaction, account, NEW_SESSION_BYTES);
  demand((await transaction.keys.find(owner, keyId)) === null, 'KEY_ID_TAKEN', 'a key with this id exists');
  const { offer, secrets } = room.open(context, owner, proposal);
  const state = move('proposed', 'accepted');
  const columns = {
    owner,
    sessionId,
    keyId,
    state,
    open: true,
    version: 1,
    createdAt: context.clock(),
    expiresAt,
  };
  const record: SessionRecord = { ...UNTOUCHED, proposal, offer, secrets };
  const row = sealSession(context, { row: columns, state, record });
  secrets.fill(0);
  await transaction.sessions.insert(row);
  await context.audit.append(transaction, {
    deed: `session.${state}`,
    who: owner,
    keyId,
    subject: sessionId,
    sentence: room.sentence(proposal),
    verdict: 'allowed',
    policy: '',
    detail: `expires at ${expiresAt}`,
  });
  return { row, state, record };
}

const UNTOUCHED = {
  parameters: null,
  round: 0,
  awaiting: [],
  result: null,
  fault: null,
  reason: null,
} as const;
