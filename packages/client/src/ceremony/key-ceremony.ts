import { dkgResult, type DkgResult, type RosterOffer, rosterOffer, type SessionView } from '@ckm/api';
import { AvailabilityError, CkmError, encodeHex, PolicyError, StateError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { saveEvidence } from '../evidence/evidence.js';
import { pause } from '../servers/pause.js';
import type { OnProgress, ProgressEvent } from '../progress/progress.js';
import { type KeySession, shortId } from '../sessions/session-record.js';
import { saveSession } from '../sessions/sessions.js';
import type { ServerLink } from '../carrier/server-link.js';
import { askAll, isSilence, namesOf, type Participant } from '../servers/ask-all.js';
import { assembleCertificate, type AssembledCertificate, checkAcknowledgement } from './certificate.js';
import { judgeAccusation } from './accusations.js';
import { listed, serverFault } from '../servers/faults.js';
import { assembleParameters } from './offers.js';
import { boardOf, isRoundComplete, type PacketBoard, packetsOf, ROUNDS, takePackets } from './packets.js';

/** A key in the making, as it runs in this process. */
export interface KeyRun {
  readonly context: ClientContext;
  readonly participants: readonly Participant[];
  readonly links: ReadonlyMap<Participant, ServerLink>;
  readonly on: OnProgress;
  session: KeySession;
  board: PacketBoard;
  readonly results: Map<Participant, DkgResult>;
  /** Servers that cannot store the certificate, with what they say. */
  readonly refusals: Map<Participant, CkmError>;
}

/** What the ceremony leaves: the certificate, and which servers promised that they stored it. */
export interface CeremonyOutcome extends AssembledCertificate {
  readonly acknowledged: readonly Participant[];
  /** Servers that have not promised yet: the key must not receive value. */
  readonly missing: readonly Participant[];
}

/** Propose, join, three rounds of packets and the certificate are five steps for a person. */
const STEPS = ROUNDS + 2;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** @param session as stored: the run goes on from there */
export async function createKeyRun(
  context: ClientContext,
  session: KeySession,
  participants: readonly Participant[],
  on: OnProgress,
): Promise<KeyRun> {
  const links = new Map<Participant, ServerLink>();
  for (const participant of participants) links.set(participant, await context.linkTo(participant.server));
  return {
    context,
    session,
    participants,
    links,
    on,
    board: boardOf(session),
    results: new Map(),
    refusals: new Map(),
  };
}

/**
 * Carries a key generation to its end, from wherever it is. Every step is stored before the next one begins, and every
 * step may be repeated, so that it can be called again after anything.
 * @throws AvailabilityError `SERVERS_MISSING` when somebody is silent: call again later · PeerFaultError naming servers
 * · PolicyError `SESSION_REJECTED` · StateError `SESSION_EXPIRED`, `SESSION_CANCELLED`, `RETRY_…`
 */
export async function driveKeyRun(
  run: KeyRun,
  storedBefore: (certificate: Uint8Array) => Promise<readonly number[]> = async () => [],
): Promise<CeremonyOutcome> {
  if (run.session.parameters === null) await propose(run);
  for (let round = 0; round < ROUNDS; round++) await exchange(run, round);
  const certificate = assembleCertificate(run.session.parameters!, run.board, run.participants);
  const before = await storedBefore(certificate.encoded);
  const missing = await certify(run, certificate, before);
  const acknowledged = run.participants.filter((participant) => !missing.includes(participant));
  return { ...certificate, acknowledged, missing };
}

async function propose(run: KeyRun): Promise<void> {
  const { sessionId, proposal, expiresAt } = run.session;
  const offers = new Map<Participant, RosterOffer | null>();
  await gather(run, {
    step: { stage: 'propose', round: 1, text: 'asking for offers' },
    missing: () => run.participants.filter((participant) => !offers.has(participant)),
    ask: async (participant, link) => {
      const view = await link.call('session.propose', { sessionId, proposal, expiresAt });
      await assertGoingOn(run, participant, view);
      if (view.offer !== null) offers.set(participant, rosterOffer.safeParse(view.offer).data ?? null);
    },
  });
  await save(run, { parameters: assembleParameters(run.session, offers) });
}

/** Gets everybody's packet of one round, handing out those of the round before. */
async function exchange(run: KeyRun, round: number): Promise<void> {
  const { sessionId } = run.session;
  const parameters = run.session.parameters!;
  const packets = packetsOf(run.board, round - 1).map(({ bytes }) => bytes);
  await gather(run, {
    step: { stage: round === 0 ? 'join' : 'exchange', round: round + 2, text: ROUND_TEXTS[round]! },
    missing: () => run.participants.filter(({ slot }) => run.board[round]![slot - 1] === null),
    ask: async (participant, link) => {
      const view =
        round === 0
          ? await link.call('session.join', { sessionId, parameters })
          : await link.call('session.deliver', { sessionId, packets, after: 0 });
      await absorb(run, participant, view);
    },
  });
  await save(run, { packets: run.board.map((row) => row.map((packet) => packet?.bytes ?? null)) });
}

const ROUND_TEXTS = ['committing', 'dealing sealed shares', 'checking shares and signing the transcript'];

/** Hands out the signatures of the transcript, and collects the promises that the certificate is stored. */
async function certify(
  run: KeyRun,
  certificate: AssembledCertificate,
  before: readonly number[],
): Promise<readonly Participant[]> {
  const { sessionId } = run.session;
  const packets = packetsOf(run.board, ROUNDS - 1).map(({ bytes }) => bytes);
  const missing = () => run.participants.filter((one) => !run.results.has(one) && !before.includes(one.slot));
  const unasked = () => missing().filter((one) => !run.refusals.has(one));
  const ask = async (participant: Participant, link: ServerLink) => {
    const view = await link.call('session.deliver', { sessionId, packets, after: 0 }).catch(isOver);
    const stored = resultIn(participant, view) ?? (await storeAt(run, participant, link, certificate));
    if (stored === null) return;
    checkAcknowledgement(certificate, participant, stored);
    run.results.set(participant, stored);
  };
  try {
    await gather(run, {
      step: { stage: 'certify', round: STEPS, text: 'storing the certificate' },
      missing: unasked,
      ask,
    });
  } catch (error) {
    if (!(error instanceof AvailabilityError)) throw error;
  }
  return missing();
}

/**
 * Has a server store the certificate, whatever became of its session: it completes the share that waits for it, or one
 * that lost its share recovers it from the certificate, where it can. Null: it can do neither, and says why.
 */
async function storeAt(
  run: KeyRun,
  participant: Participant,
  link: ServerLink,
  { encoded: certificate, certificate: { params } }: AssembledCertificate,
): Promise<DkgResult | null> {
  const { keyId } = params;
  const { policy } = run.session.proposal;
  try {
    return await link.call('key.certify', { keyId, certificate }).catch((error: unknown) => {
      if (!(error instanceof CkmError) || error.code !== 'KEY_UNKNOWN') throw error;
      return link.call('key.restore', { certificate, policy });
    });
  } catch (error) {
    const isRefusal = error instanceof CkmError && error.facts['server'] === participant.server.name;
    if (!isRefusal || isSilence(error) || /^(FAULT|SUSPECT)_/.test(error.code)) throw error;
    run.refusals.set(participant, error);
    return null;
  }
}

/** What a finished session left, if it did. @throws PeerFaultError `FAULT_ACKNOWLEDGEMENT_INVALID` */
function resultIn(participant: Participant, view: SessionView | null): DkgResult | null {
  if (view === null || view.result === null) return null;
  const parsed = dkgResult.safeParse(view.result);
  if (parsed.success) return parsed.data;
  throw serverFault('FAULT_ACKNOWLEDGEMENT_INVALID', [participant], 'says of the key what cannot be read');
}

/** A session that a server has closed or forgotten does not matter any more: the certificate speaks for itself. */
function isOver(error: unknown): null {
  if (error instanceof CkmError && error.errorClass === 'StateError') return null;
  throw error;
}

interface Gathering {
  readonly step: Pick<ProgressEvent, 'stage' | 'round' | 'text'>;
  readonly missing: () => readonly Participant[];
  readonly ask: (participant: Participant, link: ServerLink) => Promise<void>;
}

/** Asks whoever is missing until nobody is, or until the patience of one timeout is used up. */
async function gather(run: KeyRun, { step, missing, ask }: Gathering): Promise<void> {
  let patienceMs = run.context.timeoutMs;
  let pauseMs = FIRST_PAUSE_MS;
  report(run, step, missing());
  while (missing().length > 0) {
    const before = missing();
    const { silent } = await askAll(
      before,
      (participant) =>
        ask(participant, run.links.get(participant)!).catch(async (error: unknown) => {
          throw await judgeRefusal(run, participant, error);
        }),
      () => {
        report(run, step, missing());
      },
    );
    const after = missing();
    if (after.length === 0) return;
    const timedOut = [...silent.values()].some(({ code }) => code === 'SERVER_TIMEOUT');
    patienceMs = after.length < before.length ? run.context.timeoutMs : patienceMs - pauseMs;
    if (timedOut || patienceMs <= 0) throw serversMissing(run, after, silent);
    await pause(pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** A refusal that blames somebody is an accusation like any other. */
async function judgeRefusal(run: KeyRun, accuser: Participant, error: unknown): Promise<unknown> {
  const isAccusing =
    error instanceof CkmError &&
    error.facts['server'] === accuser.server.name &&
    /^(FAULT|SUSPECT)_/.test(error.code);
  if (!isAccusing) return error;
  const culprits = error.facts['culprits'];
  const slots = Array.isArray(culprits) ? culprits.map(Number) : [];
  return judgeAccusation(run, { accuser, code: error.code, culprits: slots });
}

async function absorb(run: KeyRun, participant: Participant, view: SessionView): Promise<void> {
  // The packets first: a server that has ended the session may still have given what the others need.
  const { board, equivocation } = takePackets(run.session, run.board, participant, view);
  run.board = board;
  if (equivocation !== null) {
    const path = await saveEvidence(run.context.store, {
      code: 'FAULT_EQUIVOCATION',
      sessionId: run.session.sessionId,
      serverId: participant.server.xid,
      at: run.context.clock(),
      convinces: 'anybody',
      exhibits: { round: equivocation.round, packets: equivocation.packets },
    });
    throw serverFault('FAULT_EQUIVOCATION', [participant], 'said two different things in one round', path);
  }
  // Whoever has signed has said all it has to say: that its session is over takes nothing back.
  const hasSigned = run.board[ROUNDS - 1]![participant.slot - 1] !== null;
  const isOverQuietly = view.state === 'cancelled' || view.state === 'expired';
  if (isRoundComplete(run.board, ROUNDS - 1) || (hasSigned && isOverQuietly)) return;
  await assertGoingOn(run, participant, view);
}

/** @throws the reason why a server's session is over, if it is over without a result */
async function assertGoingOn(run: KeyRun, participant: Participant, view: SessionView): Promise<void> {
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
        remedy: { kind: 'createKey' },
        facts,
      });
    }
    default:
  }
}

async function save(run: KeyRun, change: Partial<KeySession>): Promise<void> {
  run.session = { ...run.session, ...change };
  await saveSession(run.context.store, run.session);
}

function report(run: KeyRun, step: Gathering['step'], missing: readonly Participant[]): void {
  const waiting = namesOf(missing);
  const have = namesOf(run.participants.filter((participant) => !missing.includes(participant)));
  run.on({ session: shortId(run.session.sessionId), of: STEPS, have, waiting, ...step });
}

function serversMissing(
  run: KeyRun,
  missing: readonly Participant[],
  silent: ReadonlyMap<Participant, CkmError>,
): AvailabilityError {
  const names = namesOf(missing);
  const id = shortId(run.session.sessionId);
  const why = missing
    .map((participant) => silent.get(participant)?.message)
    .find((text) => text !== undefined);
  return new AvailabilityError(`still waiting for ${listed(names)}${why === undefined ? '' : `: ${why}`}`, {
    code: 'SERVERS_MISSING',
    hint: 'nothing is lost: go on when all servers run',
    remedy: { kind: 'resumeSession', id },
    facts: { servers: names, session: encodeHex(run.session.sessionId) },
  });
}
