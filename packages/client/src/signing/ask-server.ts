import { commitmentsIn, type FrostAttempt, packCommitments } from '@ckm/api';
import { BugError, CkmError } from '@ckm/foundation';
import type { RoastAction } from '@ckm/threshold';
import type { Participant } from '../servers/ask-all.js';
import type { SignRun } from './sign-job.js';

type OpenAttempt = Extract<RoastAction, { kind: 'open-attempt' }>;

/** Asks one signer of an attempt for its shares; what comes back lands in the inbox. */
export function askAttempt(run: SignRun, participant: Participant, action: OpenAttempt): void {
  const attempt: FrostAttempt = {
    craft: 'frost',
    number: run.base + action.attempt,
    signers: [...action.parties],
    commitments: action.packages.map(({ commitments }) => packCommitments(commitments)),
  };
  send(run, participant, attempt, run.pool.ask(participant.slot, 0));
}

/** Asks for commitments, and at the same time how the request stands. */
export function askCommitments(run: SignRun, participant: Participant): void {
  if (run.serverStates.get(participant) !== 'waiting') run.serverStates.set(participant, 'asked');
  send(run, participant, null, run.pool.ask(participant.slot, run.request.tasks.length));
}

function send(run: SignRun, participant: Participant, attempt: FrostAttempt | null, asked: number): void {
  const { requestId, expiresAt, request, key, pool, inbox } = run;
  const { slot } = participant;
  const brings = run.votesBrought.has(participant) ? [] : run.votes;
  const call = run.links.get(participant)!.call('request.ask', {
    requestId,
    keyId: key.keyId,
    epoch: key.newest.params.epoch,
    transcriptHash: key.newest.transcriptHash,
    kind: request.kind,
    payload: request.payload,
    expiresAt,
    attempt,
    wanted: asked === 0 ? null : { craft: 'frost', commitments: asked },
    ...(run.requester === null ? {} : { requester: run.requester }),
    ...(brings.length === 0 ? {} : { votes: [...brings] }),
  });
  const number = attempt?.number ?? null;
  run.unanswered++;
  // Also when nobody reads the inbox any more: a late answer still fills the pool.
  void settle();

  async function settle(): Promise<void> {
    try {
      const reply = await call;
      if (brings.length > 0) run.votesBrought.add(participant);
      if (reply.state === 'stale') pool.drop(slot);
      pool.add(slot, commitmentsIn(reply), asked);
      inbox.push({ participant, attempt: number, reply, error: null });
    } catch (error) {
      pool.add(slot, [], asked);
      inbox.push({ participant, attempt: number, reply: null, error: asCkmError(error) });
    }
  }
}

function asCkmError(error: unknown): CkmError {
  if (error instanceof CkmError) return error;
  return new BugError('a message could not be made or read', {
    code: 'INTERNAL',
    hint: 'report this together with the command that was run',
    cause: error,
  });
}
