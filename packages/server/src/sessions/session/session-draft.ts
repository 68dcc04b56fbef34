import { PACKET_SEAL_BYTES, type Packet, runIdOf, type SessionState, tellers } from '@ckm/api';
import { BugError } from '@ckm/foundation';
import { wipeKey } from '../keys/stored/epoch-record.js';
import type { KeyChange } from '../keys/change-key.js';
import { isOver, move } from './machine.js';
import {
  missingFrom,
  payloadOf,
  sendersWithOtherEcho,
  sortPackets,
  type Contradicting,
  type Contradiction,
  type Mark,
  type PacketScope,
  type Sorted,
} from '../room/packet-log.js';
import type {
  Granted,
  Heard,
  JoinedSession,
  Room,
  RoomHearing,
  RoomMeans,
  RoomStep,
  SessionFault,
} from '../room/room.js';
import { demand } from '../../refusals.js';
import type { Reader } from '../../storage/storage.js';
import type { SessionRecord, StoredSession } from './session-record.js';
import { speak } from '../room/speak.js';
import type { WaitingTime } from '../waiting-time.js';

/**
 * What a session is about to become: computed first, stored in one go (`session-store.ts`), sent last. Nothing here
 * writes to storage.
 */
export interface Draft {
  readonly session: StoredSession;
  /** To be inserted: received packets and own ones. */
  readonly fresh: readonly Packet[];
  readonly evidence: readonly Contradiction[];
  readonly keys: readonly KeyChange[];
}

/** What drafting needs besides the session: its room, what a room may use, and packets that are stored. */
export interface Drafting {
  readonly means: RoomMeans;
  readonly room: Room;
  /** What is stored, as of the transaction in which the draft is made. */
  readonly reader: Reader;
  /** Stored packets of a round. */
  readonly round: (round: number) => Promise<readonly Packet[]>;
}

export function draftOf(session: StoredSession): Draft {
  return { session, fresh: [], evidence: [], keys: [] };
}

/** The session's end, with why. */
export function endDraft(
  draft: Draft,
  state: SessionState,
  why: { readonly fault?: SessionFault; readonly reason?: string },
): Draft {
  const ended = withRecord(draft, { awaiting: [], fault: why.fault ?? null, reason: why.reason ?? null });
  return withState(ended, state);
}

/** This server takes part: its offer, and what it must remember of it. */
export async function openDraft(
  { means, room, reader }: Pick<Drafting, 'means' | 'room' | 'reader'>,
  draft: Draft,
  granted: Granted,
): Promise<Draft> {
  const { row, record } = draft.session;
  const { offer, secrets } = await room.open(means, { owner: row.owner, reader }, record.proposal, granted);
  return withState(withRecord(draft, { offer, secrets, waiting: null }), 'accepted');
}

/**
 * Its operator says yes: it begins, unless its time is waited for in any case.
 * @throws StateError `SESSION_NOT_WAITING` when he is not asked, or has said so
 */
export async function approveDraft(
  drafting: Pick<Drafting, 'means' | 'room' | 'reader'>,
  draft: Draft,
): Promise<Draft> {
  const { operator, waiting = null } = draft.session.record;
  const isAsked = operator === undefined || operator === 'asked';
  demand(isAsked, 'SESSION_NOT_WAITING', 'this ceremony does not wait for the operator');
  const isEarly = operator === 'asked' && waiting !== null && waiting.counted < waiting.needed;
  const agreed = withRecord(draft, { operator: 'agreed' });
  if (isEarly) return agreed;
  const heard = await hearPeople(drafting, draft);
  if (heard?.isOver === true) return refuseDraft(drafting.room, draft, heard);
  return heard !== null && heard.reason !== null ? agreed : openDraft(drafting, draft, 'operator');
}

/** How far people are whom its room asks; null: it asks nobody, or asks nobody any more. */
export async function hearPeople(
  { room, reader }: Pick<Drafting, 'room' | 'reader'>,
  { session: { state, row, record } }: Pick<Draft, 'session'>,
): Promise<RoomHearing | null> {
  if (state !== 'proposed' || room.people === undefined) return null;
  return room.people.hear({ owner: row.owner, reader }, record.proposal);
}

/** People ended it. */
export function refuseDraft(room: Room, draft: Draft, { reason }: RoomHearing): Draft {
  return declineDraft(room, endDraft(draft, 'rejected', { reason: reason ?? '' }));
}

/** Somebody said no before it began: the room says what is remembered of that. */
export function declineDraft(room: Room, draft: Draft): Draft {
  const keys = room.declined?.(draft.session.record.proposal) ?? [];
  return { ...draft, keys: [...draft.keys, ...keys] };
}

