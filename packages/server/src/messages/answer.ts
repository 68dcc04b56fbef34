import {
  assertAllowed,
  assertProtocolVersion,
  type FunctionName,
  FUNCTIONS,
  isFunctionName,
  needsOf,
  parseCall,
  type Reply,
  waitsWhileFrozen,
} from '@ckm/api';
import { CkmError, encodeHex, UsageError } from '@ckm/foundation';
import { assertGoesOn } from '../accounts/account-frozen.js';
import { accessError, quotaError, tooManyInFlight } from '../accounts/codes.js';
import { createFairQueue } from '../turns/fair-queue.js';
import type { Opening } from '../turns/long-messages.js';
import { createRateLimiter } from '../turns/rate-limiter.js';
import type {
  AnybodyCall,
  ApprovalFunctionName,
  ApprovalHandlers,
  AskerCall,
  AskerFunctionName,
  AskerHandlers,
  AskerKnown,
  Call,
  Handlers,
  LifeFunctionName,
  LifeHandlers,
  ServerContext,
} from '../context.js';
import { createApprovers } from './approvers.js';
import type { Sender } from './authenticate.js';
import { createCall, replayed, type StrangerCall } from './call.js';
import { openAccount } from './open-account.js';
import { createStrangers } from './strangers.js';

/** Everything that an account may call; `account.open` is answered before there is one. */
export type AccountHandlers = Handlers<
  Exclude<FunctionName, 'account.open' | ApprovalFunctionName | LifeFunctionName | AskerFunctionName>
> &
  ApprovalHandlers &
  LifeHandlers &
  AskerHandlers;

/**
 * A longer message counts as several: what it costs to answer grows with its length. A signature takes one, the largest
 * transaction some hundreds.
 */
const COUNTED_AS_ONE = 4_096;

/** Of a device that was removed: it has little to say. */
const REMOVED_PER_MINUTE = 30;

/**
 * Messages in work at the same time, of all accounts together and of one; the others wait for their turn. An account that has
 * none in work does not wait: what is in work may be at a thread for many seconds, and four accounts have 64.
 */
const AT_ONCE = { inAll: 64, forEach: 16, always: 1 };

/** What is known of a message besides what is in it. */
export interface Arrival {
  /** Bytes. */
  readonly length: number;
  /** Where it came from, as a limit counts it. */
  readonly address: string;
  /** What it counts as until it is heard. */
  readonly opening: Opening;
}

/** Calls the function that an authenticated message names. */
export function createAnswer(context: ServerContext, handlers: AccountHandlers, askerKnown: AskerKnown) {
  const { requestsPerMinute } = context.config.quota;
  const perAccount = createRateLimiter({ count: requestsPerMinute, perMs: 60_000 });
  const removed = createRateLimiter({ count: REMOVED_PER_MINUTE, perMs: 60_000 });
  const strangers = createStrangers(context, askerKnown);
  const approvers = createApprovers(async (sender) =>
    context.storage.read(async ({ asked }) => (await asked.list(sender, null, 1)).length > 0),
  );
  const { concurrency } = context.config.limits;
  const queue = createFairQueue(AT_ONCE);

  async function admit(sender: Sender, called: string, { length, address }: Arrival): Promise<void> {
    const { account, message } = sender;
    const places = Math.ceil(length / COUNTED_AS_ONE);
    if (account === null) {
      const may = isFunctionName(called) ? FUNCTIONS[called].may : null;
      if (may === 'approver')
        return approvers.admit(message.header.sender, called as FunctionName, address, places);
      if (may !== 'stranger') throw unknownAccount();
      const wanted = called === 'account.open' ? null : (called as AskerFunctionName);
      return strangers.admit(message, address, places, wanted);
    }
    if (account.status === 'suspended') throw suspended();
    // Whoever was removed stops what goes on, and uses up nothing of who is there.
    if (sender.by?.isRemoved === true && !removed.take(encodeHex(sender.by.id), places)) {
      throw quotaError('QUOTA_MESSAGES', 'messages a minute', REMOVED_PER_MINUTE, 'wait a minute');
    }
    if (sender.by?.isRemoved === true) return;
    const name = encodeHex(account.xid);
    const mostInFlight = queue.roomFor(name, concurrency);
    if (queue.count(name) >= mostInFlight) throw tooManyInFlight(mostInFlight);
    if (perAccount.take(name, places)) return;
    throw quotaError('QUOTA_MESSAGES', 'messages a minute', requestsPerMinute, 'wait a minute');
  }

  /** Accounts take turns; a stranger has no turn to take, and asks for one small thing. */
  async function inTurn<T>({ account, by }: Sender, work: () => Promise<T>): Promise<T> {
    if (account === null || by?.isRemoved === true) return work();
    const leave = await queue.enter(encodeHex(account.xid));
    try {
      return await work();
    } finally {
      leave();
    }
  }

  async function run(sender: Sender, name: FunctionName, call: StrangerCall): Promise<unknown> {
    const parameters = parseCall(name, sender.message.body, context.config.limits.body);
    // The key of the words may do everything: nothing is looked up for it.
    if (sender.by !== null && sender.by.may !== null) {
      assertAllowed(sender.by.may, needsOf(name, parameters) ?? 'look');
    }
    if (sender.account !== null && waitsWhileFrozen(name)) assertGoesOn(sender.account, context.clock());
    if (name === 'account.open') {
      return openAccount(context, call, sender.keys, (parameters as { invite: string | null }).invite);
    }
    const handler = handlers[name] as (
      call: AnybodyCall & AskerCall & Call,
      parameters: unknown,
    ) => Promise<unknown>;
    return handler({ ...(call as StrangerCall & Call), publicKeys: sender.keys }, parameters);
  }

  return async (sender: Sender, arrival: Arrival): Promise<Reply<FunctionName>> => {
    const { account, message } = sender;
    const name = message.function;
    // Before it is counted: whoever repeats what he recorded must not use up its sender's messages.
    if (sender.isRepeated) throw replayed();
    await admit(sender, name, arrival);
    arrival.opening.heard(account?.xid ?? null);
    if (!isFunctionName(name)) throw unknownFunction(message.body, context.config.limits.body);
    const { call, settle } = createCall(context, message.header, name, sender);
    try {
      const result = (await inTurn(sender, () => run(sender, name, call))) as Extract<
        Reply<FunctionName>,
        { ok: true }
      >['result'];
      // Whoever has no account leaves nothing behind but what he did.
      if (account !== null || FUNCTIONS[name].may === 'stranger') await settle('answered').catch(passIfFull);
      return { ok: true, result };
    } catch (error) {
      // A stranger who was refused leaves nothing behind, not even a row.
      if (account !== null) await settle('refused').catch(passIfFull);
      throw error;
    }
  };
}

/**
 * A message that could not be recorded because the disk is full: what was only a question, or is refused, is answered all the same, and
 * would be once more if somebody repeated it, to the same asker. Whatever changes something has recorded it by then.
 */
function passIfFull(error: unknown): void {
  if (!(error instanceof CkmError) || error.code !== 'STORAGE_FULL') throw error;
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

/** In another version of the protocol the name may well be a function: that is said first. */
function unknownFunction(body: Uint8Array, maxBytes: number) {
  assertProtocolVersion(body, maxBytes);
  return new UsageError('this server has no such function', {
    code: 'FUNCTION_UNKNOWN',
    hint: 'compare the versions of client and server',
  });
}
