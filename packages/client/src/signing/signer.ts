import { encodeHex, UsageError } from '@ckm/foundation';
import type { Description } from '@ckm/requests';
import type { KeyPolicy } from '@ckm/api';
import { namesOf, type Participant } from '../servers/ask-all.js';
import type { ClientContext } from '../context/context.js';
import { type CertifiedKey, epochName, requireSignable } from '../keys/key-record.js';
import type { ReadKey } from '../keys/keys.js';
import type { OnProgress } from '../progress/progress.js';
import type { SignSession } from '../sessions/session-record.js';
import type { ServerLink } from '../carrier/server-link.js';
import type { CommitmentPools } from './commitment-pool.js';
import { createRequestTrace } from './request-trace.js';
import { understand, type UnderstoodRequest } from './request.js';
import type { SignOutcome } from './sign-job.js';
import { rosterOf } from '../keys/roster.js';
import { driveSignRun } from './sign-run.js';

export interface SignArgs {
  /** The owner's name of the key. */
  readonly key: string;
  /** A request kind: `message`, `bitcoin`, `ssh`, `git`. */
  readonly kind: string;
  /** Made with the functions of `@ckm/requests`. */
  readonly payload: Uint8Array;
  /** Servers not to ask. */
  readonly without?: readonly string[];
  /** How long servers keep the request. Default: an hour; a week where operators are asked. */
  readonly expiresInSeconds?: number;
  /** How long to wait for people before giving the request back as a session. Default: until it expires. */
  readonly waitSeconds?: number;
}

export interface SignResult {
  /** What was asked for: a signature file, a signed transaction, an agent's answer. */
  readonly artefact: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  readonly description: Description;
  readonly signers: readonly string[];
  /** Servers that misbehaved on the way; `evidence` is a path in the store. */
  readonly faulty: readonly { readonly server: string; readonly code: string; readonly evidence: string }[];
  readonly silent: readonly string[];
  /** 1 when nobody let us down. */
  readonly attempts: number;
}

/** A request before anybody is asked: what people read, and what they say yes to. */
export interface PreparedRequest {
  readonly description: Description;
  /** In the order in which they would be asked. */
  readonly asks: readonly string[];
  readonly policy: KeyPolicy;
  readonly needed: number;
  /**
   * Asks for exactly what is described here, with the key that was read then, whatever has become of its name or of the
   * caller's bytes since. One yes is one signature: called again it gives the same result. It expires from now on.
   */
  sign(on?: OnProgress): Promise<SignResult>;
}

export interface Signer {
  /** Reads and describes a request. Nothing is sent or written. */
  prepare(args: SignArgs): Promise<PreparedRequest>;
  /** The same for a request on record that is open: `sign` goes on with it. @param waitSeconds as in {@link SignArgs} */
  prepareAgain(session: SignSession, waitSeconds?: number): Promise<PreparedRequest>;
  /** Tells every server that nobody wants it any more; those that cannot be reached forget it when it expires. */
  cancel(session: SignSession, reason: string): Promise<void>;
  /** Servers were added, renamed or removed. */
  forgetServers(): void;
  /** Waits for what is still being tidied up. */
  settle(): Promise<void>;
}

const LIFETIME_SECONDS = 3_600;
const LIFETIME_WITH_PEOPLE_SECONDS = 7 * 86_400;
/** A server that did not answer is asked last for so long. */
const GRUDGE_SECONDS = 30;
/** Longest wait for a server that is only told that it is not needed any more. */
const TIDY_MS = 3_000;

