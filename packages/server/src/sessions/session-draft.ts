import { parsePacket, previousHash, runIdOf, signPacket, type Packet, type SessionState } from '@ckm/api';
import { BugError } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { isOver, move } from './machine.js';
import {
  missingFrom,
  sendersOfAnotherStory,
  sortPackets,
  type Contradiction,
  type PacketScope,
  type Sorted,
} from './packet-log.js';
import { wipeKey } from './keys/key-record.js';
import type { KeyChange, Room, RoomStep, Said, SessionFault, SessionRecord } from './room.js';
import type { StoredSession } from './session-record.js';

/**
 * What a session is about to become: computed first, stored in one go (`session-store.ts`), sent last. Nothing here
 * touches storage.
 */
export interface Draft {
  readonly session: StoredSession;
  /** All packets of the session, the fresh ones included. */
  readonly packets: readonly Packet[];
  /** To be inserted: received ones and own ones. */
  readonly fresh: readonly Packet[];
  readonly evidence: readonly Contradiction[];
  readonly key: KeyChange | null;
}

export function draftOf(session: StoredSession, packets: readonly Packet[]): Draft {
  return { session, packets, fresh: [], evidence: [], key: null };
}

/** The session's end, with why. */
export function endDraft(
  draft: Draft,
  state: SessionState,
  why: { readonly fault?: SessionFault; readonly reason?: string },
): Draft {
  const { session } = draft;
  return {
    ...draft,
    session: {
      ...session,
      state: move(session.state, state),
      record: { ...session.record, awaiting: [], fault: why.fault ?? null, reason: why.reason ?? null },
    },
  };
}

/** Hands the agreed parameters to the room: the protocol starts. */
export function joinDraft(context: ServerContext, room: Room, draft: Draft, parameters: Uint8Array): Draft {
  const { session } = draft;
  const step = room.join(context, session.record, session.row.sessionId, parameters);
  const joined: StoredSession = {
    ...session,
    state: move(session.state, 'running'),
    record: { ...session.record, parameters },
  };
  return advanceDraft(context, room, takeStep(context, room, { ...draft, session: joined }, step));
}

/**
 * Hears what a courier delivers, and goes on as far as that allows. The order is the protocol's: who said it, whether
 * somebody contradicted himself, whether all heard the same, and only then what it means.
 */
export function hearDraft(
  context: ServerContext,
  room: Room,
  draft: Draft,
  delivered: readonly Uint8Array[],
): Draft {
  const scope = scopeOf(context, room, draft.session);
  const sorted = sortPackets(scope, draft.packets, delivered);
  const heard: Draft = {
    ...draft,
    packets: [...draft.packets, ...sorted.fresh],
    fresh: [...draft.fresh, ...sorted.fresh],
    evidence: sorted.contradictions,
  };
  const fault = faultOf(room, scope, sorted, draft.session.record.round);
  if (fault !== null) return endDraft(heard, 'aborted', { fault });
  return advanceDraft(context, room, heard);
}

/** Overwrites the secrets of a draft; its sealed copies are stored by then. */
export function wipeDraft({ session, key }: Draft): void {
  session.record.secrets?.fill(0);
  if (key !== null) wipeKey(key.record);
}

/** Whether storing the draft would change anything. */
export function isUnchanged(draft: Draft, before: StoredSession): boolean {
  return draft.session === before && draft.fresh.length === 0 && draft.evidence.length === 0;
}

/** What is wrong with packets before anybody looks into them. The fault's round is that of the first wrong packet. */
function faultOf(room: Room, scope: PacketScope, sorted: Sorted, round: number): SessionFault | null {
  const { contradictions, otherVersion } = sorted;
  // A second life of our own (an old database, a forgotten replica) spoke in this session: nobody else is to blame.
  if (contradictions.some(({ sender }) => sender === scope.ownSlot)) {
    return { code: 'RETRY_OWN_STATE_LOST', round, culprits: [] };
  }
  const lies = contradictions.map((lie) => ({ ...lie, from: lie.sender }));
  if (lies.length > 0) return blame('FAULT_EQUIVOCATION', lies);
  if (otherVersion.length > 0) return { code: 'RETRY_VERSION_DIFFERS', round, culprits: [] };
  const garbled = sorted.fresh.filter(({ payload }) => !room.isReadable(payload));
  return garbled.length === 0 ? null : blame('FAULT_MALFORMED', garbled);
}

