import { platformCarrier } from '#carrier';
import { UsageError } from '@ckm/foundation';
import { namesOf } from './servers/ask-all.js';
import { type ClientContext, createContext, type SeedSource } from './context/context.js';
import { createKeyReader, listKeyRecords, type ReadKey } from './keys/keys.js';
import { type CertifiedKey, type KeyRecord, requireUsable } from './keys/key-record.js';
import { fetchKeys } from './keys/fetch/fetch-keys.js';
import type { FetchedKey, FetchedKeys } from './keys/fetch/fetched-key.js';
import { completeKey, keepKey, type KeepKeyArgs, type KeptKey } from './keys/fetch/keep-key.js';
import { countUnrecorded, heldKeysOf, recordedKeyIds } from './keys/fetch/unrecorded.js';
import { planRename, renameKey } from './keys/rename-key.js';
import { type CreateKeyArgs, type KeyPlan, planKey, sessionFromPlan } from './keys/create-key.js';
import { abandonKey, makeKey, participantsOf } from './keys/make-key.js';
import { type KeyRestoration, planRestoration, restoreKey, type RestoreKeyArgs } from './keys/restore-key.js';
import { type KeyVerification, verifyKey } from './keys/verify-key.js';
import type { OnProgress } from './progress/progress.js';
import {
  addServer,
  type AddServerArgs,
  previewServer,
  type ServerPreview,
} from './introduction/add-server.js';
import { removeServer } from './keys/remove-server.js';
import type { ServerRecord } from './servers/server-record.js';
import { listServerRecords, showServerRecord } from './servers/servers.js';
import type { SessionRecord } from './sessions/session-record.js';
import { pruneSessions } from './sessions/prune-sessions.js';
import { findSession, listSessions, requireOpen, saveSession } from './sessions/sessions.js';
import { createCommitmentPools } from './signing/commitment-pool.js';
import { createSigner, type SignArgs, type PreparedRequest, type SignResult } from './signing/signer.js';
import { diagnose, type DoctorLine } from './status/doctor.js';
import { readStatus, type Status } from './status/status.js';
import type { ClientStore } from './store/client-store.js';
import type { OnUnreadable } from './store/record-store.js';
import type { Carrier } from './carrier/carrier.js';

export interface ClientOptions {
  /** 32 bytes, or how to get them when they are first needed. The client wipes them when it is closed. */
  readonly seed: SeedSource;
  readonly store: ClientStore;
  /**
   * Is told of stored records that cannot be read: lists go on without them. Without it a list that holds one throws, so
   * that nothing is ever left out in silence.
   */
  readonly onUnreadable?: OnUnreadable;
  /** Default: HTTP, as the platform does it. */
  readonly carrier?: Carrier;
  /** UnixSeconds. */
  readonly clock?: () => number;
  /** Cryptographic; as many bytes as asked for. */
  readonly random?: (length: number) => Uint8Array;
  /** Longest wait for one server. */
  readonly timeoutMs?: number;
}

/** What a finished session left. */
export type ResumeResult =
  { readonly kind: 'dkg'; readonly key: KeyRecord } | { readonly kind: 'sign'; readonly result: SignResult };

/**
 * An owner's side of everything: makes keys with servers, signs with them, and believes nobody. Whatever a server says
 * is checked against its pinned identity, the certificate of the key, or mathematics.
 */
export interface Client {
  previewServer(url: string): Promise<ServerPreview>;
  addServer(args: AddServerArgs): Promise<ServerRecord>;
  listServers(): Promise<readonly ServerRecord[]>;
  showServer(name: string): Promise<ServerRecord>;
  /** Forgets a server that no key needs. */
  removeServer(name: string): Promise<void>;