export function createSigner(context: ClientContext, readKey: ReadKey, pools: CommitmentPools): Signer {
  const silentUntil = new Map<string, number>();
  const tidying = new Set<Promise<unknown>>();
  const rosters = new Map<string, Promise<readonly Participant[]>>();
  // Short-lived clients must not all begin with the same server.
  let turn = context.random(1)[0]!;

  async function participantsOf(key: CertifiedKey, without: readonly string[]): Promise<Participant[]> {
    const epoch = epochName(key);
    const roster = rosters.get(epoch) ?? rosterOf(context, key);
    rosters.set(epoch, roster);
    roster.catch(() => rosters.delete(epoch));
    return withoutThose(key, await roster, without);
  }

  /** Those who answered lately first, and a new one in front every time, so that the work is spread. */
  function inOrder(participants: readonly Participant[]): Participant[] {
    const start = participants.length === 0 ? 0 : turn++ % participants.length;
    const rotated = [...participants.slice(start), ...participants.slice(0, start)];
    const isSilent = ({ server }: Participant) =>
      (silentUntil.get(encodeHex(server.xid)) ?? 0) > context.clock();
    return [...rotated.filter((one) => !isSilent(one)), ...rotated.filter(isSilent)];
  }

  async function run(job: SigningOrder): Promise<SignResult> {
    const { key, request, session, on } = job;
    const participants = inOrder(await participantsOf(key, job.without));
    const links = new Map<Participant, ServerLink>();
    for (const participant of participants) links.set(participant, await context.linkTo(participant.server));
    const pool = await pools.open(epochName(key));
    const trace = createRequestTrace(context.store, session, job.isKept);
    await trace.begin();
    const outcome = await driveSignRun({
      context,
      key,
      request,
      requestId: session.sessionId,
      expiresAt: session.expiresAt,
      waitUntil: job.waitUntil,
      participants,
      links,
      pool,
      attemptsBefore: session.attempts,
      on,
      beforeAttempt: trace.attempt,
      whenWaiting: trace.waits,
      whenGivenUp: (waiting) => {
        if (!job.isKept) tidy(waiting.then((all) => withdraw(all, 'too few others can sign')));
      },
    }).catch(async (error: unknown) => {
      await trace.giveUp();
      throw error;
    });
    for (const { server } of outcome.silent) {
      silentUntil.set(encodeHex(server.xid), context.clock() + GRUDGE_SECONDS);
    }
    await trace.finish(outcome.attempts, outcome.artefact);
    tidy(outcome.undecided.then((all) => withdraw(all, 'enough others have signed')));
    return resultOf(request, outcome);

    /** Nobody needs to decide any more. */
    async function withdraw(waiting: readonly Participant[], reason: string): Promise<void> {
      const withdrawal = { requestId: session.sessionId, reason };
      const calls = waiting.map((one) =>
        links.get(one)!.call('request.cancel', withdrawal, { timeoutMs: TIDY_MS }),
      );
      await Promise.allSettled(calls);
    }
  }

  /** What people read of a request, and the one thing their yes does. */
  async function prepared(
    key: CertifiedKey,
    { description }: UnderstoodRequest,
    without: readonly string[],
    ask: (on: OnProgress | undefined) => Promise<SignResult>,
  ): Promise<PreparedRequest> {
    const asks = namesOf(await participantsOf(key, without));
    const { policy } = key.record;
    const { needed } = key.public.quorum;
    let signing: Promise<SignResult> | undefined;
    return { description, asks, policy, needed, sign: (on) => (signing ??= ask(on)) };
  }

  /** Goes on behind the answer; whether it succeeds matters to nobody. */
  function tidy(work: Promise<void>): void {
    const done: Promise<unknown> = work.catch(() => undefined).finally(() => tidying.delete(done));
    tidying.add(done);
  }

  return {
    async prepare({ key: name, kind, payload, without = [], expiresInSeconds, waitSeconds }) {
      const key = requireSignable(await readKey(name));
      const request = understand(key, kind, payload);
      const lifetime = expiresInSeconds ?? lifetimeFor(key.record.policy);
      return prepared(key, request, without, (on) => {
        const now = context.clock();
        const expiresAt = now + lifetime;
        const waitUntil = now + Math.min(waitSeconds ?? lifetime, lifetime);
        const session = sessionOf({ key, request, requestId: context.random(32), now, expiresAt, without });
        return run({ key, request, session, without, waitUntil, isKept: false, on });
      });
    },
    async prepareAgain(session, waitSeconds = Number.POSITIVE_INFINITY) {
      const key = requireSignable(await readKey(session.keyName));
      const request = understand(key, session.requestKind, session.payload);
      const { without, expiresAt } = session;
      return prepared(key, request, without, (on) => {
        const waitUntil = Math.min(context.clock() + waitSeconds, expiresAt);
        return run({ key, request, session, without, waitUntil, isKept: true, on });
      });
    },
    async cancel(session, reason) {
      const { sessionId: requestId } = session;
      for (const { server } of await participantsOf(await readKey(session.keyName), [])) {
        const link = await context.linkTo(server);
        await link.call('request.cancel', { requestId, reason }).catch(() => undefined);
      }
    },
    forgetServers() {
      rosters.clear();
    },
    async settle() {
      await Promise.all(tidying);
    },
  };
}

interface SigningOrder {
  readonly key: CertifiedKey;
  readonly request: UnderstoodRequest;
  readonly session: SignSession;
  readonly without: readonly string[];
  readonly waitUntil: number;
  /** Whether the session is in the store already. */
  readonly isKept: boolean;
  readonly on: OnProgress | undefined;
}

function lifetimeFor(policy: KeyPolicy): number {
  return policy.approval === 'operator' ? LIFETIME_WITH_PEOPLE_SECONDS : LIFETIME_SECONDS;
}

function sessionOf(args: {
  readonly key: CertifiedKey;
  readonly request: UnderstoodRequest;
  readonly requestId: Uint8Array;
  readonly now: number;
  readonly expiresAt: number;
  readonly without: readonly string[];
}): SignSession {
  return {
    kind: 'sign',
    sessionId: args.requestId,
    state: 'open',
    createdAt: args.now,
    expiresAt: args.expiresAt,
    reason: null,
    keyName: args.key.record.name,
    requestKind: args.request.kind,
    payload: args.request.payload,
    sentence: args.request.description.sentence,
    without: args.without,
    attempts: 0,
    artefact: null,
  };
}

function withoutThose(
  key: CertifiedKey,
  all: readonly Participant[],
  without: readonly string[],
): Participant[] {
  const stranger = without.find((name) => !all.some(({ server }) => server.name === name));
  if (stranger !== undefined) throw notOfKey(stranger, key);
  const left = all.filter(({ server }) => !without.includes(server.name));
  if (left.length < key.public.quorum.needed) throw tooFewLeft(key, left.length);
  return left;
}

function resultOf(request: UnderstoodRequest, outcome: SignOutcome): SignResult {
  return {
    artefact: outcome.artefact,
    signatures: outcome.signatures,
    description: request.description,
    signers: namesOf(outcome.signers),
    faulty: outcome.faults.map(({ participant, code, evidence }) => ({
      server: participant.server.name,
      code,
      evidence,
    })),
    silent: namesOf(outcome.silent),
    attempts: outcome.attempts,
  };
}

function notOfKey(server: string, key: CertifiedKey): UsageError {
  return new UsageError(`${server} is no server of key ${key.record.name}`, {
    code: 'SERVER_UNKNOWN',
    hint: 'see which servers it has',
    remedy: { kind: 'showKey', key: key.record.name },
  });
}

function tooFewLeft(key: CertifiedKey, left: number): UsageError {
  const { needed } = key.public.quorum;
  return new UsageError(`key ${key.record.name} needs ${needed} servers, and only ${left} are left to ask`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: 'leave out fewer servers, or add the missing ones again',
    remedy: { kind: 'addServer' },
  });
}
