import type { RequestReply } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { PartyIndex, RoastEvent } from '@ckm/threshold';
import { isSilence, type Participant } from '../servers/ask-all.js';
import { peopleIn } from './people.js';
import { reportAside, reportSigning } from './report.js';
import { refusalFrom } from './sign-errors.js';
import type { ServerAnswer, SignRun } from './sign-job.js';

/** What an answer means to the coordinator. ServerState and reasons are noted on the way. */
export function eventsFrom(
  run: SignRun,
  { participant, attempt, reply, error }: ServerAnswer,
): readonly RoastEvent[] {
  run.unanswered--;
  run.polled.delete(participant.slot);
  run.overdue.delete(participant.slot);
  if (run.serverStates.get(participant) === 'faulty') return [];
  // An answer to a run of the coordinator that is over counts for the pool only.
  const number = attempt === null ? null : attempt - run.base;
  if (number !== null && number < 1) return [];
  return reply === null
    ? fromError(run, participant, number, error!)
    : fromReply(run, participant, number, reply);
}

function fromReply(
  run: SignRun,
  participant: Participant,
  number: number | null,
  reply: RequestReply,
): readonly RoastEvent[] {
  const party = participant.slot as PartyIndex;
  notePeople(run, participant, reply);
  switch (reply.state) {
    case 'answered': {
      run.agreed.add(participant);
      if (number === null) return outOfTurn(run, participant, 'answers out of turn');
      reportSigning(run, 'sign', 'asking for shares', participant.slot);
      const shares = run.craft.partsIn(reply, run.base + number, party);
      return [{ kind: 'shares', party, attempt: number, shares, next: null }];
    }
    case 'ready':
      if (run.craft.isShort(reply) && number === null) {
        return outOfTurn(run, participant, 'gives fewer commitments than the request needs');
      }
      return fresh(run, participant, number);
    case 'stale':
      return fresh(run, participant, number);
    case 'waiting':
      run.agreed.delete(participant);
      run.serverStates.set(participant, 'waiting');
      return [{ kind: 'declined', party, code: 'WAITING' }];
    default:
      return refused(run, participant, refusalFrom(participant, reply));
  }
}

/** What people have said there by now, and which of the votes that were brought count nothing. */
function notePeople(run: SignRun, participant: Participant, reply: RequestReply): void {
  const people = peopleIn(reply);
  if (people === null) run.people.delete(participant);
  else run.people.set(participant, people);
  for (const { at, code } of reply.people?.refused ?? [])
    reportAside(run, `vote ${at + 1} counts nothing at ${participant.server.name} (${code})`);
}

/** Its new commitments are in the pool already; those of the attempt, if it was asked for one, are lost. */
function fresh(run: SignRun, participant: Participant, number: number | null): readonly RoastEvent[] {
  run.serverStates.set(participant, 'open');
  run.agreed.add(participant);
  if (number === null) return [];
  return [{ kind: 'stale', party: participant.slot as PartyIndex, attempt: number, next: null }];
}

function fromError(
  run: SignRun,
  participant: Participant,
  number: number | null,
  error: CkmError,
): readonly RoastEvent[] {
  const party = participant.slot as PartyIndex;
  if (isSilence(error)) {
    run.serverStates.set(participant, 'silent');
    run.silences.push({ participant, error });
    return [{ kind: 'declined', party, code: error.code }];
  }
  // It remembers another package under this number; the next number will do.
  if (error.code === 'ATTEMPT_DIFFERS' && number !== null) {
    return [{ kind: 'stale', party, attempt: number, next: null }];
  }
  return refused(run, participant, error);
}

/** A server that does what no honest one does, though nobody else can see it. */
export function outOfTurn(run: SignRun, participant: Participant, did: string): readonly RoastEvent[] {
  const { name } = participant.server;
  const error = new CkmError('PeerFaultError', `${name} ${did}`, {
    code: 'FAULT_OUT_OF_TURN',
    hint: 'tell its operator, and sign without it',
    remedy: { kind: 'leaveOut', servers: [name] },
    facts: { servers: [name] },
  });
  return refused(run, participant, error);
}

function refused(run: SignRun, participant: Participant, error: CkmError): readonly RoastEvent[] {
  run.serverStates.set(participant, 'refused');
  run.refusals.push({ participant, error });
  return [{ kind: 'declined', party: participant.slot as PartyIndex, code: error.code }];
}
