import type { CraftAttempt, Requester, RequestReply } from '@ckm/api';
import { BugError, CkmError } from '@ckm/foundation';
import type { Participant } from '../servers/ask-all.js';
import type { OpenAttempt, Wanted } from './crafts/client-craft.js';
import type { SignRun } from './sign-job.js';

/** What a server says to a request that does not say who asks: for the first time, and of one that it knows. */
const UNNAMED = new Set(['REQUESTER_MISSING', 'REQUESTER_OTHER']);

/** Asks one signer of an attempt for its shares; what comes back lands in the inbox. */
export function askAttempt(run: SignRun, participant: Participant, action: OpenAttempt): void {
  const { slot } = participant;
  const attempt = run.craft.attempt(action, run.base + action.attempt, slot);
  send(run, participant, attempt, run.craft.want(slot, false));
}

/** Asks for commitments, and at the same time how the request stands. */
export function askCommitments(run: SignRun, participant: Participant): void {
  if (run.serverStates.get(participant) !== 'waiting') run.serverStates.set(participant, 'asked');
  send(run, participant, null, run.craft.want(participant.slot, true));
}

function send(
  run: SignRun,
  participant: Participant,
  attempt: CraftAttempt | null,
  { wanted, asked }: Wanted,
): void {
  const { requestId, expiresAt, request, key, craft, inbox } = run;
  const { slot } = participant;
  const brings = run.votesBrought.has(participant) ? [] : run.votes;
  const message = {
    requestId,
    keyId: key.keyId,
    epoch: key.newest.params.epoch,
    transcriptHash: key.newest.transcriptHash,
    kind: request.kind,
    payload: request.payload,
    expiresAt,
    attempt,
    wanted,
    ...(brings.length === 0 ? {} : { votes: [...brings] }),
  };
  const ask = (requester: Requester | null) =>
    run.links
      .get(participant)!
      .call('request.ask', { ...message, ...(requester === null ? {} : { requester }) });
  const requester = run.requester ?? run.named.get(participant) ?? null;
  const call = ask(requester);
  const number = attempt?.number ?? null;
  run.unanswered++;
  // Also when nobody reads the inbox any more: a late answer still fills the pool.
  void settle();

  async function settle(): Promise<void> {
    try {
      const reply = await call.catch(askNamed);
      if (brings.length > 0) run.votesBrought.add(participant);
      craft.receive(slot, reply, asked);
      inbox.push({ participant, attempt: number, reply, error: null });
    } catch (error) {
      craft.receive(slot, null, asked);
      inbox.push({ participant, attempt: number, reply: null, error: asCkmError(error) });
    }
  }

  /** Terms may ask people since the last epoch of the key: such a server is told who asks from then on, also of what it was told before. */
  async function askNamed(error: unknown): Promise<RequestReply> {
    const isMissing = error instanceof CkmError && UNNAMED.has(error.code);
    if (!isMissing || requester !== null) throw error;
    const named = run.named.get(participant) ?? (await run.whoAsks());
    run.named.set(participant, named);
    return ask(named);
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
