import { AvailabilityError, CkmError, fromFileSystem, type Secret } from '@ckm/foundation';
import type { SuiteBackend } from '@ckm/threshold';
import type { AuditLine } from '../audit/audit.js';
import type { Elapsed } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { createOperatorDesk, type OperatorDesk } from '../control/desks/desk.js';
import type { Reporting } from '../events.js';
import type { Phase } from '../http/served.js';
import { createRandom } from '../random.js';
import { changePassphraseOf, type Passphrases } from './change-passphrase.js';
import type { RoomsOf } from './open-sessions.js';
import type { KeySource } from '../vault/key-source.js';
import type { PassphraseCost } from '../vault/passphrase.js';
import { openServer, type OpenServer } from './open-server.js';

export interface LifecycleOptions {
  readonly config: ServerConfig;
  readonly source: KeySource;
  readonly reporting: Reporting;
  readonly nowMs: () => number;
  /** As of `openServer`. */
  readonly elapsed: Elapsed | undefined;
  readonly ranMs?: (() => number) | undefined;
  readonly backends: readonly SuiteBackend[];
  readonly fillRandom?: ((bytes: Uint8Array) => void) | undefined;
  readonly acceptClock: boolean;
  readonly rooms?: RoomsOf | undefined;
  readonly passphraseCost?: PassphraseCost | undefined;
  /** As of `openServer`. */
  readonly told: (line: AuditLine) => void;
  /** Known once the server listens. */
  publicUrl(): string;
}

/** The phases of one server: sealed → opening → ready → stopping. */
export interface Lifecycle {
  phase(): Phase;
  /** Null unless `ready`. */
  server(): OpenServer | null;
  /** @throws AvailabilityError `SERVER_SEALED`, `SERVER_NOT_READY`. */
  desk(): OperatorDesk;
  /**
   * Opens identity and database; harmless when they are open. The passphrase is wiped.
   * @throws as `KeySource.open` and `openServer`.
   */
  open(passphrase: Secret<Uint8Array> | null): Promise<void>;
  /** Keeps the storage key under another passphrase, sealed or open. Both are wiped. @throws as `changePassphraseOf` */
  changePassphrase(passphrases: Passphrases): Promise<void>;
  /** From now on nothing new is answered. */
  stop(): Promise<void>;
  /** Closes what {@link open} opened; after {@link stop}, when nobody is being answered any more. */
  end(): Promise<void>;
}

const SWEEP_MS = 5_000;

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  let phase: Phase = 'sealed';
  let open: { readonly server: OpenServer; readonly desk: OperatorDesk } | null = null;
  let opening: Promise<void> | null = null;
  let sweeper: NodeJS.Timeout | undefined;

  async function openNow(passphrase: Secret<Uint8Array> | null): Promise<void> {
    const storageKeys = await options.source.open(passphrase);
    phase = 'opening';
    try {
      const server = await openServer({
        config: { ...options.config, publicUrl: options.publicUrl() },
        storageKeys,
        source: options.source,
        random: createRandom(options.fillRandom),
        nowMs: options.nowMs,
        elapsed: options.elapsed,
        ranMs: options.ranMs,
        backends: options.backends,
        events: options.reporting.events,
        acceptClock: options.acceptClock,
        rooms: options.rooms,
        passphraseCost: options.passphraseCost,
        told: options.told,
      });
      open = { server, desk: createOperatorDesk(server) };
      sweeper = startSweeping(server, options.reporting);
      phase = 'ready';
      if (options.source.sealed) options.reporting.events.unsealed();
    } catch (error) {
      phase = 'sealed';
      throw error;
    }
  }

  return {
    phase: () => phase,
    server: () => (phase === 'ready' ? (open?.server ?? null) : null),
    desk: () => {
      if (phase !== 'ready' || open === null) throw notOpen(phase);
      return open.desk;
    },
    open: async (passphrase) => {
      if (open !== null) return;
      opening ??= openNow(passphrase).finally(() => (opening = null));
      await opening;
    },
    changePassphrase: (passphrases) =>
      changePassphraseOf(options.source, open === null ? null : open.server, passphrases),
    stop: async () => {
      phase = 'stopping';
      await opening?.catch(() => undefined);
      // Whatever was being opened meanwhile has said otherwise.
      phase = 'stopping';
      clearInterval(sweeper);
    },
    end: async () => {
      await open?.server.close();
      open = null;
    },
  };
}

function startSweeping(server: OpenServer, { events }: Reporting): NodeJS.Timeout {
  let sweeping = false;
  const timer = setInterval(() => {
    if (sweeping) return;
    sweeping = true;
    server
      .sweep()
      .catch((thrown: unknown) => {
        const error = fromFileSystem(thrown);
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') events.bug(error);
        else events.storageFailed(error);
      })
      .finally(() => (sweeping = false));
  }, SWEEP_MS);
  timer.unref();
  return timer;
}

function notOpen(phase: Phase): AvailabilityError {
  const sealed = phase === 'sealed';
  return new AvailabilityError(sealed ? 'the server is sealed' : `the server is ${phase}`, {
    code: sealed ? 'SERVER_SEALED' : 'SERVER_NOT_READY',
    hint: sealed ? 'open it with its passphrase' : 'try again in a moment',
    ...(sealed ? { remedy: { kind: 'unsealServer' } } : {}),
  });
}
