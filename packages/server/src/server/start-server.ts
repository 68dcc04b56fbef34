import type { IdentityCard } from '@ckm/api';
import { CkmError, type Secret } from '@ckm/foundation';
import { prepareBackends, type SuiteBackend, suiteBackends } from '@ckm/threshold';
import type { DestinationStream } from 'pino';
import type { AuditLine } from '../audit/audit.js';
import { createElapsed, type Elapsed } from '../clock.js';
import type { ServerConfig } from '../config/config.js';
import { changedSettings } from '../config/changed-settings.js';
import { type Env, ENV_NAMES, readEnv } from '../config/env.js';
import { addressOf, loadConfig, parseSwitch } from '../config/load-config.js';
import { createControlApp } from '../control/app.js';
import { viewAuditLine } from '../control/desks/audit-desk.js';
import type { OperatorAuditLine } from '../control/schemas/audit.js';
import type { OperatorStatus } from '../control/schemas/status.js';
import { createReporting, type Reporting } from '../events.js';
import { createHttpApp } from '../http/app.js';
import type { Phase } from '../http/served.js';
import { isTlsKeyExposed, type Listener, listenTcp, listenUnix, type WebApp } from '../http/listen.js';
import { assertArithmetic } from './process/arithmetic.js';
import { parsePassphrases } from './change-passphrase.js';
import { claimControlSocket } from './folder/control-socket.js';
import { assertDataDir } from './folder/data-dir.js';
import { forbidCoreFiles } from './process/core-limit.js';
import { registerGauges } from './gauges.js';
import { hardenProcess } from './process/hardening.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import type { RoomsOf } from './open-sessions.js';
import { assertDatabaseKind } from './database/own-database.js';
import { findKeySource } from '../vault/key-source.js';
import type { PassphraseCost } from '../vault/passphrase.js';
import { tellWhoListens } from './who-listens.js';

export interface StartServerOptions {
  readonly dataDir: string;
  /** Opens a sealed server at once; wiped. */
  readonly passphrase?: Secret<Uint8Array>;
  /** Instead of `process.env`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Where log lines go instead of standard output. */
  readonly logDestination?: DestinationStream;
  /** Is told of every entry of the audit log, once it is committed. Must not throw. */
  readonly follow?: (line: OperatorAuditLine) => void;
  /** For tests: milliseconds since 1970, the time that passes if that is another one, and the source of randomness. */
  readonly nowMs?: () => number;
  readonly elapsed?: Elapsed;
  /** For tests: as of `openServer`. */
  readonly ranMs?: () => number;
  readonly fillRandom?: (bytes: Uint8Array) => void;
  /** For tests: other kinds of ceremonies. */
  readonly rooms?: RoomsOf;
  /** For tests: what the passphrase of a backup costs to try. */
  readonly passphraseCost?: PassphraseCost;
  /** What computes with keys, instead of what was chosen on this machine; only told, not used. */
  readonly backends?: readonly SuiteBackend[];
}

/** A server that listens. Close it. */
export interface RunningServer {
  /** What clients are told: `http(s)://host:port`. */
  readonly url: string;
  /** Where it listens itself, behind a proxy say: `http(s)://host:port`. */
  readonly listensOn: string;
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
  /**
   * Reads the files of the TLS certificate once more. Files that cannot be used are logged, and the ones before stay;
   * without TLS nothing happens.
   */
  renewCertificate(): void;
  /** Takes nothing new, finishes what runs, wipes keys. */
  close(): Promise<void>;
  /** Resolves when the server has stopped, whoever asked for it. */
  readonly closed: Promise<void>;
}

const GRACE_MS = 10_000;
const DAY_MS = 86_400_000;

/**
 * Starts the server of a data directory: config → socket → key → database. With a storage key under a passphrase it
 * listens *sealed*: it says so to everybody and waits for `unseal`.
 * @throws UsageError `ARITHMETIC_SLOW`, `CONFIG_…`, `DATA_DIR_EXPOSED`, `INSPECTOR_REFUSED`, `LISTEN_FAILED`, `SERVER_RUNNING`;
 * StorageError `KEY_FILE_…`, `STORAGE_…`.
 */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { dataDir, nowMs = Date.now } = options;
  await prepareBackends();
  const backends = options.backends ?? suiteBackends();
  const env = readEnv(options.variables);
  hardenProcess(parseSwitch(ENV_NAMES.allowInspect, env.allowInspect));
  const isCoreForbidden = forbidCoreFiles();
  assertDataDir(dataDir);
  const config = loadConfig(dataDir, env);
  assertDatabaseKind(config);
  assertArithmetic(backends, config.allowSlowArithmetic);
  const reporting = reportingFor(config, options.logDestination);
  const { unsealFailed } = reporting.events;
  const seconds = () => Math.floor(nowMs() / 1000);
  const source = findKeySource(dataDir, env.storageKeyFile ?? null, seconds, unsealFailed);
  const socket = await claimControlSocket(dataDir);
  let url = config.publicUrl;
  let listensOn = addressOf(config, config.listen.port);
  const lifecycle = createLifecycle({
    config,
    source,
    reporting,
    nowMs,
    elapsed: options.nowMs === undefined ? createElapsed() : options.elapsed,
    ranMs: options.ranMs,
    backends,
    fillRandom: options.fillRandom,
    rooms: options.rooms,
    passphraseCost: options.passphraseCost,
    told: followIn(config, options.follow),
    acceptClock: parseSwitch(ENV_NAMES.acceptClock, env.acceptClock),
    publicUrl: () => url,
  });
  const startedAt = seconds();
  const server = assemble({
    config,
    lifecycle,
    reporting,
    backends,
    env,
    startedAt,
    nowMs,
    url: () => url,
    listensOn: () => listensOn,
  });
  try {
    const { port } = await server.listen(socket).catch(async (error: unknown) => {
      throw await tellWhoListens(error, config, source);
    });
    listensOn = addressOf(config, port);
    if (config.listen.port === 0) url = url.replace(/:0$/, `:${port}`);
    if (config.tls !== null && isTlsKeyExposed(config.tls)) reporting.events.tlsKeyExposed();
    server.lookAtCertificate();
    if (!isCoreForbidden) reporting.events.coreFilesPossible();
    if (!source.sealed || options.passphrase !== undefined) await lifecycle.open(options.passphrase ?? null);
    const storage = config.databaseUrl === null ? 'sqlite' : 'postgres';
    reporting.events.arithmeticChosen(backends);
    reporting.events.started({ storage, sealed: lifecycle.phase() === 'sealed' });
    return server.running;
  } catch (error) {
    await server.running.close();
    throw error;
  }
}

