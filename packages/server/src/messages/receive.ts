import {
  encodeReply,
  type FunctionName,
  isFunctionName,
  parseCall,
  type Problem,
  type Reply,
  toProblem,
} from '@ckm/api';
import { AccessError, CkmError, encodeHex, UsageError } from '@ckm/foundation';
import {
  authenticateMessage,
  createMessageId,
  type Message,
  type PublicKeys,
  sealMessage,
  type UnauthenticatedMessage,
  unsealMessage,
} from '@ckm/gordian';
import type { Account } from '../accounts/accounts.js';
import { accessError, quotaError } from '../accounts/codes.js';
import { createRateLimiter } from '../accounts/rate-limiter.js';
import type { Call, Handler, Handlers, ServerContext } from '../context.js';
import { createCall } from './call.js';
import { openAccount } from './open-account.js';

/** What goes back: a sealed reply, or, when nobody is known to seal one to, a problem that says as little as it can. */
export type Received =
  | { readonly kind: 'sealed'; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** Answers one message. Never throws. */
export type Receive = (bytes: Uint8Array) => Promise<Received>;

/** Everything that an account may call; `account.open` is answered before there is one. */
export type AccountHandlers = Handlers<Exclude<FunctionName, 'account.open'>>;

interface Sender {
  readonly message: Message;
  readonly keys: PublicKeys;
  /** Null: a stranger with an introduction. */
  readonly account: Account | null;
}

const MAX_BODY_DEPTH = 16;

/**
 * Opens a message, finds out who sent it, checks that it was not answered before, and answers it.
 * Outside the seal nobody learns whether an XID has an account here: unknown senders and wrong signatures are one.
 */
export function createReceive(context: ServerContext, handlers: AccountHandlers): Receive {
  const { events, clock, config, identity, random } = context;
  // Limits are per account, and an account's quota is the configuration's.
  const perAccount = createRateLimiter({ count: config.quota.requestsPerMinute, perMs: 60_000 });

  async function authenticate(opened: UnauthenticatedMessage): Promise<Sender> {
    const { claimed, introduction } = opened;
    const account = await context.storage.read((reader) => context.accounts.find(reader, claimed.sender));
    const keys = account?.publicKeys ?? introduction;
    try {
      const message = authenticateMessage(opened, keys ?? identity.publicKeys);
      if (keys !== null) return { message, keys, account };
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
    }
    throw notAuthenticated();
  }

  async function answer(sender: Sender, name: string): Promise<Reply<FunctionName>> {
    const { account, message } = sender;
    if (!isFunctionName(name)) throw unknownFunction();
    if (account === null && name !== 'account.open') throw unknownAccount();
    if (account?.status === 'suspended') throw suspended();
    if (!perAccount.take(encodeHex(message.header.sender))) {
      const { requestsPerMinute } = config.quota;
      throw quotaError('QUOTA_MESSAGES', 'messages a minute', requestsPerMinute, 'wait a minute');
    }
    const { call, settle } = createCall(context, message.header, account);
    try {
      const parameters = parseCall(name, message.body);
      const result =
        name === 'account.open'
          ? await openAccount(context, call, sender.keys, (parameters as { invite: string | null }).invite)
          : await dispatch(handlers[name] as Handler<FunctionName>, call as Call, parameters);
      await settle();
      return { ok: true, result };
    } catch (error) {
      await settle();
      throw error;
    }
  }

  function seal(sender: Sender, reply: Reply<FunctionName>): Received {
    const { header, function: name } = sender.message;
    const now = clock();
    const bytes = sealMessage({
      sender: identity,
      recipient: { xid: header.sender, publicKeys: sender.keys },
      id: createMessageId(random),
      date: now,
      expiresAt: now + config.limits.messageLifetimeSeconds,
      inReplyTo: header.id,
      function: name,
      body: encodeReply(reply),
      random,
    });
    return { kind: 'sealed', bytes };
  }

  async function reply(sender: Sender): Promise<Received> {
    const started = performance.now();
    const name = isFunctionName(sender.message.function) ? sender.message.function : 'unknown';
    const report = (code: string) =>
      events.messageAnswered({ function: name, code, seconds: (performance.now() - started) / 1000 });
    try {
      const received = seal(sender, await answer(sender, sender.message.function));
      report('OK');
      return received;
    } catch (error) {
      const problem = reported(context, error);
      report(problem.code);
      return seal(sender, { ok: false, problem });
    }
  }

  return async (bytes) => {
    try {
      const { limits } = config;
      const opened = unsealMessage({
        recipient: identity,
        bytes,
        now: clock(),
        maxAgeSeconds: limits.messageLifetimeSeconds,
        maxSkewSeconds: limits.clockSkewSeconds,
        maxBytes: limits.body,
        maxDepth: MAX_BODY_DEPTH,
      });
      return await reply(await authenticate(opened));
    } catch (error) {
      const problem = reported(context, error);
      events.messageRefused({ code: problem.code });
      return { kind: 'problem', problem };
    }
  };
}

async function dispatch<F extends FunctionName>(
  handler: Handler<F>,
  call: Call,
  parameters: Parameters<Handler<F>>[1],
): ReturnType<Handler<F>> {
  return handler(call, parameters);
}

/** The problem to show, after what the operator should know was reported. */
function reported({ events }: ServerContext, error: unknown): Problem {
  if (!(error instanceof CkmError) || error.errorClass === 'BugError') events.bug(error);
  else if (error.errorClass === 'StorageError') events.storageFailed({ code: error.code });
  return toProblem(error);
}

function notAuthenticated() {
  return new AccessError('the message is not from anybody this server knows', {
    code: 'MESSAGE_NOT_AUTHENTICATED',
    hint: 'open an account on this server first, and sign with its key',
    httpStatus: 401,
  });
}

function unknownAccount() {
  return accessError(
    'ACCOUNT_UNKNOWN',
    'there is no account for this sender',
    'open an account on this server first',
  );
}

function suspended() {
  return accessError('ACCOUNT_SUSPENDED', 'this account is suspended', 'ask the operator of this server');
}

function unknownFunction() {
  return new UsageError('this server has no such function', {
    code: 'FUNCTION_UNKNOWN',
    hint: 'compare the versions of client and server',
  });
}
