import {
  CHAIN_PAGE_BYTES,
  encodeCall,
  type FunctionName,
  type Parameters,
  parseReply,
  type Result,
} from '@ckm/api';
import { AvailabilityError, CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import {
  authenticateMessage,
  createMessageId,
  type Correspondent,
  type Identity,
  sealMessage,
  unsealMessage,
  xidOf,
} from '@ckm/gordian';
import {
  CLOCK_LIMIT_SECONDS,
  clockDiffers,
  type ClockOffset,
  isClockFar,
} from '../servers/clock-difference.js';
import { isOfStorage } from '../servers/causes.js';
import { identityChanged } from '../servers/identity-changed.js';
import type { ServerRecord } from '../servers/server-record.js';
import type { Carried, Carrier } from './carrier.js';
import { versionDiffers } from './protocol-version.js';

const ROUTE_BYTES = 16;

/** How long answers of servers may stay valid, in seconds, where the carrier needs no longer. */
const LONGEST_ANSWER_SECONDS = 300;

/** What every message needs besides its content. */
export interface LinkMeans {
  readonly carrier: Carrier;
  /** Unix seconds. */
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly timeoutMs: number;
  /** Bytes of certificates that are shown in one message; absent: as many as every server takes. */
  readonly chainPageBytes?: number;
  /** Called when a server has answered, whatever it said. */
  readonly onAnswer?: (server: Correspondent) => void;
  /** Called with what a server says of its clock: signed with every answer, unsealed where it takes no message because of it. */
  readonly onClock?: (server: Correspondent, offset: ClockOffset) => void;
}

export interface CallOptions {
  /** Shows who we are inside the message, as a stranger must. */
  readonly introduce?: boolean;
  readonly timeoutMs?: number;
}

/** A way to ask one pinned server. */
export interface ServerLink {
  /** Bytes of certificates that are shown in one message to it: more go in several. */
  readonly chainPageBytes: number;
  /**
   * Asks, and returns the server's own answer: sealed by it, to us, in reply to this very message.
   * When the answer is lost on the way it asks once more, in a new message.
   * @throws CkmError the server's refusal as it worded it; AvailabilityError `SERVER_UNREACHABLE`, `SERVER_TIMEOUT`,
   * `SERVER_CONNECTION_LOST`, `SERVER_REPLY_INVALID`; AccessError `SERVER_IDENTITY_CHANGED`
   */
  call<F extends FunctionName>(name: F, parameters: Parameters<F>, options?: CallOptions): Promise<Result<F>>;
}

/** Connects our identity for one server with that server's pinned keys and address. */
export function createServerLink(
  means: LinkMeans,
  me: Identity,
  server: Correspondent & Pick<ServerRecord, 'name' | 'url' | 'authority'>,
): ServerLink {
  const route = encodeHex(means.random(ROUTE_BYTES));
  // The words' key is the one that an account is named after; every other one has to be named.
  const namesKey = !equalBytes(xidOf(me.publicKeys), me.xid);
  const ask: ServerLink['call'] = async (name, parameters, options = {}) => {
    const id = createMessageId(means.random);
    const date = means.clock();
    const message = sealMessage({
      sender: me,
      recipient: server,
      id,
      date,
      expiresAt: date + means.carrier.lifetimeSeconds,
      function: name,
      body: encodeCall(name, parameters),
      introduce: options.introduce === true,
      ...(namesKey ? { namesKey } : {}),
      random: means.random,
    });
    const timeoutMs = options.timeoutMs ?? means.timeoutMs;
    const carried = await means.carrier.ask(server.url, message, {
      route,
      timeoutMs,
      authority: server.authority,
    });
    // What was long on its way says little about clocks.
    const isPrompt = means.clock() - date <= CLOCK_LIMIT_SECONDS;
    if (carried.kind === 'refusal') {
      const offset = isPrompt ? clockRefusal(server.name, date, carried) : null;
      if (offset === null) throw refusedUnsealed(server.name, carried);
      means.onClock?.(server, offset);
      throw clockDiffers(offset);
    }
    const answer = openReply(means, me, server, { id, name, bytes: carried.bytes });
    means.onAnswer?.(server);
    // It was dated at some moment between the two.
    const seconds = Math.round((date + means.clock()) / 2) - answer.date;
    if (isPrompt) means.onClock?.(server, { server: server.name, seconds });
    try {
      return parseReply(name, answer.body);
    } catch (refusal) {
      if (!(refusal instanceof CkmError)) throw refusal;
      throw refusal.code === 'PROTOCOL_VERSION_UNKNOWN'
        ? versionDiffers(server.name, refusal)
        : saidBy(server.name, refusal);
    }
  };
  return {
    chainPageBytes: means.chainPageBytes ?? CHAIN_PAGE_BYTES,
    call: async (name, parameters, options) => {
      try {
        return await ask(name, parameters, options);
      } catch (error) {
        if (!isAnswerLost(error)) throw error;
      }
      try {
        return await ask(name, parameters, options);
      } catch (error) {
        throw isReplayed(error) ? answerLost(server.name, error) : error;
      }
    },
  };
}

/**
 * Whether the server may have done what it was asked while its answer was lost on the way. Asking once more is safe: every
 * function only looks when it has been called before; but under a new message id, as no message is answered twice.
 */
function isAnswerLost(error: unknown): boolean {
  return isReplayed(error) || (error instanceof CkmError && error.code === 'SERVER_CONNECTION_LOST');
}

/** Somebody on the way, or our own carrier, brought the same bytes twice, and the other ones were answered. */
function isReplayed(error: unknown): error is CkmError {
  return error instanceof CkmError && error.code === 'MESSAGE_REPLAYED';
}

/** Whatever a network does is silence, never a server's last word. */
function answerLost(server: string, cause: CkmError): AvailabilityError {
  return new AvailabilityError(`the answers of server ${server} get lost on the way`, {
    code: 'SERVER_CONNECTION_LOST',
    hint: 'try again; if it persists, something between you and the server repeats messages',
    facts: { server },
    cause,
  });
}

/** A server's refusal with the owner's name of the server in front. */
function saidBy(
  server: string,
  { errorClass, message, code, hint, remedy, httpStatus, retryable, facts }: CkmError,
): CkmError {
  return new CkmError(errorClass, `server ${server}: ${message}`, {
    code,
    hint,
    httpStatus,
    retryable,
    facts: { ...facts, server },
    ...(remedy === null ? {} : { remedy }),
  });
}

interface ExpectedReply {
  readonly id: Uint8Array;
  readonly name: FunctionName;
  readonly bytes: Uint8Array;
}

function openReply(
  means: LinkMeans,
  me: Identity,
  server: Correspondent & { readonly name: string },
  { id, name, bytes }: ExpectedReply,
): { readonly body: Uint8Array; readonly date: number } {
  try {
    const claimed = unsealMessage({
      recipient: me,
      bytes,
      now: means.clock(),
      // A server answers with a lifetime of its own choice, at least as long as that of what it answers.
      maxAgeSeconds: Math.max(LONGEST_ANSWER_SECONDS, means.carrier.lifetimeSeconds),
      // It names our message, so that it is not old; and no clock is further ahead by which our message was still valid.
      maxSkewSeconds: means.carrier.lifetimeSeconds,
      maxBytes: bytes.length,
      accept: 'reply',
    });
    const message = authenticateMessage(claimed, server.publicKeys);
    const { header } = message;
    const isOurs =
      equalBytes(header.sender, server.xid) &&
      header.inReplyTo !== undefined &&
      equalBytes(header.inReplyTo, id) &&
      message.function === name;
    if (isOurs) return { body: message.body, date: header.date };
    throw replyInvalid(server.name, 'it answers another request');
  } catch (cause) {
    throw cause instanceof AvailabilityError ? cause : replyNotAuthentic(server.name, cause);
  }
}

/** A reply that our pinned server did not write, or that somebody changed. */
function replyNotAuthentic(server: string, cause: unknown): CkmError {
  if (cause instanceof CkmError && cause.code === 'MESSAGE_SIGNATURE_INVALID') {
    return identityChanged(server, cause);
  }
  return replyInvalid(server, 'it cannot be opened', cause);
}

function replyInvalid(server: string, why: string, cause?: unknown): AvailabilityError {
  return new AvailabilityError(`server ${server} sent an invalid reply: ${why}`, {
    code: 'SERVER_REPLY_INVALID',
    hint: 'try again; if it persists, something between you and the server changes messages',
    facts: { server },
    cause,
  });
}

const CLOCK_CODES: readonly string[] = ['MESSAGE_EXPIRED', 'MESSAGE_FROM_FUTURE'];

/** How far clocks are apart when that is why a server took no message; null: it had another reason. @param date of the message */
function clockRefusal(
  server: string,
  date: number,
  { code, receivedAt }: Extract<Carried, { kind: 'refusal' }>,
): ClockOffset | null {
  if (!CLOCK_CODES.includes(code) || receivedAt === undefined) return null;
  const seconds = date - receivedAt;
  return isClockFar(seconds) ? { server, seconds } : null;
}

/** What a server says before it knows who asks is not sealed, so anybody on the way could have said it. */
function refusedUnsealed(
  server: string,
  { code, text }: Extract<Carried, { kind: 'refusal' }>,
): AvailabilityError {
  if (code === 'SERVER_SEALED') {
    return new AvailabilityError(`server ${server} is sealed and answers nobody`, {
      code,
      hint: 'ask its operator to unseal it, then try again',
      facts: { server },
    });
  }
  const said = code === '' ? text : `${text}, ${code}`;
  const toDo = isOfStorage(code)
    ? 'tell its operator, whose log says more; read what that means'
    : 'read what that means';
  return new AvailabilityError(`server ${server} did not accept the message: ${said}`, {
    code: 'SERVER_REFUSED_MESSAGE',
    ...(code === ''
      ? { hint: 'check the address, and that the server is unsealed' }
      : { hint: toDo, remedy: { kind: 'read', code } }),
    facts: { server, ...(code === '' ? {} : { reason: code }) },
  });
}

/**
 * Whether a server says, unsealed, that it does not know who asks: it may have lost its accounts, or somebody on the way
 * says so. A reason to introduce ourselves again, and for nothing else.
 */
export function isForgotten(error: CkmError | null): boolean {
  return error?.code === 'SERVER_REFUSED_MESSAGE' && error.facts['reason'] === 'MESSAGE_NOT_AUTHENTICATED';
}
