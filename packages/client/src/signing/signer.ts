import { hashPayload, type Requester, signRequester } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import { catchUp, isOtherEpoch } from '../keys/changes/catch-up.js';
import { unlessForked } from '../keys/forks/unsettled.js';
import { assuringLink } from '../keys/heads/assure-head.js';
import { requireStillUndisputed, requireUndisputed } from '../keys/compare-key.js';
import { type CertifiedKey, epochName, requireSignable } from '../keys/key-record.js';
import { termsKnown } from '../keys/terms/terms-known.js';
import type { ReadKey } from '../keys/keys.js';
import { noteSignature } from '../keys/note-signature.js';
import type { OnProgress } from '../progress/progress.js';
import type { RequestRecord } from '../requests/request-record.js';
import { createRequestTrace } from '../requests/request-trace.js';
import { assertRequestOpen, loadRequest, requestGone } from '../requests/requests.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import type { CommitmentPools } from './crafts/commitment-pool.js';
import { policyRefusal } from './policy-refusal.js';
import { lifetimeFor, newRequest } from './new-request.js';
import { besideOpenRequests } from './open-rivals.js';
import { asksPeople } from './people.js';
import { createQuorumChoice } from './quorum-choice.js';
import { isRejection } from './rejections.js';
import { understand, type UnderstoodRequest } from './request.js';
import { reportAside, reportBeginning, reportDone } from './report.js';
import type { PreparedRequest, SignArgs, SignOptions, SignResult } from './sign-args.js';
import { keyDiffers } from './sign-errors.js';
import { signResult } from './sign-result.js';
import { driveSignRun } from './sign-run.js';

export interface Signer {
  /** Reads and describes a request. Nothing is sent or written. */
  prepare(args: SignArgs): Promise<PreparedRequest>;
  /** The same for a request on record that is open: `sign` goes on with it. */
  prepareAgain(request: RequestRecord, options?: GoingOn): Promise<PreparedRequest>;
  /** Tells every server that nobody wants it any more; those that cannot be reached forget it when it expires. */
  cancel(request: RequestRecord, reason: string): Promise<void>;
  /** Servers were added, renamed or removed. */
  forgetServers(): void;
  /** Waits for what is still being tidied up. */
  settle(): Promise<void>;
}

/** Longest wait for a server that is only told that it is not needed any more. */
const TIDY_MS = 3_000;

/** Whether anybody said that it is in another epoch of the key: one that lies costs no more than a look. */
function mayBeBehind({ code, facts }: CkmError): boolean {
  return isOtherEpoch(code) || facts['isOtherEpoch'] === true;
}