/** Its owner takes it back; one that is over stays what it is. */
export function cancelDraft(room: Room, draft: Draft, reason: string): Draft {
  const { state } = draft.session;
  if (isOver(state)) return draft;
  const ended = endDraft(draft, 'cancelled', { reason });
  return state === 'proposed' ? declineDraft(room, ended) : ended;
}

/** The operator has been silent for so long. */
export function countDraft(draft: Draft, waiting: WaitingTime): Draft {
  return withRecord(draft, { waiting });
}

/** Hands the agreed parameters to the room: the protocol starts. */
export async function joinDraft(drafting: Drafting, draft: Draft, parameters: Uint8Array): Promise<Draft> {
  const { means, room, reader } = drafting;
  const { row, record } = draft.session;
  const { owner, sessionId } = row;
  const { proposal, offer } = record;
  const session = { owner, reader, sessionId, proposal, offer, secrets: record.secrets! };
  const { seats, step } = await room.join(means, session, parameters);
  const joined = withState(withRecord(draft, { parameters, seats }), 'running');
  return advanceDraft(drafting, takeStep(drafting, joined, step));
}

/**
 * Hears what a courier delivers, and goes on as far as that allows. The order is the protocol's: who said it, whether
 * somebody contradicted himself, whether all heard the same, and only then what it means.
 */
export async function hearDraft(
  drafting: Drafting,
  draft: Draft,
  delivered: readonly Uint8Array[],
): Promise<Draft> {
  const scope = scopeOf(drafting.room, draft.session);
  const { record } = draft.session;
  const sorted = sortPackets(scope, record.marks, delivered);
  const heard = {
    ...keep(draft, sorted.fresh),
    evidence: await contradictions(drafting, sorted.contradicting, sorted.fresh),
  };
  const fault = faultOf(drafting.room, scope, sorted, record.round);
  if (fault !== null) return endDraft(heard, 'aborted', { fault });
  return advanceDraft(drafting, heard);
}

/** Overwrites the secrets of a draft; its sealed copies are stored by then. */
export function wipeDraft({ session, keys }: Draft): void {
  session.record.secrets?.fill(0);
  for (const change of keys) if ('record' in change) wipeKey(change.record);
}

/** Whether storing the draft would change anything. */
export function isUnchanged(draft: Draft, before: StoredSession): boolean {
  return draft.session === before && draft.fresh.length === 0 && draft.evidence.length === 0;
}

async function contradictions(
  { round }: Drafting,
  found: readonly Contradicting[],
  fresh: readonly Packet[],
): Promise<readonly Contradiction[]> {
  const made: Contradiction[] = [];
  for (const { earlier, packet } of found) {
    const kept = [...fresh, ...(await round(earlier.round))];
    const first = kept.find(({ from, to }) => from === earlier.from && to === earlier.to);
    if (first === undefined) continue;
    made.push({ sender: packet.from, round: packet.round, first: first.bytes, second: packet.bytes });
  }
  return made;
}

/** What is wrong with packets before anybody looks into them. The fault's round is that of the first wrong packet. */
function faultOf(
  room: Room,
  { seats }: PacketScope,
  { contradicting, otherVersion, fresh }: Sorted,
  round: number,
): SessionFault | null {
  const twice = contradicting.map(({ packet }) => packet);
  // A second life of our own (an old database, a forgotten replica) spoke in this session: nobody else is to blame.
  if (twice.some(({ from }) => from === seats.ownSlot)) {
    return { code: 'RETRY_OWN_STATE_LOST', round, culprits: [] };
  }
  if (twice.length > 0) return blame('FAULT_EQUIVOCATION', twice);
  if (otherVersion.length > 0) return { code: 'RETRY_VERSION_DIFFERS', round, culprits: [] };
  const garbled = fresh.filter((packet) => !isPossible(room, packet));
  return garbled.length === 0 ? null : blame('FAULT_MALFORMED', garbled);
}

/** What everybody can see: of something sealed, how long it is. */
function isPossible(room: Room, { round, to, payload }: Packet): boolean {
  const limit = room.payloadLimit(round);
  return to === 0
    ? payload.length <= limit && room.isReadable(round, payload)
    : payload.length <= limit + PACKET_SEAL_BYTES;
}

function blame(
  code: string,
  said: readonly { readonly from: number; readonly round: number }[],
): SessionFault {
  const culprits = [...new Set(said.map(({ from }) => from))].sort((a, b) => a - b);
  return { code, round: Math.min(...said.map(({ round }) => round)), culprits };
}

