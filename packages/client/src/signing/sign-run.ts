import { BugError, CkmError } from '@ckm/foundation';
import { namesOf, type Participant } from '../ceremony/ask-all.js';
import { createInbox } from './inbox.js';
import { reportSigning } from './report.js';
import { type Attempt, createRoast } from './roast.js';
import { requestWaiting, tooFewServers } from './sign-errors.js';
import { participantAt, type SignJob, type SignOutcome, type SignRun } from './sign-job.js';
import { takeAnswer } from './take-answer.js';

const SHORTEST_PATIENCE_MS = 250;
const LONGEST_PATIENCE_MS = 2_000;
const POLL_MS = 1_000;

/**
 * Gets a signature from any quorum of the servers, whatever the rest does. One round trip when the pool is warm.
 * @throws AvailabilityError `TOO_FEW_SERVERS`; PolicyError `REQUEST_WAITING`, or a server's own refusal when too few are
 * left without it; PeerFaultError `FAULT_…`
 */
export async function driveSignRun(job: SignJob): Promise<SignOutcome> {
  const run = startRun(job);
  // A server that stays silent for longer than this does not hold the others up.
  const patienceMs = Math.min(Math.max(job.context.timeoutMs / 5, SHORTEST_PATIENCE_MS), LONGEST_PATIENCE_MS);
  for (;;) {
    await moveOn(run);
    const waiting = isWaitingForPeople(run);
    const happening = await run.inbox.next(waiting ? POLL_MS : patienceMs);
    if (happening !== null) {
      const outcome = await takeAnswer(run, happening);
      if (outcome !== null) return outcome;
    } else if (waiting) askPeopleAgain(run);
    else for (const slot of run.roast.slotsThatAre('signing')) run.roast.mark(slot, 'late');
  }
}

function startRun(job: SignJob): SignRun {
  const { participants, pool, request, key, attemptsBefore } = job;
  const roast = createRoast({
    needed: key.public.quorum.needed,
    taskCount: request.tasks.length,
    preference: participants.map(({ slot }) => slot),
    supply: pool,
    attemptsBefore,
  });
  for (const { slot } of participants) if (roast.isSupplied(slot)) roast.mark(slot, 'ready');
  return {
    ...job,
    roast,
    inbox: createInbox(),
    faults: [],
    refusals: [],
    silences: [],
    polled: new Set(),
    isKeptForPeople: false,
  };
}

/** Opens an attempt if there can be one; else asks whoever can still help; else waits for people or gives up. */
async function moveOn(run: SignRun): Promise<void> {
  const { roast } = run;
  const attempt = roast.open();
  if (attempt !== null) {
    await run.beforeAttempt(attempt.number);
    const signers = attempt.signers.map((slot) => participantAt(run, slot));
    for (const participant of signers) send(run, participant, attempt);
    reportSigning(run, 'sign', `asking ${namesOf(signers).join(', ')}`);
    return;
  }
  if (!roast.isStuck()) return;
  for (const slot of roast.slotsThatAre('idle', 'ready')) {
    if (!roast.isSupplied(slot)) send(run, participantAt(run, slot), null);
  }
  if (hopeful(run) >= run.key.public.quorum.needed) return;
  if (!isWaitingForPeople(run)) throw tooFewServers(run);
  await keepForPeople(run);
  if (run.context.clock() >= run.waitUntil) throw requestWaiting(run);
}

function hopeful({ roast }: SignRun): number {
  return roast.slotsThatAre('idle', 'asked', 'ready', 'signing', 'late').length;
}

/** Whether it goes on only when an operator says yes. */
function isWaitingForPeople(run: SignRun): boolean {
  const { needed } = run.key.public.quorum;
  const waiting = run.roast.slotsThatAre('waiting').length;
  return waiting > 0 && hopeful(run) < needed && hopeful(run) + waiting >= needed;
}

async function keepForPeople(run: SignRun): Promise<void> {
  if (run.isKeptForPeople) return;
  run.isKeptForPeople = true;
  await run.whenWaiting(run.roast.attempts());
  reportSigning(run, 'wait', 'waiting for people');
}

function askPeopleAgain(run: SignRun): void {
  for (const slot of run.roast.slotsThatAre('waiting')) {
    if (run.polled.has(slot)) continue;
    run.polled.add(slot);
    send(run, participantAt(run, slot), null);
  }
}

function send(run: SignRun, participant: Participant, attempt: Attempt | null): void {
  const { slot } = participant;
  const { requestId, expiresAt, request, key, pool, inbox, roast } = run;
  const asked = pool.ask(slot, attempt === null ? request.tasks.length : 0);
  if (attempt === null && roast.status(slot) !== 'waiting') roast.mark(slot, 'asked');
  const call = run.links.get(participant)!.call('sign.request', {
    requestId,
    keyId: key.keyId,
    kind: request.kind,
    payload: request.payload,
    expiresAt,
    attempt: attempt === null ? null : onTheWire(attempt),
    commitmentsWanted: asked,
  });
  // Also when nobody reads the inbox any more: a late answer still fills the pool.
  void call.then(
    (reply) => {
      if (reply.state === 'stale') pool.drop(slot);
      pool.add(slot, reply.commitments, asked);
      inbox.push({ participant, attempt, reply, error: null });
    },
    (error: unknown) => {
      pool.add(slot, [], asked);
      inbox.push({ participant, attempt, reply: null, error: asCkmError(error) });
    },
  );
}

function onTheWire({ number, signers, commitments }: Attempt) {
  return { number, signers: [...signers], commitments: commitments.map((ofTask) => [...ofTask]) };
}

function asCkmError(error: unknown): CkmError {
  if (error instanceof CkmError) return error;
  return new BugError('a message could not be made or read', {
    code: 'INTERNAL',
    hint: 'report this together with the command that was run',
    cause: error,
  });
}