export function createSigner(context: ClientContext, readKey: ReadKey, pools: CommitmentPools): Signer {
  const servers = createQuorumChoice(context);
  const tidying = new Set<Promise<unknown>>();

  async function readSignable(name: string): Promise<CertifiedKey> {
    const key = requireSignable(await readKey(name));
    requireUndisputed(key.record);
    return key;
  }

  /** Where servers are in another epoch of the key than this client, both come to the newest, and it is asked once more. */
  async function inNewestEpoch(
    key: CertifiedKey,
    ask: (key: CertifiedKey) => Promise<SignResult>,
  ): Promise<SignResult> {
    try {
      return await ask(key);
    } catch (error) {
      if (!(error instanceof CkmError) || !mayBeBehind(error)) throw error;
      const { isMoved, now } = await caughtUp(key);
      const again = async () => {
        if (!isMoved) throw error;
        servers.forget();
        return ask(now);
      };
      return unlessForked(context, () => readSignable(now.record.name), mayBeBehind, again);
    }
  }

  /** The key in its newest epoch, and whether that, or a server, has moved: another process of the owner may have put it on record. */
  async function caughtUp(key: CertifiedKey) {
    const isServerMoved = await catchUp(context, key);
    const now = await readSignable(key.record.name);
    const isSame = equalBytes(now.keyId, key.keyId);
    // One that was settled against has the same number as the one that counts.
    const isFurther = isSame && !equalBytes(now.newest.transcriptHash, key.newest.transcriptHash);
    // The name may be another key's by now.
    return { now, isFurther, isMoved: isSame && (isServerMoved || isFurther) };
  }

  /**
   * The request as it is on record, where people were asked: what they have said of it counts in every epoch of the key. Why
   * servers refused it in the epoch before is over.
   * @returns null: there is none
   * @throws StateError `REQUEST_OVER`: it was cancelled, or another process has finished it
   */
  async function keptRecord({ requestId }: RequestRecord): Promise<RequestRecord | null> {
    const kept = await loadRequest(context.store, requestId);
    if (kept === null) return null;
    assertRequestOpen(kept);
    return { ...kept, refusals: [] };
  }

  async function run(job: SigningOrder): Promise<SignResult> {
    const { key, request, record, on } = job;
    const participants = servers.inOrder(await servers.among(key, record.without));
    const links = new Map<Participant, ServerLink>();
    const pool = await pools.open(epochName(key));
    const hearing = {
      tell: (text: string) => reportAside({ ...job, requestId: record.requestId }, text),
      whenVoided: (slot: number) => pool.drop(slot),
    };
    for (const participant of participants) {
      const link = await context.linkTo(participant.server);
      links.set(participant, assuringLink(context, key, participant, link, hearing));
    }
    const trace = createRequestTrace(context.store, record, job.isKept);
    await trace.begin();
    job.left?.addEventListener('abort', trace.stays);
    reportBeginning(job, participants);
    const outcome = await driveSignRun({
      context,
      key,
      request,
      requestId: record.requestId,
      expiresAt: record.expiresAt,
      waitUntil: job.waitUntil,
      requester: asksPeople(key) ? await whoAsks(context, key, request, record) : null,
      whoAsks: () => whoAsks(context, key, request, record),
      votes: job.votes,
      participants,
      links,
      pool,
      attemptsBefore: record.attempts,
      on,
      beforeAttempt: async (number) => {
        await requireStillUndisputed(context, key.record);
        await trace.attempt(number);
      },
      whenWaiting: trace.waits,
      whenElsewhere: async () => (await caughtUp(key)).isFurther,
      whenRejected: (left) => {
        tidy(withdraw(left, 'too many others said no'));
      },
      whenGivenUp: (waiting) => {
        if (!job.isKept) tidy(waiting.then((all) => withdraw(all, 'too few others can sign')));
      },
    }).catch(async (error: unknown) => {
      await (isRejection(error) ? trace.fail(error.message) : trace.giveUp());
      throw error;
    });
    servers.silent(outcome.silent);
    reportDone(job, outcome.signers);
    await trace.finish(outcome.attempts, request.isSecret ? null : outcome.artefact);
    await noteSignature(context, key.record, request);
    tidy(outcome.undecided.then((all) => withdraw(all, 'enough others have signed')));
    return signResult(request, outcome);

    /** Nobody needs to decide any more. */
    async function withdraw(waiting: readonly Participant[], reason: string): Promise<void> {
      const withdrawal = { requestId: record.requestId, reason };
      const calls = waiting.map((one) =>
        links.get(one)!.call('request.cancel', withdrawal, { timeoutMs: TIDY_MS }),
      );
      await Promise.allSettled(calls);
    }
  }

  /** What people read of a request, and the one thing their yes does. */
  async function prepared(
    key: CertifiedKey,
    { kind, description, details }: UnderstoodRequest,
    without: readonly string[],
    ask: (on: OnProgress | undefined, options: SignOptions) => Promise<SignResult>,
  ): Promise<PreparedRequest> {
    const asks = namesOf(await servers.among(key, without));
    const { policy } = key.record;
    const { needed } = key.public.quorum;
    const refusal = policyRefusal(key, kind, description, context.clock());
    const isRefused = refusal !== null && (await isRefusedByKnown(key, kind, description));
    let signing: Promise<SignResult> | undefined;
    const sign = (on?: OnProgress, options: SignOptions = {}) => {
      signing ??= isRefused ? Promise.reject(refusal) : ask(on, options);
      return signing;
    };
    return { description, details, asks, policy, needed, refusal: isRefused ? refusal : null, sign };
  }

  /** Whether terms that followed those that are certified, as far as they are known here, refuse it as well: else the servers decide. */
  async function isRefusedByKnown(
    key: CertifiedKey,
    kind: string,
    description: UnderstoodRequest['description'],
  ): Promise<boolean> {
    const policy = await termsKnown(context, key);
    const known = { ...key, record: { ...key.record, policy } };
    return policyRefusal(known, kind, description, context.clock()) !== null;
  }

  /** Goes on behind the answer; whether it succeeds matters to nobody. */
  function tidy(work: Promise<void>): void {
    const done: Promise<unknown> = work.catch(() => undefined).finally(() => tidying.delete(done));
    tidying.add(done);
  }

  return {
    async prepare({
      key: name,
      kind,
      payload,
      fileName,
      without = [],
      expiresInSeconds,
      waitSeconds,
      destination = null,
    }) {
      const key = await readSignable(name);
      const alone = understand(key, { kind, payload, isNew: true, fileName }, context.clock());
      const request = await besideOpenRequests(context, key, alone, null);
      const lifetime =
        expiresInSeconds ??
        Math.max(lifetimeFor(key.record.policy), lifetimeFor(await termsKnown(context, key)));
      return prepared(key, request, without, (on, { left }) => {
        const now = context.clock();
        const expiresAt = now + lifetime;
        const waitUntil = now + Math.min(waitSeconds ?? lifetime, lifetime);
        const about = { request, now, expiresAt, without, destination };
        let asked: RequestRecord | null = null;
        return inNewestEpoch(key, async (newest) => {
          const kept = asked === null ? null : await keptRecord(asked);
          // Else each a request of its own: the one that came to nothing is taken back behind the other.
          asked = kept ?? newRequest({ key: newest, requestId: context.random(32), ...about });
          const isKept = kept !== null;
          return run({ key: newest, request, record: asked, waitUntil, votes: [], isKept, on, left });
        });
      });
    },
    async prepareAgain(record, { waitSeconds = Number.POSITIVE_INFINITY, votes = [] } = {}) {
      const key = await readSignable(record.keyName);
      if (!equalBytes(key.keyId, record.keyId)) throw keyDiffers(record);
      const alone = understand(key, { ...record, isNew: false }, context.clock());
      const request = await besideOpenRequests(context, key, alone, record.requestId);
      const { without, expiresAt } = record;
      return prepared(key, request, without, (on, { left }) => {
        const waitUntil = Math.min(context.clock() + waitSeconds, expiresAt);
        return inNewestEpoch(key, async (newest) => {
          const kept = await keptRecord(record);
          if (kept === null) throw requestGone(record);
          return run({ key: newest, request, record: kept, waitUntil, votes, isKept: true, on, left });
        });
      });
    },
    async cancel({ requestId, keyName }, reason) {
      for (const { server } of await servers.among(await readKey(keyName), [])) {
        const link = await context.linkTo(server);
        await link.call('request.cancel', { requestId, reason }).catch(() => undefined);
      }
    },
    forgetServers: servers.forget,
    async settle() {
      await Promise.all(tidying);
    },
  };
}

/** With what a request goes on. */
export interface GoingOn {
  /** As in {@link SignArgs}. */
  readonly waitSeconds?: number;
  /** Votes on it that its owner brings, as they were signed: 16 at most. */
  readonly votes?: readonly Uint8Array[];
}

/** Where people are asked, they and the servers of a key know who asks by a name that holds for this key alone. */
async function whoAsks(
  context: ClientContext,
  { keyId }: CertifiedKey,
  { kind, payload }: UnderstoodRequest,
  { requestId, expiresAt }: RequestRecord,
): Promise<Requester> {
  const me = (await context.owner()).identityForKey(keyId);
  try {
    return signRequester(me, { keyId, requestId, payloadHash: hashPayload(kind, payload), expiresAt });
  } finally {
    wipeIdentity(me);
  }
}

interface SigningOrder {
  readonly key: CertifiedKey;
  readonly request: UnderstoodRequest;
  readonly record: RequestRecord;
  readonly waitUntil: number;
  readonly votes: readonly Uint8Array[];
  /** Whether the request was left before and is on record. */
  readonly isKept: boolean;
  readonly on: OnProgress | undefined;
  readonly left: AbortSignal | undefined;
}
