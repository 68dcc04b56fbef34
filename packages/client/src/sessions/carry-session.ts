import type { Proposal, SessionView } from '@ckm/api';
import { PolicyError, StateError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import { saveEvidence } from '../evidence/evidence.js';
import { OFFERING } from '../progress/job-steps.js';
import type { Participant } from '../servers/ask-all.js';
import { serverFault } from '../servers/faults.js';
import { judgeAccusation, provenFault } from './accusations.js';
import type { CeremonyOutcome } from './ceremony.js';
import { gather } from './gather.js';
import {
  type Equivocation,
  hasSaidAll,
  inPages,
  owed,
  packetsFor,
  packetsOf,
  placesOf,
  takePackets,
} from './packets.js';
import { isPastEnd, saveRun, type SessionRun, stepsOf } from './session-run.js';

/**
 * Carries a session to its end, from wherever it is: offers, joining, the rounds of its protocol, and what its ceremony
 * ends with. Every step is stored before the next one begins, and every step may be repeated, so that this can be called
 * again after anything.
 * @throws AvailabilityError `SERVERS_MISSING` when somebody is silent: call again later · PeerFaultError naming servers
 * · PolicyError `SESSION_REJECTED` · StateError `SESSION_EXPIRED`, `SESSION_CANCELLED`, `RETRY_…`
 */
export async function carrySession<O extends CeremonyOutcome>(run: SessionRun<O>): Promise<O> {
  if (run.plan === null) await propose(run);
  const { context, ceremony, participants } = run;
  for (let round = 0; round < ceremony.rounds.length; round++) await exchange(run, round);
  return ceremony.conclude({
    context,
    session: run.session,
    parameters: run.session.parameters!,
    participants,
    packets: (round) => packetsOf(run.board, round),
    handOut: (participant) => bring(run, participant),
    gather: (text, { missing, ask }) =>
      gather(run, { step: { stage: 'conclude', round: stepsOf(run), text }, missing, ask }),
  });
}

/** A server whose operator is asked first makes no offer until he has said yes: it is waited for like any other. */
async function propose(run: SessionRun): Promise<void> {
  const { sessionId, expiresAt } = run.session;
  const offers = new Map<Participant, Data>();
  await gather(run, {
    step: { stage: 'propose', round: 1, text: OFFERING },
    // Whoever cannot be asked yet is not waited for: what he needs is.
    missing: () =>
      run.participants.filter((one) => !offers.has(one) && proposalTo(run, one, offers) !== null),
    ask: async (participant, link) => {
      const proposal = proposalTo(run, participant, offers)!;
      const view = await link.call('session.propose', { sessionId, proposal, expiresAt });
      await assertGoingOn(run, participant, view);
      if (view.offer === null) run.undecided.add(participant);
      else {
        run.undecided.delete(participant);
        offers.set(participant, view.offer);
      }
    },
  });
  const parameters = run.ceremony.assemble(run.session, offers, run.context);
  run.plan = run.ceremony.plan(parameters, run.session);
  await saveRun(run, { parameters });
}

/** Null: others have to make their offers first. */
function proposalTo(
  { ceremony, session }: SessionRun,
  participant: Participant,
  offers: ReadonlyMap<Participant, Data>,
): Proposal | null {
  if (ceremony.proposalFor === undefined) return session.proposal;
  return ceremony.proposalFor(session, participant, offers);
}

/** Gets what everybody says in one round, handing out what was said before. */
async function exchange(run: SessionRun, round: number): Promise<void> {
  const text = run.ceremony.rounds[round]!;
  const isOwing = ({ slot }: Participant) => owed(run.plan!, run.board, round, slot) > 0;
  await gather(run, {
    step: { stage: round === 0 ? 'join' : 'exchange', round: round + 2, text },
    missing: () => run.participants.filter((one) => isOwing(one) || (round === 0 && !hasJoined(run, one))),
    ask: async (participant) => {
      if (round === 0) await join(run, participant);
      else await assertStillSaying(run, participant, await bring(run, participant));
    },
  });
  await saveRun(run);
}

/** Whoever has said anything has joined; whoever only listens at first is asked once in every run. */
function hasJoined(run: SessionRun, participant: Participant): boolean {
  return run.joined.has(participant) || packetsOf(run.board).some(({ from }) => from === participant.slot);
}

async function join(run: SessionRun, participant: Participant): Promise<void> {
  const { sessionId, parameters } = run.session;
  const link = run.links.get(participant)!;
  const view = await link.call('session.join', { sessionId, parameters: parameters! });
  run.joined.add(participant);
  await assertStillSaying(run, participant, await takeAll(run, participant, view, 0));
}

/** Brings a server what it has not heard in this run, and takes what it says. */
async function bring(run: SessionRun, participant: Participant): Promise<SessionView> {
  const { sessionId } = run.session;
  const link = run.links.get(participant)!;
  const before = run.brought.get(participant) ?? new Set();
  const news = packetsFor(run.board, participant.slot).filter((packet) => !before.has(packet));
  let view: SessionView | undefined;
  for (const page of inPages(news)) {
    const after = run.taken.get(participant) ?? 0;
    const packets = page.map(({ bytes }) => bytes);
    view = await takeAll(
      run,
      participant,
      await link.call('session.deliver', { sessionId, packets, after }),
      after,
    );
  }
  const all = new Set([...before, ...news]);
  // One that still waits for what it was brought has forgotten it: it is brought everything again.
  const { awaiting, round } = view!;
  const hasForgotten = [...all].some((packet) => packet.round === round && awaiting.includes(packet.from));
  if (hasForgotten) run.brought.delete(participant);
  else run.brought.set(participant, all);
  return view!;
}

/** Takes the packets of an answer, and those of the pages behind it. */
async function takeAll(
  run: SessionRun,
  participant: Participant,
  first: SessionView,
  before: number,
): Promise<SessionView> {
  const link = run.links.get(participant)!;
  const { sessionId } = run.session;
  let view = first;
  let after = before;
  for (;;) {
    await take(run, participant, view.outbox);
    after += view.outbox.length;
    run.taken.set(participant, after);
    // What a server says of pages to come is not believed for ever: it has no more to say than its places.
    const isLast =
      view.next === null || view.outbox.length === 0 || after >= placesOf(run.plan!, participant.slot);
    if (isLast || hasSaidAll(run.plan!, run.board, participant.slot)) return view;
    view = await link.call('session.show', { sessionId, after });
  }
}

async function take(run: SessionRun, participant: Participant, outbox: readonly Uint8Array[]): Promise<void> {
  const { ceremony, session, participants } = run;
  const scope = { ceremony, session, plan: run.plan!, participants };
  try {
    const { board, equivocation } = takePackets(scope, run.board, participant, outbox);
    run.board = board;
    if (equivocation !== null) throw await equivocated(run, equivocation);
  } catch (error) {
    // What anybody can check says more than what this client alone was told.
    throw (await provenFault(run)) ?? error;
  }
}

async function equivocated({ context, session }: SessionRun, { participant, round, packets }: Equivocation) {
  const path = await saveEvidence(context.store, {
    code: 'FAULT_EQUIVOCATION',
    sessionId: session.sessionId,
    serverId: participant.server.xid,
    at: context.clock(),
    convinces: 'anybody',
    exhibits: { round, packets },
  });
  return serverFault('FAULT_EQUIVOCATION', [participant], 'said two different things in one round', path);
}

/** Its packets were taken first: a server that has ended the session may still have given what the others need. */
async function assertStillSaying(
  run: SessionRun,
  participant: Participant,
  view: SessionView,
): Promise<void> {
  // Whoever has said all it has to say takes nothing back by ending its session.
  const isOverQuietly = view.state === 'cancelled' || view.state === 'expired';
  const isDone = hasSaidAll(run.plan!, run.board, participant.slot);
  if (isPastEnd(run) || (isDone && isOverQuietly)) return;
  await assertGoingOn(run, participant, view);
}

/** @throws the reason why a server's session is over, if it is over without a result */
async function assertGoingOn(run: SessionRun, participant: Participant, view: SessionView): Promise<void> {
  const { server } = participant;
  const because = view.reason === null || view.reason === '' ? '' : `: ${view.reason}`;
  const facts = { server: server.name };
  switch (view.state) {
    case 'aborted': {
      const { code, culprits } = view.fault ?? { code: 'SESSION_ABORTED', culprits: [] };
      throw await judgeAccusation(run, { accuser: participant, code, culprits });
    }
    case 'rejected': {
      const hint = `ask the operator of ${server.name}, or choose another server`;
      throw new PolicyError(`${server.name} does not take part${because}`, {
        code: 'SESSION_REJECTED',
        hint,
        facts,
      });
    }
    case 'cancelled':
    case 'expired': {
      const code = view.state === 'expired' ? 'SESSION_EXPIRED' : 'SESSION_CANCELLED';
      throw new StateError(`the session on ${server.name} is ${view.state}${because}`, {
        code,
        hint: 'start again',
        ...(run.ceremony.again === null ? {} : { remedy: run.ceremony.again }),
        facts,
      });
    }
    default:
  }
}
