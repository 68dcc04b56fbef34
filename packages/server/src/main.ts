import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { IdentityCard } from '@ckm/api';
import { AvailabilityError, CkmError, type Secret } from '@ckm/foundation';
import type { DestinationStream } from 'pino';
import { configError } from './config/codes.js';
import type { ServerConfig } from './config/config.js';
import { type Env, readEnv } from './config/env.js';
import { loadConfig } from './config/load-config.js';
import { createControlApp } from './control/app.js';
import { connectOperator } from './control/connect-operator.js';
import { createOperatorDesk, type OperatorDesk } from './control/desk.js';
import type { OperatorStatus } from './control/protocol.js';
import { createReporting, type Reporting } from './events.js';
import { createHttpApp } from './http/app.js';
import type { Phase } from './http/gate.js';
import { type Listener, listenTcp, listenUnix, type WebApp } from './http/listen.js';
import { createRandom } from './random.js';
import { assertDataDir, CONTROL_SOCKET } from './server/data-dir.js';
import { hardenProcess } from './server/hardening.js';
import { openServer, type OpenServer } from './server/open-server.js';
import { findKeySource, type KeySource } from './vault/key-source.js';

export interface StartServerOptions {
  readonly dataDir: string;
  /** Opens a sealed server at once; wiped. */
  readonly passphrase?: Secret<Uint8Array>;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Where log lines go instead of standard output. */
  readonly logDestination?: DestinationStream;
  /** For tests: milliseconds since 1970, and the source of randomness. */
  readonly nowMs?: () => number;
  readonly fillRandom?: (bytes: Uint8Array) => void;
}

/** A server that listens. Close it. */
export interface RunningServer {
  /** What clients are told: `http(s)://host:port`. */
  readonly url: string;
  readonly dataDir: string;
  phase(): Phase;
  /** Who this is; null while sealed. */
  identity(): IdentityCard | null;
  /** The HTTP app itself, to be asked without a socket. */
  readonly app: WebApp;
  /** @throws AccessError `PASSPHRASE_WRONG`, `PASSPHRASE_TOO_MANY_TRIES`. */
  unseal(passphrase: Secret<Uint8Array>): Promise<void>;
  /** Expires and forgets what is due now; a timer does it every few seconds. */
  sweep(): Promise<void>;
  /** Takes nothing new, finishes what runs, wipes keys. */
  close(): Promise<void>;
  /** Resolves when the server has stopped, whoever asked for it. */
  readonly closed: Promise<void>;
}

const SWEEP_MS = 5_000;
const GRACE_MS = 10_000;
/** What `sun_path` holds on Linux, less its end. */
const MAX_SOCKET_PATH = 107;

/**
 * Starts the server of a data directory: config → socket → key → database. With a storage key under a passphrase it
 * listens *sealed*: it says so to everybody and waits for `unseal`.
 * @throws UsageError `CONFIG_…`, `DATA_DIR_EXPOSED`, `INSPECTOR_REFUSED`, `LISTEN_FAILED`, `SERVER_RUNNING`;
 * StorageError `KEY_FILE_…`, `STORAGE_…`.
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { dataDir, nowMs = Date.now } = options;
  const env = readEnv(options.variables);
  hardenProcess(env.allowInspect === '1');
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, env);
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, () => Math.floor(nowMs() / 1000));
  const { level } = config.log;
  const destination = options.logDestination;
  const reporting = createReporting(destination === undefined ? { level } : { level, destination });
  const socket = controlSocket(dataDir);
  await removeStaleSocket(dataDir, socket);
  const daemon = createDaemon({ options, env, config, source, reporting, nowMs });
  try {
    await daemon.listen(socket);
    if (!source.sealed || options.passphrase !== undefined) await daemon.open(options.passphrase ?? null);
    const storage = config.databaseUrl === null ? 'sqlite' : 'postgres';
    reporting.events.started({ storage, sealed: daemon.running.phase() === 'sealed' });
    return daemon.running;
  } catch (error) {
    await daemon.running.close();
    throw error;
  }
}

interface DaemonOptions {
  readonly options: StartServerOptions;
  readonly env: Env;
  readonly config: ServerConfig;
  readonly source: KeySource;
  readonly reporting: Reporting;
  readonly nowMs: () => number;
}

interface Daemon {
  readonly running: RunningServer;
  listen(socket: string): Promise<void>;
  /** Opens identity and database; harmless when they are open. */
  open(passphrase: Secret<Uint8Array> | null): Promise<void>;
}

