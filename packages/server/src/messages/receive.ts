import {
  encodeReply,
  type FunctionName,
  isFunctionName,
  type Problem,
  type Reply,
  toProblem,
} from '@ckm/api';
import { CkmError, fromFileSystem, StateError } from '@ckm/foundation';
import { createMessageId, sealMessage, unsealMessage } from '@ckm/gordian';
import type { ServerContext } from '../context.js';
import { type From, type LongMessages, longMessagesRefused } from '../turns/long-messages.js';
import { type AccountHandlers, type Arrival, createAnswer } from './answer.js';
import { authenticate, type Sender } from './authenticate.js';

/** What goes back: a sealed reply, or, when nobody is known to seal one to, a problem that says as little as it can. */
export type Received =
  | { readonly kind: 'sealed'; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly problem: Problem };

/**
 * Answers one message. Never throws.
 * @param from what is known of it before it is opened
 */
export type Receive = (bytes: Uint8Array, from: From) => Promise<Received>;

/** Of a body; no parameters nest deeper. */
const MAX_BODY_DEPTH = 16;

/**
 * Opens a message, finds out who sent it, checks that it was not answered before, and answers it.
 * @param longMessages what may be opened
 * @param refusedUntil messages dated up to then may be of before the database was restored from a backup, which does not say
 * what was answered; 0: it never was. UnixSeconds.
 */
export function createReceive(
  context: ServerContext,
  handlers: AccountHandlers,
  longMessages: LongMessages,
  refusedUntil = 0,
): Receive {
  const answer = createAnswer(context, handlers);

  async function reply(sender: Sender, arrival: Arrival): Promise<Received> {
    const started = performance.now();
    const name = isFunctionName(sender.message.function) ? sender.message.function : 'unknown';
    const report = (code: string) =>
      context.events.messageAnswered({ function: name, code, seconds: (performance.now() - started) / 1000 });
    try {
      const bytes = sealReply(context, sender, await answer(sender, arrival));
      report('OK');
      return { kind: 'sealed', bytes };
    } catch (error) {
      const problem = reported(context, error);
      report(problem.code);
      return { kind: 'sealed', bytes: sealReply(context, sender, { ok: false, problem }) };
    }
  }

  return async (bytes, from) => {
    try {
      const opening = longMessages.take(from, bytes.length);
      if (opening === null) throw longMessagesRefused();
      const { identity, clock, config } = context;
      const opened = unsealMessage({
        recipient: identity,
        bytes,
        now: clock(),
        maxAgeSeconds: config.limits.messageLifetimeSeconds,
        maxSkewSeconds: config.limits.clockSkewSeconds,
        maxBytes: config.limits.body,
        maxDepth: MAX_BODY_DEPTH,
      });
      if (opened.claimed.date <= refusedUntil) throw fromBeforeRestore(refusedUntil - clock());
      const sender = await authenticate(context, opened);
      return await reply(sender, { length: bytes.length, address: from.address, opening });
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
): Uint8Array {
  const { identity, clock, config, random } = context;
  const now = clock();
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
  else if (error.errorClass === 'StorageError') events.storageFailed({ code: error.code });
  return toProblem(error);
}

/** To an honest client it is a message like one that came too late: it sends another one, after a while. */
function fromBeforeRestore(seconds: number): StateError {
  const wait = seconds < 0 ? '' : `wait ${seconds + 1} seconds, then `;
  return new StateError('a message may have been made before this server was restored from a backup', {
    code: 'MESSAGE_BEFORE_RESTORE',
    hint: `${wait}send the request again`,
    httpStatus: 410,
  });
}