  planKey(args: CreateKeyArgs): Promise<KeyPlan>;
  createKey(args: CreateKeyArgs, on?: OnProgress): Promise<CertifiedKey>;
  listKeys(): Promise<readonly KeyRecord[]>;
  /** With its certificate checked. */
  showKey(name: string): Promise<CertifiedKey>;
  /** The same, before its public half is handed out. @throws StateError `KEY_NOT_USABLE` while it is not complete */
  usableKey(name: string): Promise<CertifiedKey>;
  verifyKey(name: string, on?: OnProgress): Promise<KeyVerification>;
  /** Keys that servers hold of ours and that are not on record, as after the seed was restored. Writes nothing. */
  fetchKeys(): Promise<FetchedKeys>;
  /** How many keys a server holds of ours that are not on record; 0 when it does not say. */
  countUnrecorded(server: string): Promise<number>;
  /** Puts a fetched key on record. */
  keepKey(fetched: FetchedKey, args?: KeepKeyArgs): Promise<KeptKey>;
  /** Asks for the promises that a key on record lacks. */
  completeKey(name: string): Promise<KeptKey>;
  /** Checks that {@link Client.renameKey} would do. Writes nothing. */
  planRename(name: string, wanted: string): Promise<KeyRecord>;
  renameKey(name: string, wanted: string): Promise<KeyRecord>;
  /** Names of the servers that {@link Client.restoreKey} would ask. Nothing is sent. */
  planRestoration(args: RestoreKeyArgs): Promise<readonly string[]>;
  /** Has every server of a key that lost its share recover it from the certificate. */
  restoreKey(args: RestoreKeyArgs, on?: OnProgress): Promise<KeyRestoration>;

  /** Reads and describes a request, which can then be asked for as it was shown. Nothing is sent or written. */
  prepare(args: SignArgs): Promise<PreparedRequest>;
  /** The same for a request on record that is open: `sign` goes on with it. @throws StateError `SESSION_OVER` */
  prepareAgain(id: string, options?: { readonly waitSeconds?: number }): Promise<PreparedRequest>;
  /** Prepares and asks at once, where nobody is there to be shown anything. */
  sign(args: SignArgs, on?: OnProgress): Promise<SignResult>;

  listSessions(): Promise<readonly SessionRecord[]>;
  /** @param id the first digits of its id */
  showSession(id: string): Promise<SessionRecord>;
  /** @param options.waitSeconds how long to wait for people; default: until the request expires */
  resumeSession(
    id: string,
    on?: OnProgress,
    options?: { readonly waitSeconds?: number },
  ): Promise<ResumeResult>;
  /**
   * @param options.forget the name of a key that some of its servers hold already; without it such a ceremony stays
   * @throws StateError `KEY_HELD`, `SESSION_OVER`
   */
  cancelSession(id: string, reason: string, options?: { readonly forget?: string }): Promise<SessionRecord>;

