import { platformCarrier } from '#carrier';
import { type Secret, UsageError } from '@ckm/foundation';
import { createContext } from './context/context.js';
import type { SeedSource } from './owner/owner.js';
import { sendUnsent } from './devices/lists/change-lists.js';
import { createKeyReader } from './keys/keys.js';
import { keepKeyLists } from './life/keep-key-lists.js';
import { tellDue } from './life/tell-alive.js';
import { CHANGES } from './keys/chain/change-record.js';
import type { OnProgress } from './progress/progress.js';
import { type ClockDifference, judgeClocks } from './servers/clock-difference.js';
import { saveLastSeen } from './servers/last-seen.js';
import { describeSession } from './sessions/describe-session.js';
import { SESSIONS } from './sessions/sessions.js';
import { REQUESTS } from './requests/requests.js';
import { pruneTracks } from './store/track.js';
import { createCommitmentPools } from './signing/crafts/commitment-pool.js';
import { createSigner } from './signing/signer.js';
import { diagnose } from './status/doctor.js';
import type { DoctorLine } from './status/doctor-line.js';
import { readStatus, type Status, type StatusOptions } from './status/status.js';
import type { ClientStore } from './store/client-store.js';
import type { OnUnreadable } from './store/record-store.js';
import type { Carrier } from './carrier/carrier.js';
import { createServerCalls, type ServerCalls } from './client/server-calls.js';
import { createDeviceCalls, type DeviceCalls } from './client/device-calls.js';
import { createPeopleCalls, type PeopleCalls } from './client/people-calls.js';
import { createKeyCalls, type KeyCalls } from './client/key-calls.js';
import { createCareCalls, type CareCalls } from './client/care-calls.js';
import { createChangeCalls, type ChangeCalls } from './client/change-calls.js';
import { createTermsCalls, type TermsCalls } from './client/terms-calls.js';
import { createRequestCalls, type RequestCalls } from './client/request-calls.js';
import { createSeedCalls, type SeedCalls } from './client/seed-calls.js';
import type { ClientRoom } from './client/client-room.js';
import { CEREMONIES } from './client/ceremonies.js';

export type { SessionOutcome } from './client/ceremonies.js';

export interface ClientOptions {
  /** An owner seed or a device, or how to get it when it is first needed. The client wipes it when it is closed. */
  readonly seed: SeedSource;
  /**
   * Keeps a device that has learnt of a server (`addServer` with the words), sealed: when it resolves, that survives a power cut. Without it such a
   * server cannot be added.
   */
  readonly keepDevice?: (device: Secret<Uint8Array>) => Promise<void>;
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
  /**
   * Bytes of certificates that a server is shown in one message. Default: half a megabyte; less for servers that take no message as long
   * (`limits.body`).
   */
  readonly chainPageBytes?: number;
  /**
   * How long a server may keep the others of a quorum waiting before one more is asked. Default: a tenth of `timeoutMs`, but a
   * quarter of a second at least and one and a half at most.
   */
  readonly patienceMs?: number;
}

/**
 * An owner's side of everything: makes keys with servers, signs with them, and believes nobody. Whatever a server says
 * is checked against its pinned identity, the certificate of the key, or mathematics.
 */
export interface Client
  extends
    ServerCalls,
    DeviceCalls,
    PeopleCalls,
    KeyCalls,
    CareCalls,
    ChangeCalls,
    TermsCalls,
    RequestCalls,
    SeedCalls {
  /** What servers have said of their clocks since this client was made, when they are too far from ours. */
  clockDifference(): ClockDifference | null;
  status(options?: StatusOptions): Promise<Status>;
  /** @param version of the program that asks; servers of another one are pointed out */
  diagnose(version?: string): Promise<readonly DoctorLine[]>;
  /** Puts unused commitments away and wipes every secret. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;

function patienceFor(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs / 10, 250), 1_500);
}

export function createClient(options: ClientOptions): Client {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const context = createContext(
    {
      carrier: options.carrier ?? platformCarrier,
      clock: options.clock ?? (() => Math.floor(Date.now() / 1000)),
      random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
      timeoutMs,
      patienceMs: options.patienceMs ?? patienceFor(timeoutMs),
      keepDevice: options.keepDevice ?? (() => Promise.reject(notKept())),
      ...(options.chainPageBytes === undefined ? {} : { chainPageBytes: options.chainPageBytes }),
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
  let hasLooked = false;
  const acting = <T>(work: Promise<T>): Promise<T> => {
    hasActed = true;
    return work;
  };
  const room: ClientRoom = { context, store, readKey, signer, acting, silent };

  return {
    ...createServerCalls(room),
    ...createDeviceCalls(room),
    ...createPeopleCalls(room),
    ...createKeyCalls(room),
    ...createCareCalls(room),
    ...createChangeCalls(room),
    ...createTermsCalls(room),
    ...createRequestCalls(room),
    ...createSeedCalls(room),
    clockDifference: () => judgeClocks(context.clockOffsets()),
    status: (options = {}) => {
      hasLooked ||= options.isRemembered === true;
      return readStatus(context, (session) => describeSession(CEREMONIES, session).title, options);
    },
    diagnose: (version) => diagnose(context, readKey, version),
    close: async () => {
      try {
        await signer.settle();
        await pools.close();
        // Read-only clients never write to the store.
        if (hasActed)
          for (const folder of [SESSIONS, REQUESTS, CHANGES])
            await pruneTracks(store, folder, context.clock());
        // What it is good for is worth no failure of what was done.
        if (hasActed || hasLooked) {
          await saveLastSeen(store, context.answered).catch(() => undefined);
          await sendUnsent(context).catch(() => undefined);
          await keepKeyLists(context).catch(() => undefined);
          await tellDue(context).catch(() => undefined);
        }
      } finally {
        context.close();
      }
    },
  };
}

function notKept(): UsageError {
  return new UsageError('a device that learns of a server has to be kept somewhere', {
    code: 'DEVICE_NOT_KEPT',
    hint: 'make the client with keepDevice',
  });
}
