import type { Packet } from '@ckm/api';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { OnProgress } from '../progress/progress.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { serverWithXid } from '../servers/servers.js';
import { shortId } from '../store/track.js';
import type { Ceremony, CeremonyOutcome, Gathering, Plan } from './ceremony.js';
import { boardOf, isAllSaid, type PacketBoard, packetsOf } from './packets.js';
import type { SessionRecord } from './session-record.js';
import { saveSession } from './sessions.js';

/** A session as it runs in this process. */
export interface SessionRun<O extends CeremonyOutcome = CeremonyOutcome> {
  readonly context: ClientContext;
  readonly ceremony: Ceremony<O>;
  readonly participants: readonly Participant[];
  readonly links: ReadonlyMap<Participant, ServerLink>;
  readonly on: OnProgress;
  session: SessionRecord;
  /** Null before parameters are agreed on. */
  plan: Plan | null;
  board: PacketBoard;
  /** Who has been asked to join in this run. */
  readonly joined: Set<Participant>;
  /** Whose operator is asked, and has not decided. */
  readonly undecided: Set<Participant>;
  /** How many packets each has given us in this run. */
  readonly taken: Map<Participant, number>;
  /** What each has been brought in this run. */
  readonly brought: Map<Participant, ReadonlySet<Packet>>;
}

/** @param session as stored: the run goes on from there @throws UsageError `SERVER_UNKNOWN` */
export async function createSessionRun<O extends CeremonyOutcome>(
  context: ClientContext,
  ceremony: Ceremony<O>,
  session: SessionRecord,
  on: OnProgress,
): Promise<SessionRun<O>> {
  const participants: Participant[] = [];
  const links = new Map<Participant, ServerLink>();
  for (const [i, { name, xid }] of session.servers.entries()) {
    const participant = { slot: i + 1, server: await serverWithXid(context.store, xid, name) };
    participants.push(participant);
    links.set(participant, await context.linkTo(participant.server));
  }
  return {
    context,
    ceremony,
    participants,
    links,
    on,
    session,
    plan: session.parameters === null ? null : ceremony.plan(session.parameters, session),
    board: boardOf(session),
    joined: new Set(),
    undecided: new Set(),
    taken: new Map(),
    brought: new Map(),
  };
}

export async function saveRun(run: SessionRun, change: Partial<SessionRecord> = {}): Promise<void> {
  const packets = packetsOf(run.board).map(({ bytes }) => bytes);
  run.session = { ...run.session, packets, ...change };
  await saveSession(run.context.store, run.session);
}

/** Whether everybody has said everything: from then on nothing that a server says ends the session. */
export function isPastEnd({ plan, board }: SessionRun): boolean {
  return plan !== null && isAllSaid(plan, board);
}

/** Offers, joining, the other rounds and the end are a step each for a person. */
export function stepsOf({ ceremony }: Pick<SessionRun, 'ceremony'>): number {
  return ceremony.rounds.length + 2;
}

export function reportStep(run: SessionRun, step: Gathering['step'], missing: readonly Participant[]): void {
  const waiting = namesOf(missing);
  const have = namesOf(run.participants.filter((participant) => !missing.includes(participant)));
  const { job } = run.ceremony;
  run.on({ job, id: shortId(run.session.sessionId), of: stepsOf(run), have, waiting, ...step });
}