async function advanceDraft(drafting: Drafting, draft: Draft): Promise<Draft> {
  let current = draft;
  for (;;) {
    const { session } = current;
    const { round, awaiting, marks, seats } = session.record;
    if (isOver(session.state) || missingFrom(seats!, marks, round, awaiting).length > 0) return current;
    current = await advanceOnce(drafting, current);
    if (!isOver(current.session.state) && current.session.record.round <= round) throw stuck();
  }
}

async function advanceOnce(drafting: Drafting, draft: Draft): Promise<Draft> {
  const { room, means, reader } = drafting;
  const { record, row } = draft.session;
  const { round, awaiting, marks, seats } = record;
  const packets = [...(await drafting.round(round)), ...draft.fresh]
    .filter((packet) => packet.round === round && awaiting.includes(packet.from))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  const others = sendersWithOtherEcho(seats!, packets, marks, round);
  if (others.length > 0) {
    // Not blame: only the courier knows whether he told everybody the same.
    const reason = `slot ${others.join(', ')} heard something else before round ${round} than this server`;
    const fault = { code: 'RETRY_VIEWS_DIFFER', round, culprits: [] };
    return endDraft(draft, 'aborted', { fault, reason });
  }
  const { heard, unreadable } = readAll(drafting, packets);
  if (unreadable.length > 0) {
    return endDraft(draft, 'aborted', { fault: blame('SUSPECT_SEALED_PAYLOAD', unreadable) });
  }
  const { proposal, offer, parameters, secrets } = record;
  const { owner, sessionId } = row;
  const known = { owner, reader, sessionId, proposal, offer, parameters, seats, secrets, round };
  const session = known as JoinedSession;
  const step = room.advance(means, session, heard);
  for (const { to, payload } of heard) if (to !== 0) payload.fill(0);
  return takeStep(drafting, draft, step);
}

/** Only its receiver can see what is wrong with something sealed: a suspicion, which convicts nobody. */
function readAll(
  { means, room }: Drafting,
  packets: readonly Packet[],
): { readonly heard: readonly Heard[]; readonly unreadable: readonly Packet[] } {
  const heard: Heard[] = [];
  const unreadable: Packet[] = [];
  for (const packet of packets) {
    const { round, from, to } = packet;
    const payload = payloadOf(means.identity, packet);
    if (payload === null || !room.isReadable(round, payload)) unreadable.push(packet);
    else heard.push({ from, to, payload });
  }
  return { heard, unreadable };
}

function takeStep({ means, room }: Drafting, draft: Draft, step: RoomStep): Draft {
  if (step.kind === 'aborted') return endDraft(draft, 'aborted', { fault: step.fault });
  const scope = scopeOf(room, draft.session);
  let spoken: Draft = { ...draft, keys: [...draft.keys, ...step.keys] };
  for (const said of step.says) {
    spoken = keep(spoken, [speak(means.identity, room, scope, spoken.session.record.marks, said)]);
  }
  if (step.kind === 'waiting') {
    const { secrets, round, awaiting } = step;
    const deaf = tellers(scope.seats, round).filter(
      (slot) => slot !== scope.seats.ownSlot && !awaiting.includes(slot),
    );
    if (deaf.length > 0) throw stuck();
    draft.session.record.secrets?.fill(0);
    return withRecord(spoken, { secrets, round, awaiting });
  }
  return withState(withRecord(spoken, { awaiting: [], result: step.result }), 'finished');
}

/** Keeps packets, and what they say in short. */
function keep(draft: Draft, packets: readonly Packet[]): Draft {
  if (packets.length === 0) return draft;
  const marks: Mark[] = packets.map(({ round, from, to, digest }) => ({ round, from, to, digest }));
  const kept = withRecord(draft, { marks: [...draft.session.record.marks, ...marks] });
  return { ...kept, fresh: [...draft.fresh, ...packets] };
}

function scopeOf({ protocol, lastRound }: Room, { row, record }: StoredSession): PacketScope {
  const sessionId = runIdOf(row.sessionId, record.parameters!);
  return { seats: record.seats!, protocol, lastRound, keyId: row.keyId, sessionId };
}

function withRecord(draft: Draft, change: Partial<SessionRecord>): Draft {
  const { session } = draft;
  return { ...draft, session: { ...session, record: { ...session.record, ...change } } };
}

function withState(draft: Draft, state: SessionState): Draft {
  const { session } = draft;
  return { ...draft, session: { ...session, state: move(session.state, state) } };
}

function stuck(): BugError {
  return new BugError('a protocol does not wait for what it needs, or for what is there already', {
    code: 'SESSION_STUCK',
    hint: 'report this: a protocol does not advance',
  });
}
