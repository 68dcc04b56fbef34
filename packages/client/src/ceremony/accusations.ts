import { type CkmError, PeerFaultError, StateError } from '@ckm/foundation';
import {
  type DkgMessage,
  dkgProtocol,
  type Fault,
  findPublicFault,
  parseKeyParams,
  type PartyIndex,
} from '@ckm/threshold';
import type { ClientContext } from '../context/context.js';
import { saveEvidence } from '../evidence/evidence.js';
import type { KeySession } from '../sessions/session-record.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { listed, serverFault } from '../servers/faults.js';
import { isRoundComplete, type PacketBoard, packetsOf, ROUNDS } from './packets.js';

/** What one server says against others. Code and slots are its own words. */
export interface Accusation {
  readonly accuser: Participant;
  readonly code: string;
  readonly culprits: readonly number[];
}

/** What this client knows of a run by itself. */
export interface KnownRun {
  readonly context: ClientContext;
  readonly session: KeySession;
  readonly participants: readonly Participant[];
  readonly board: PacketBoard;
}

/**
 * What it comes to that a server has ended the ceremony. Its word alone convicts nobody, and clears nobody: the packets
 * that all servers signed are checked again here. Who is at fault by them is named, with these packets kept as evidence;
 * when they show nothing, accuser and accused are both under suspicion.
 */
export async function judgeAccusation(run: KnownRun, accusation: Accusation): Promise<CkmError> {
  const found = faultOnBoard(run);
  const guilty = run.participants.filter(({ slot }) => found?.culprits.some((culprit) => culprit === slot));
  if (found !== null && guilty.length > 0) {
    const paths = await Promise.all(guilty.map((participant) => keepPackets(run, participant, found)));
    return serverFault(found.code, guilty, 'sent what every server can see is wrong', paths[0]);
  }
  const { code, culprits } = accusation;
  const accused = run.participants.filter(({ slot }) => culprits.includes(slot));
  if (accused.length === 0 || !/^(FAULT|SUSPECT)_[A-Z_]{1,50}$/.test(code)) return blamingNobody(accusation);
  return code.startsWith('SUSPECT_') ? suspicion(accusation, accused) : unconfirmed(accusation, accused);
}

/** The checks that every server makes of what was said, made of the packets at hand. */
function faultOnBoard({ session, board }: KnownRun): Fault | null {
  if (session.parameters === null) return null;
  const rounds: DkgMessage[][] = [];
  for (let round = 0; round < ROUNDS && isRoundComplete(board, round); round++) {
    const messages = packetsOf(board, round).map(({ payload }) => decode(payload));
    const culprits = messages.flatMap((message, i) => (message === null ? [(i + 1) as PartyIndex] : []));
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
    rounds.push(messages.filter((message) => message !== null));
  }
  return findPublicFault(parseKeyParams(session.parameters), rounds);
}

function decode(payload: Uint8Array): DkgMessage | null {
  try {
    return dkgProtocol.message.decode(payload);
  } catch {
    return null;
  }
}

/** Parameters and signed packets: anybody can make the same checks of them. */
async function keepPackets(
  { context, session, board }: KnownRun,
  { server, slot }: Participant,
  { code }: Fault,
): Promise<string> {
  const packets = board.map((row) => row.map((packet) => packet?.bytes ?? null));
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
