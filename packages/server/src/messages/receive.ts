import { encodeReply, type FunctionName, isFunctionName, type Problem, type Reply } from '@ckm/api';
import { CkmError, encodeHex, fromFileSystem, StateError } from '@ckm/foundation';
import { createMessageId, sealMessage, type UnauthenticatedMessage, unsealMessage } from '@ckm/gordian';
import type { ServerClock } from '../clock.js';
import type { AskerKnown, ServerContext } from '../context.js';
import { type From, type LongMessages, longMessagesRefused } from '../turns/long-messages.js';
import type { LongTurns } from '../turns/long-turns.js';
import { type AccountHandlers, type Arrival, createAnswer } from './answer.js';
import { authenticate, type Sender } from './authenticate.js';
import { toldProblem } from './told-problem.js';

/**
 * What goes back: a sealed reply, or, when nobody is known to seal one to, a problem that says as little as it can. Nothing where
 * nobody waited any more when its turn came.
 */
export type Received =
  | { readonly kind: 'sealed'; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'left' };

/**
 * Answers one message. Never throws.
 * @param from what is known of it before it is opened
 * @param left aborted when nobody waits for the answer any more: a message that is in work is answered all the same
 */
export type Receive = (bytes: Uint8Array, from: From, left?: AbortSignal) => Promise<Received>;

/** What is let in, and by which time. */
export interface Gate {
  /** What may be opened. */
  readonly longMessages: LongMessages;
  /** How much of it at once. */
  readonly longTurns: LongTurns;
  /**
   * Messages dated up to then may be of before the database was restored from a backup, which does not say what was answered; 0:
   * it never was. UnixSeconds.
   */
  readonly refusedUntil: number;
  readonly time: ServerClock;
  readonly askerKnown: AskerKnown;
}

interface Opened {
  readonly message: UnauthenticatedMessage;
  /** Whether it was in time by the machine's clock alone, which has jumped. */
  readonly isByMachine: boolean;
}

/** Of a body; no parameters nest deeper. */
const MAX_BODY_DEPTH = 16;
/** Owners who have to agree with the machine's clock after it jumped. */
const WITNESSES = 2;
const OLD_ACCOUNT_SECONDS = 86_400;

/**
 * Opens a message, finds out who sent it, checks that it was not answered before, and answers it.
 */