  status(): Promise<Status>;
  /** @param version of the program that asks; servers of another one are pointed out */
  diagnose(version?: string): Promise<readonly DoctorLine[]>;
  /** Puts unused commitments away and wipes every secret. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;

export function createClient(options: ClientOptions): Client {
  const context = createContext(
    {
      carrier: options.carrier ?? platformCarrier,
      clock: options.clock ?? (() => Math.floor(Date.now() / 1000)),
      random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    },
    options.store,
    options.seed,
    options.onUnreadable,
  );
  const { store } = context;
  const readKey = createKeyReader(store);
  const pools = createCommitmentPools(store);
  const signer = createSigner(context, readKey, pools);
  const silent: OnProgress = () => undefined;
  let hasActed = false;
  const acting = <T>(work: Promise<T>): Promise<T> => {
    hasActed = true;
    return work;
  };
  const shown = (prepared: PreparedRequest): PreparedRequest => ({
    ...prepared,
    sign: (on) => acting(prepared.sign(on)),
  });
  const prepare = async (args: SignArgs) => shown(await signer.prepare(args));

  return {
    previewServer: (url) => previewServer(context, url),
    addServer: async (args) => {
      const record = await addServer(context, args);
      signer.forgetServers();
      return record;
    },
    listServers: () => listServerRecords(store),
    showServer: (name) => showServerRecord(store, name),
    removeServer: async (name) => {
      await removeServer(store, name);
      signer.forgetServers();
    },

    planKey: (args) => planKey(context, args),
    createKey: (args, on = silent) => acting(createKey(context, readKey, args, on)),
    listKeys: () => listKeyRecords(store),
    showKey: readKey,
    usableKey: async (name) => requireUsable(await readKey(name)),
    verifyKey: async (name, on = silent) => verifyKey(context, await readKey(name), on),
    fetchKeys: () => fetchKeys(context),
    countUnrecorded: async (name) => {
      const held = await heldKeysOf(context, await showServerRecord(store, name));
      return countUnrecorded(held, await recordedKeyIds(context));
    },
    keepKey: (fetched, args = {}) => keepKey(context, fetched, args),
    completeKey: (name) => completeKey(context, name),
    planRename: (name, wanted) => planRename(context, name, wanted),
    renameKey: (name, wanted) => renameKey(context, name, wanted),
    planRestoration: async ({ name, servers }) =>
      namesOf(await planRestoration(context, await readKey(name), servers)),
    restoreKey: async (args, on = silent) => {
      const restoration = await restoreKey(context, await readKey(args.name), args, on);
      signer.forgetServers();
      return restoration;
    },

    prepare,
    prepareAgain: async (id, { waitSeconds } = {}) => {
      const session = await findSession(store, id);
      requireOpen(session);
      if (session.kind !== 'sign') throw notARequest(id);
      return shown(await signer.prepareAgain(session, waitSeconds));
    },
    sign: async (args, on) => (await prepare(args)).sign(on),

    listSessions: () => listSessions(store),
    showSession: (id) => findSession(store, id),
    resumeSession: async (id, on, { waitSeconds } = {}) => {
      const session = await findSession(store, id);
      requireOpen(session);
      if (session.kind === 'sign')
        return {
          kind: 'sign',
          result: await shown(await signer.prepareAgain(session, waitSeconds)).sign(on),
        };
      return {
        kind: 'dkg',
        key: await makeKey(context, session, await participantsOf(context, session), on ?? silent),
      };
    },
    cancelSession: (id, reason, { forget = null } = {}) =>
      acting(cancelSession(context, signer.cancel, id, { reason, forget })),

    status: () => readStatus(context),
    diagnose: (version) => diagnose(context, readKey, version),
    close: async () => {
      try {
        await signer.settle();
        await pools.close();
        // Read-only clients never write to the store.
        if (hasActed) await pruneSessions(store, context.clock());
      } finally {
        context.close();
      }
    },
  };
}

async function createKey(
  context: ClientContext,
  readKey: ReadKey,
  args: CreateKeyArgs,
  on: OnProgress,
): Promise<CertifiedKey> {
  // Whatever needs a person (a passphrase) comes before the first trace of the session.
  for (const { xid } of (await planKey(context, args)).servers) await context.identityFor(xid);
  const { session, participants } = await context.store.exclusive('key-names', async () => {
    const begun = sessionFromPlan(context, await planKey(context, args), args);
    await saveSession(context.store, begun.session);
    return begun;
  });
  await makeKey(context, session, participants, on);
  return readKey(args.name);
}

async function cancelSession(
  context: ClientContext,
  cancelRequest: (session: Extract<SessionRecord, { kind: 'sign' }>, reason: string) => Promise<void>,
  id: string,
  { reason, forget }: { readonly reason: string; readonly forget: string | null },
): Promise<SessionRecord> {
  const session = await findSession(context.store, id);
  requireOpen(session);
  if (reason.length > 280) throw reasonTooLong();
  if (session.kind === 'dkg') return abandonKey(context, session, reason, forget);
  await cancelRequest(session, reason);
  const cancelled: SessionRecord = { ...session, state: 'cancelled', reason };
  await saveSession(context.store, cancelled);
  return cancelled;
}

function reasonTooLong(): UsageError {
  return new UsageError('a reason has at most 280 characters', {
    code: 'REASON_INVALID',
    hint: 'say it shorter',
  });
}

function notARequest(id: string): UsageError {
  return new UsageError(`${id} is the making of a key, and no request for a signature`, {
    code: 'SESSION_UNKNOWN',
    hint: 'go on making it',
    remedy: { kind: 'resumeSession' },
  });
}