/** The life of one server: sealed → opening → ready → stopping. */
function createDaemon({ options, env, config, source, reporting, nowMs }: DaemonOptions): Daemon {
  const { events } = reporting;
  const startedAt = Math.floor(nowMs() / 1000);
  const listeners: Listener[] = [];
  let phase: Phase = 'sealed';
  let url = config.publicUrl;
  let open: { readonly server: OpenServer; readonly desk: OperatorDesk } | null = null;
  let opening: Promise<void> | null = null;
  let closing: Promise<void> | null = null;
  let sweeper: NodeJS.Timeout | undefined;
  let ended = (): void => undefined;
  const closed = new Promise<void>((resolve) => (ended = resolve));

  async function openNow(passphrase: Secret<Uint8Array> | null): Promise<void> {
    const storageKey = await source.open(passphrase).catch((error: unknown) => {
      if (error instanceof CkmError && error.code === 'PASSPHRASE_WRONG') events.unsealFailed();
      throw error;
    });
    phase = 'opening';
    try {
      const server = await openServer({
        config: { ...config, publicUrl: url },
        storageKey,
        random: createRandom(options.fillRandom),
        nowMs,
        events,
        acceptClock: env.acceptClock === '1',
      });
      open = { server, desk: createOperatorDesk(server) };
      phase = 'ready';
      sweeper = startSweeping(server, reporting);
    } catch (error) {
      phase = 'sealed';
      throw error;
    }
  }

  async function closeNow(): Promise<void> {
    phase = 'stopping';
    clearInterval(sweeper);
    await opening?.catch(() => undefined);
    // Opening may have ended meanwhile.
    phase = 'stopping';
    clearInterval(sweeper);
    await Promise.all(listeners.map((listener) => listener.close(GRACE_MS)));
    await open?.server.close();
    open = null;
    events.stopped();
    ended();
  }

  const close = () => (closing ??= closeNow());
  const openOnce = async (passphrase: Secret<Uint8Array> | null) => {
    if (open !== null) return;
    opening ??= openNow(passphrase).finally(() => (opening = null));
    await opening;
  };

  const app = createHttpApp({
    config,
    reporting,
    gate: { phase: () => phase, open: () => (phase === 'ready' && open !== null ? open.server : null) },
  });
  const control = createControlApp({
    reporting,
    status: () => statusOf({ config, phase, url, startedAt, open }),
    unseal: openOnce,
    shutdown: () => void setImmediate(() => void close()),
    desk: () => {
      if (open === null || phase !== 'ready') throw notOpen(phase);
      return open.desk;
    },
  });

  return {
    open: openOnce,
    listen: async (socket) => {
      listeners.push(await listenUnix(control, socket));
      const listener = await listenTcp(app, config);
      listeners.push(listener);
      if (config.listen.port === 0) url = url.replace(/:0$/, `:${listener.port}`);
    },
    running: {
      get url() {
        return url;
      },
      dataDir: options.dataDir,
      phase: () => phase,
      identity: () => open?.server.card ?? null,
      app,
      unseal: openOnce,
      sweep: async () => open?.server.sweep(),
      close,
      closed,
    },
  };
}

async function statusOf(facts: {
  readonly config: ServerConfig;
  readonly phase: Phase;
  readonly url: string;
  readonly startedAt: number;
  readonly open: { readonly server: OpenServer; readonly desk: OperatorDesk } | null;
}): Promise<OperatorStatus> {
  const { config, phase, url, startedAt, open } = facts;
  const { name, version } = config;
  const summary = open === null ? null : { ...(await open.desk.summary()), identity: open.server.card };
  return { name, version, phase, url, startedAt, memoryBytes: process.memoryUsage.rss(), open: summary };
}

function startSweeping(server: OpenServer, { events }: Reporting): NodeJS.Timeout {
  let sweeping = false;
  const timer = setInterval(() => {
    if (sweeping) return;
    sweeping = true;
    server
      .sweep()
      .catch((error: unknown) => {
        if (error instanceof CkmError && error.errorClass === 'StorageError')
          events.storageFailed({ code: error.code });
        else if (!(error instanceof AvailabilityError)) events.bug(error);
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
    hint: sealed ? 'run: ckm server unseal' : 'try again in a moment',
  });
}

function controlSocket(dataDir: string): string {
  const path = join(dataDir, CONTROL_SOCKET);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path;
  throw configError(
    'CONFIG_INVALID',
    'the path of the data directory is too long for a socket',
    'choose a shorter one',
  );
}

/** A socket left behind by a process that was killed is removed; one that answers belongs to a running server. */
async function removeStaleSocket(dataDir: string, socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const answers = await connectOperator(dataDir)
    .status()
    .then(
      () => true,
      (error: unknown) => !(error instanceof AvailabilityError),
    );
  if (answers) {
    throw configError(
      'SERVER_RUNNING',
      `a server is running in ${dataDir}`,
      'stop it first: ckm server stop',
    );
  }
  unlinkSync(socket);
}