export function createReceive(
  context: ServerContext,
  handlers: AccountHandlers,
  { longMessages, longTurns, refusedUntil, time, askerKnown }: Gate,
): Receive {
  const answer = createAnswer(context, handlers, askerKnown);
  /** Old accounts whose messages say what the machine's clock says, since it jumped. */
  const agreeing = new Set<string>();

  /** By the time that has passed; after a jump of the machine's clock by that one too, which may well be right. */
  function open(bytes: Uint8Array): Opened {
    const { identity, config } = context;
    const openAt = (now: number) =>
      unsealMessage({
        recipient: identity,
        bytes,
        now,
        maxAgeSeconds: config.limits.messageLifetimeSeconds,
        maxSkewSeconds: config.limits.clockSkewSeconds,
        maxBytes: config.limits.body,
        maxDepth: MAX_BODY_DEPTH,
      });
    try {
      return { message: openAt(time.now()), isByMachine: false };
    } catch (error) {
      const jump = time.jump();
      if (jump === 0 || !isOfTime(error)) throw error;
      if (jump < 0) throw clockJumped(jump, error);
      return { message: openAt(time.machine()), isByMachine: true };
    }
  }

  async function reply(sender: Sender, arrival: Arrival, now: () => number): Promise<Received> {
    const started = performance.now();
    const name = isFunctionName(sender.message.function) ? sender.message.function : 'unknown';
    const report = (code: string) =>
      context.events.messageAnswered({ function: name, code, seconds: (performance.now() - started) / 1000 });
    try {
      const bytes = sealReply(context, sender, await answer(sender, arrival), now());
      report('OK');
      return { kind: 'sealed', bytes };
    } catch (error) {
      const problem = reported(context, error);
      report(problem.code);
      return { kind: 'sealed', bytes: sealReply(context, sender, { ok: false, problem }, now()) };
    }
  }

  /**
   * Goes by the machine's clock where owners agree with it who do not know of each other, and who were here long before it jumped:
   * whoever opens accounts may say what he likes.
   */
  function heedClock({ account, message, isRepeated }: Sender): void {
    if (time.jump() === 0) return agreeing.clear();
    const isOld = account !== null && account.openedAt <= time.now() - OLD_ACCOUNT_SECONDS;
    if (!isOld || isRepeated) return;
    agreeing.add(encodeHex(message.header.sender));
    if (agreeing.size < WITNESSES) return;
    agreeing.clear();
    time.follow();
    context.events.clockFollowed();
  }

  async function openAndReply(bytes: Uint8Array, from: From): Promise<Received> {
    const opening = longMessages.take(from, bytes.length);
    if (opening === null) throw longMessagesRefused();
    const { message, isByMachine } = open(bytes);
    const now = isByMachine ? time.machine : time.now;
    if (message.claimed.date <= refusedUntil) throw fromBeforeRestore(refusedUntil - time.now());
    const sender = await authenticate(context, message);
    if (isByMachine) heedClock(sender);
    return reply(sender, { length: bytes.length, address: from.address, opening }, now);
  }

  return async (bytes, from, left) => {
    try {
      const leave = await longTurns.enter(from.address, bytes.length, left);
      if (leave === null) return { kind: 'left' };
      try {
        return await openAndReply(bytes, from);
      } finally {
        leave();
      }
    } catch (error) {
      const problem = reported(context, error);
      context.events.messageRefused({ code: problem.code });
      return { kind: 'problem', problem };
    }
  };
}

function sealReply(
  context: ServerContext,
  { message, keys }: Sender,
  reply: Reply<FunctionName>,
  now: number,
): Uint8Array {
  const { identity, config, random } = context;
  return sealMessage({
    sender: identity,
    recipient: { xid: message.header.sender, publicKeys: keys },
    id: createMessageId(random),
    date: now,
    expiresAt: now + config.limits.messageLifetimeSeconds,
    inReplyTo: message.header.id,
    function: message.function,
    body: encodeReply(reply),
    random,
  });
}

/** The problem to show, after what the operator should know was reported. */
function reported({ events }: ServerContext, thrown: unknown): Problem {
  const error = fromFileSystem(thrown);
  if (!(error instanceof CkmError) || error.errorClass === 'BugError') events.bug(error);
  else if (error.errorClass === 'StorageError') events.storageFailed(error);
  return toldProblem(error);
}

/** Whether a message was refused for its date alone. */
function isOfTime(error: unknown): boolean {
  return error instanceof CkmError && ['MESSAGE_EXPIRED', 'MESSAGE_FROM_FUTURE'].includes(error.code);
}

/** The clock of the machine went back: either it is wrong now and the message too, or it was wrong before. */
function clockJumped(seconds: number, cause: unknown): StateError {
  return new StateError(`the clock of this server went back by ${-seconds} s while it ran`, {
    code: 'CLOCK_JUMPED',
    hint: 'compare your clock with others; if it is right, tell the operator of this server',
    facts: { seconds },
    cause,
  });
}

/** To an honest client it is a message like one that came too late: it sends another one, after a while. */
function fromBeforeRestore(seconds: number): StateError {
  const wait = seconds < 0 ? '' : `wait ${seconds + 1} seconds, then `;
  return new StateError(
    'a message may have been made before this server was restored, or its clock put right',
    {
      code: 'MESSAGE_BEFORE_RESTORE',
      hint: `${wait}send the request again`,
      httpStatus: 410,
    },
  );
}
