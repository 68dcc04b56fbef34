import type { SigningReply } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { isSilence, type Participant } from '../ceremony/ask-all.js';
import { saveEvidence } from '../evidence/evidence.js';
import { reportSigning } from './report.js';
import type { Attempt } from './roast.js';
import { combineAttempt, wrongCommitments } from './shares.js';
import { refusalFrom } from './sign-errors.js';
import { type Happening, participantAt, type SignOutcome, type SignRun } from './sign-job.js';

/** Takes what came back from one server; returns the outcome when that completed the signature. */
export async function takeAnswer(run: SignRun, happening: Happening): Promise<SignOutcome | null> {
  const { participant, attempt, reply, error } = happening;
  run.polled.delete(participant.slot);
  if (reply === null) {
    await takeError(run, participant, attempt, error!);
    return null;
  }
  const { slot } = participant;
  if (reply.state === 'signed') {
    if (attempt !== null) return takeShares(run, participant, attempt, reply);
    refuse(run, participant, 'answers out of turn');
    return null;
  }
  if (attempt !== null) run.roast.abandon(attempt.number);
  if (reply.state === 'ready' || reply.state === 'stale') takeCommitments(run, participant, reply);
  else if (reply.state === 'waiting') run.roast.mark(slot, 'waiting');
  else {
    run.roast.mark(slot, 'refused');
    run.refusals.push({ participant, error: refusalFrom(participant, reply) });
  }
  return null;
}

/** A server that is asked for commitments and gives too few would otherwise be asked for ever. */
function takeCommitments(run: SignRun, participant: Participant, reply: SigningReply): void {
  if (reply.commitments.length >= run.request.tasks.length) run.roast.mark(participant.slot, 'ready');
  else refuse(run, participant, 'gives fewer commitments than the request needs');
}

function refuse(run: SignRun, participant: Participant, did: string): void {
  const { name } = participant.server;
  run.roast.mark(participant.slot, 'refused');
  const error = new CkmError('PeerFaultError', `${name} ${did}`, {
    code: 'FAULT_OUT_OF_TURN',
    hint: `sign without it: --without ${name}; and tell its operator`,
    facts: { servers: [name] },
  });
  run.refusals.push({ participant, error });
}

async function takeError(
  run: SignRun,
  participant: Participant,
  attempt: Attempt | null,
  error: CkmError,
): Promise<void> {
  const { roast } = run;
  const { slot } = participant;
  if (attempt !== null) roast.abandon(attempt.number);
  if (isSilence(error)) {
    roast.mark(slot, 'silent');
    run.silences.push({ participant, error });
    return;
  }
  // It remembers another package under this number; the next number will do.
  if (error.code === 'ATTEMPT_DIFFERS') {
    roast.mark(slot, 'ready');
    return;
  }
  const culprits = attempt === null ? [] : wrongCommitments(run.key.public, attempt);
  if (attempt !== null && culprits.length > 0) {
    roast.mark(slot, 'ready');
    await blame(run, culprits, 'FAULT_BAD_COMMITMENT', attempt);
    return;
  }
  roast.mark(slot, 'refused');
  run.refusals.push({ participant, error });
}

async function takeShares(
  run: SignRun,
  participant: Participant,
  attempt: Attempt,
  reply: SigningReply,
): Promise<SignOutcome | null> {
  const { roast, request } = run;
  roast.mark(participant.slot, 'ready');
  reportSigning(run, 'sign', `${participant.server.name} signed`);
  const complete = roast.answer(participant.slot, attempt.number, reply.shares);
  if (complete === null) return null;
  const outcome = combineAttempt(run.key.public, request.tasks, complete);
  if (outcome.kind === 'faulty') {
    await blame(run, outcome.culprits, 'FAULT_BAD_SHARE', complete);
    return null;
  }
  const at = (slots: readonly number[]) => slots.map((slot) => participantAt(run, slot));
  return {
    signatures: outcome.signatures,
    artefact: request.finish(outcome.signatures),
    signers: at(complete.signers),
    faults: run.faults,
    silent: at(roast.slotsThatAre('silent', 'late')),
    waiting: at(roast.slotsThatAre('waiting')),
    attempts: roast.attempts(),
  };
}

/** Leaves the culprits out of this request for good, and keeps what shows it. */
async function blame(
  run: SignRun,
  slots: readonly number[],
  code: `FAULT_${string}`,
  attempt: Attempt,
): Promise<void> {
  const { context, requestId, request, pool, key } = run;
  const commitments = attempt.commitments.map((ofTask) =>
    ofTask.map(({ hiding, binding }) => ({ hiding, binding })),
  );
  for (const slot of slots) {
    const participant = participantAt(run, slot);
    run.roast.mark(slot, 'faulty');
    pool.drop(slot);
    const evidence = await saveEvidence(context.store, {
      code,
      sessionId: requestId,
      serverId: participant.server.xid,
      at: context.clock(),
      exhibits: {
        keyId: key.keyId,
        kind: request.kind,
        payload: request.payload,
        attempt: { number: attempt.number, signers: attempt.signers, commitments },
        slot,
        shares: attempt.shares.get(slot) ?? [],
      },
    });
    run.faults.push({ participant, code, evidence });
  }
}