function blame(
  code: string,
  said: readonly { readonly from: number; readonly round: number }[],
): SessionFault {
  const culprits = [...new Set(said.map(({ from }) => from))].sort((a, b) => a - b);
  return { code, round: Math.min(...said.map(({ round }) => round)), culprits };
}

function advanceDraft(context: ServerContext, room: Room, draft: Draft): Draft {
  let current = draft;
  for (;;) {
    const { session, packets } = current;
    if (isOver(session.state)) return current;
    const { round, awaiting } = expected(context, room, session);
    const missing = missingFrom(packets, round, awaiting);
    if (missing.length > 0) return withRecord(current, { awaiting: missing });
    const others = sendersOfAnotherStory(packets, round);
    if (others.length > 0) {
      // Not blame: only the courier knows whether he told everybody the same.
      const reason = `slot ${others.join(', ')} heard another round ${round - 1} than this server`;
      return endDraft(current, 'aborted', {
        fault: { code: 'RETRY_VIEWS_DIFFER', round, culprits: [] },
        reason,
      });
    }
    const inbox = packets.filter((packet) => packet.round === round && awaiting.includes(packet.from));
    const step = room.advance(context, session.record, session.row.sessionId, inbox);
    if (step.kind === 'waiting' && step.round <= round) throw stuck();
    current = takeStep(context, room, current, step);
  }
}

function takeStep(context: ServerContext, room: Room, draft: Draft, step: RoomStep): Draft {
  if (step.kind === 'aborted') return endDraft(draft, 'aborted', { fault: step.fault });
  const spoken = say(context, room, { ...draft, key: step.key ?? draft.key }, step.says);
  if (step.kind === 'waiting') {
    const { secrets, round, awaiting } = step;
    return withRecord(spoken, { secrets, round, awaiting });
  }
  const { session } = withRecord(spoken, { awaiting: [], result: step.result });
  return { ...spoken, session: { ...session, state: move(session.state, 'finished') } };
}

/** Signs what the room says; each packet carries the echo of the round before. */
function say(context: ServerContext, room: Room, draft: Draft, says: readonly Said[]): Draft {
  let { packets, fresh } = draft;
  const { ownSlot, keyId, sessionId, epoch } = scopeOf(context, room, draft.session);
  for (const { round, payload } of says) {
    const previous = previousHash(packets.filter((packet) => packet.round === round - 1));
    const body = {
      protocol: room.protocol,
      keyId,
      epoch,
      sessionId,
      round,
      from: ownSlot,
      to: 0,
      previous,
      payload,
    };
    const packet = parsePacket(signPacket(context.identity, body));
    packets = [...packets, packet];
    fresh = [...fresh, packet];
  }
  return { ...draft, packets, fresh };
}

function expected(context: ServerContext, room: Room, { record }: StoredSession) {
  const { identityKeys, ownSlot } = room.members(context, record);
  const awaiting = identityKeys.map((_, i) => i + 1).filter((slot) => slot !== ownSlot);
  return { round: record.round, awaiting };
}

function scopeOf(context: ServerContext, room: Room, { row, record }: StoredSession): PacketScope {
  const { keyId } = row;
  const sessionId = runIdOf(row.sessionId, record.parameters!);
  const { protocol, lastRound } = room;
  return { ...room.members(context, record), protocol, lastRound, keyId, sessionId };
}

function withRecord(draft: Draft, change: Partial<SessionRecord>): Draft {
  const { session } = draft;
  return { ...draft, session: { ...session, record: { ...session.record, ...change } } };
}

function stuck(): BugError {
  return new BugError('a protocol asked for a round that is complete', {
    code: 'SESSION_STUCK',
    hint: 'report this: a protocol does not advance',
  });
}