/** Entries are told at the levels at which such things are logged. */
function followIn({ log }: ServerConfig, follow: StartServerOptions['follow']): (line: AuditLine) => void {
  if (follow === undefined || !['debug', 'info'].includes(log.level)) return () => undefined;
  return (line) => follow(viewAuditLine(line));
}

function reportingFor({ log }: ServerConfig, destination: DestinationStream | undefined): Reporting {
  return createReporting(destination === undefined ? log : { ...log, destination });
}

interface Parts {
  readonly config: ServerConfig;
  readonly lifecycle: Lifecycle;
  readonly reporting: Reporting;
  readonly backends: readonly SuiteBackend[];
  readonly env: Env;
  /** UnixSeconds. */
  readonly startedAt: number;
  readonly nowMs: () => number;
  url(): string;
  listensOn(): string;
}

/** What a server listens on, around its lifecycle. */
function assemble(parts: Parts): {
  readonly running: RunningServer;
  listen(socket: string): Promise<Listener>;
  /** Says what owners have, or will have, against the TLS certificate; once a day by itself. */
  lookAtCertificate(): void;
} {
  const { config, lifecycle, reporting, url } = parts;
  const listeners: Listener[] = [];
  let ended = (): void => undefined;
  const closed = new Promise<void>((resolve) => (ended = resolve));
  let closing: Promise<void> | null = null;

  async function closeNow(): Promise<void> {
    clearInterval(daily);
    const stopped = lifecycle.stop();
    await stopped;
    await Promise.all(listeners.map((listener) => listener.close(GRACE_MS)));
    await lifecycle.end();
    reporting.events.stopped();
    ended();
  }
  const close = () => (closing ??= closeNow());
  const now = () => Math.floor(parts.nowMs() / 1000);
  const lookAtCertificate = () => {
    const doubts = listeners.flatMap((listener) => listener.certificateDoubts(url(), now()));
    for (const why of doubts) reporting.events.certificateDoubted({ why });
  };
  const daily = setInterval(lookAtCertificate, DAY_MS);
  daily.unref();

  registerGauges(reporting.gauges, {
    dataDir: config.dataDir,
    isSealed: () => lifecycle.phase() === 'sealed',
    server: lifecycle.server,
    certificateEnds: () =>
      listeners.map((listener) => listener.certificateEnds()).find((at) => at !== null) ?? null,
  });
  const app = createHttpApp({
    config,
    reporting,
    served: { phase: lifecycle.phase, open: lifecycle.server },
  });
  const control = createControlApp({
    reporting,
    status: () => statusOf(parts),
    unseal: lifecycle.open,
    changePassphrase: (both) => lifecycle.changePassphrase(parsePassphrases(both)),
    shutdown: () => void setImmediate(() => void close()),
    desk: lifecycle.desk,
  });
  return {
    listen: async (socket) => {
      listeners.push(await listenUnix(control, socket));
      const listener = await listenTcp(app, config);
      listeners.push(listener);
      return listener;
    },
    lookAtCertificate,
    running: {
      get url() {
        return url();
      },
      get listensOn() {
        return parts.listensOn();
      },
      dataDir: config.dataDir,
      phase: lifecycle.phase,
      identity: () => lifecycle.server()?.card ?? null,
      app,
      unseal: lifecycle.open,
      renewCertificate: () => {
        renewCertificate(parts, listeners);
        lookAtCertificate();
      },
      sweep: async () => lifecycle.server()?.sweep(),
      close,
      closed,
    },
  };
}

function renewCertificate({ config, reporting }: Parts, listeners: readonly Listener[]): void {
  const { events } = reporting;
  try {
    const isRenewed = listeners.map((listener) => listener.renewCertificate()).includes(true);
    if (!isRenewed || config.tls === null) return;
    events.certificateRenewed();
    if (isTlsKeyExposed(config.tls)) events.tlsKeyExposed();
  } catch (error) {
    events.certificateKept({ code: error instanceof CkmError ? error.code : 'INTERNAL' });
  }
}

async function statusOf({
  config,
  env,
  lifecycle,
  backends,
  startedAt,
  url,
}: Parts): Promise<OperatorStatus> {
  const { name, version } = config;
  const server = lifecycle.server();
  const open = server === null ? null : { ...(await lifecycle.desk().summary()), identity: server.card };
  return {
    name,
    version,
    phase: lifecycle.phase(),
    url: url(),
    startedAt,
    arithmetic: backends,
    memoryBytes: process.memoryUsage.rss(),
    settings: changedSettings(config, env),
    open,
  };
}
