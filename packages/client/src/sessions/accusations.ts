import { type CkmError, PeerFaultError, StateError } from '@ckm/foundation';
import type { Fault } from '@ckm/threshold';
import { saveEvidence } from '../evidence/evidence.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { listed, serverFault } from '../servers/faults.js';
import { isRoundComplete, packetsOf } from './packets.js';
import type { SessionRun } from './session-run.js';

/** What one server says against others. Code and slots are its own words. */
export interface Accusation {
  readonly accuser: Participant;
  readonly code: string;
  readonly culprits: readonly number[];
}

/** What this client knows of a session by itself. */
type KnownRun = Pick<SessionRun, 'context' | 'ceremony' | 'session' | 'participants' | 'plan' | 'board'>;

/**
 * What it comes to that a server has ended the ceremony. Its word alone convicts nobody, and clears nobody: the packets
 * that all servers signed are checked again here. Who is at fault by them is named, with these packets kept as evidence;
 * when they show nothing, accuser and accused are both under suspicion.
 */
export async function judgeAccusation(run: KnownRun, accusation: Accusation): Promise<CkmError> {
  const proven = await provenFault(run);
  if (proven !== null) return proven;
  const { code, culprits } = accusation;
  const accused = run.participants.filter(({ slot }) => culprits.includes(slot));
  if (accused.length === 0 || !/^(FAULT|SUSPECT)_[A-Z_]{1,50}$/.test(code)) return blamingNobody(accusation);
  return code.startsWith('SUSPECT_') ? suspicion(accusation, accused) : unconfirmed(accusation, accused);
}

/** Who is at fault by what everybody was told, if anybody is; the packets are kept as evidence. */
export async function provenFault(run: KnownRun): Promise<CkmError | null> {
  const found = faultOnBoard(run);
  const guilty = run.participants.filter(({ slot }) => found?.culprits.some((culprit) => culprit === slot));
  if (found === null || guilty.length === 0) return null;
  const paths = await Promise.all(guilty.map((participant) => keepPackets(run, participant, found)));
  return serverFault(found.code, guilty, 'sent what every server can see is wrong', paths[0]);
}

/** The checks that every server makes of what was said, made of the packets at hand. */
function faultOnBoard({ ceremony, session, plan, board }: KnownRun): Fault | null {
  if (plan === null || session.parameters === null) return null;
  const open = plan.speeches.findIndex((_, round) => !isRoundComplete(plan, board, round));
  const complete = open < 0 ? plan.speeches : plan.speeches.slice(0, open);
  return ceremony.findFault(
    session.parameters,
    complete.map((_, round) => packetsOf(board, round)),
    session,
  );
}

/** Parameters and signed packets: anybody can make the same checks of them. */
async function keepPackets(
  { context, ceremony, session, board }: KnownRun,
  { server, slot }: Participant,
  { code }: Fault,
): Promise<string> {
  const packets = ceremony.rounds.map((_, round) => packetsOf(board, round).map(({ bytes }) => bytes));
  return saveEvidence(context.store, {
    code,
    sessionId: session.sessionId,
    serverId: server.xid,
    at: context.clock(),
    convinces: 'anybody',
    exhibits: { slot, parameters: session.parameters, packets },
  });
}

function blamingNobody({ accuser, code }: Accusation): StateError {
  const { name } = accuser.server;
  return new StateError(`${name} ended the session, blaming nobody`, {
    code: /^RETRY_[A-Z_]{1,50}$/.test(code) ? code : 'SESSION_ABORTED',
    hint: 'start again; the servers themselves are not at fault',
    facts: { by: name },
  });
}

/** What only the accuser can see. */
function suspicion(accusation: Accusation, accused: readonly Participant[]): PeerFaultError {
  const { accuser, code } = accusation;
  return suspected(accusation, accused, code, `${accuser.server.name} suspects ${listed(namesOf(accused))}`);
}

/** What everybody could see, and this client does not. */
function unconfirmed(accusation: Accusation, accused: readonly Participant[]): PeerFaultError {
  const what = `${accusation.accuser.server.name} accuses ${listed(namesOf(accused))}`;
  return suspected(accusation, accused, 'SUSPECT_ACCUSATION', `${what}, which this client cannot confirm`);
}

function suspected(
  { accuser, code: said }: Accusation,
  accused: readonly Participant[],
  code: string,
  what: string,
): PeerFaultError {
  const suspects = [accuser, ...accused.filter((participant) => participant !== accuser)];
  const names = namesOf(suspects);
  return new PeerFaultError(what, {
    code,
    hint: `either may be at fault: ask the operators of ${listed(names)}, or start again without one of them`,
    facts: {
      culprits: suspects.map(({ slot }) => slot),
      servers: names,
      by: accuser.server.name,
      accused: namesOf(accused),
      said,
    },
  });
}
