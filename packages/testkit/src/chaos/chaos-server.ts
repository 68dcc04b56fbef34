import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CkmError } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { initServer } from '@ckm/server';
import {
  type Events,
  findKeySource,
  loadConfig,
  openServer,
  type OpenServer,
  openStorage,
  readEnv,
  type Storage,
} from '@ckm/server/testing';
import { suiteBackends } from '@ckm/threshold';
import type { Database } from './databases.js';
import { fragileStorage } from './fragile-storage.js';
import { Crash, createCrashPoint, type CrashPoint } from './crash-point.js';
import { approveAll, thawAsked } from './operator.js';
import type { Seeded } from './seeded.js';

/** A Secret Server, everything but its sockets, whose process, clock and database are in the hands of a schedule. */
export interface ChaosServer {
  readonly name: string;
  readonly url: string;
  /** Seconds by which its clock is ahead of the others'. */
  skew: number;
  /** Defects it reported of itself: no fault from outside may cause one. */
  readonly bugs: string[];
  /** How often it lost something that it had: an older database was put in place, or what opens a share was gone. */
  readonly setbacks: number;
  /** How often its operator ended freezes. */
  readonly thaws: number;
  /** What its clock says. UnixSeconds. */
  clock(): number;
  isUp(): boolean;
  identity(): Identity;
  open(): OpenServer;
  /** Its operator says yes to all that waits for him. @throws Crash when the process ends meanwhile; CkmError */
  approve(): Promise<void>;
  /** Answers a message. @throws Crash when the process ends before it has answered */
  receive(bytes: Uint8Array): Promise<{ readonly status: number; readonly body: Uint8Array }>;
  /** The process is to end by itself within so many steps. */
  endWithin(steps: number): void;
  /** Starts the process, if there is none. @throws Crash when it ends while it starts, if that was asked for */
  start(): Promise<void>;
  /** Ends the process as a power cut does. */
  crash(): Promise<void>;
  /**
   * Ends the process, keeps a copy of its database, puts one of the copies in its place, or takes away what opens one of its
   * shares, and starts it again.
   */
  restartAfter(what: 'backup' | 'restore' | 'loss'): Promise<void>;
  remove(): Promise<void>;
}

export interface ChaosServerOptions {
  readonly name: string;
  /** UnixSeconds. */
  readonly now: () => number;
  readonly seeded: Seeded;
  readonly database: (dataDir: string) => Promise<Database>;
}

/** Where files cost no disk: crashes here end a process, not a machine, so that nothing depends on `fsync`. */
const MEMORY = '/dev/shm';

/** Of a share: what seals it. */
const EPOCH_KEY = /^[0-9a-f]{64}$/;

/** Each waits five seconds for its database. */
const MOST_STARTS = 12;

interface Life {
  readonly server: OpenServer;
  readonly storage: Storage;
  readonly crashPoint: CrashPoint;
}

export async function createChaosServer(options: ChaosServerOptions): Promise<ChaosServer> {
  const { name, seeded } = options;
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'ckm-chaos-'));
  const dataDir = join(folder, name);
  await initServer({
    dataDir,
    settings: {
      name,
      accounts: 'open',
      listen: { host: '127.0.0.1', port: 1 },
      limits: { accountsPerAddressPerDay: 1_000 },
      // What their owners wish is theirs to draw.
      backup: 'static',
    },
  });
  const database = await options.database(dataDir);
  const backups: (() => Promise<void>)[] = [];
  let life: Life | null = null;
  let coming: CrashPoint | null = null;
  let identity: Identity | null = null;
  let setbacks = 0;
  let thaws = 0;

  const self: ChaosServer = {
    name,
    url: `http://${name}.test`,
    skew: 0,
    bugs: [],
    get setbacks() {
      return setbacks;
    },
    get thaws() {
      return thaws;
    },
    clock: () => options.now() + self.skew,
    isUp: () => life !== null && !life.crashPoint.isCrashed(),
    identity: () => identity!,
    open: () => life!.server,
    approve: async () => {
      if (!self.isUp()) throw new Crash(`${name} is down`);
      const { server } = life!;
      await approveAll(server);
      // Before it is done: a share that leaves meanwhile is nobody's fault.
      thaws += 1;
      await thawAsked(server);
    },
    receive: async (bytes) => {
      const now = life;
      if (now === null || now.crashPoint.isCrashed()) throw new Crash(`${name} is down`);
      const received = await now.server.receive(bytes, { address: '127.0.0.1', route: null });
      if (now.crashPoint.isCrashed()) throw new Crash(`${name} went down`);
      if (received.kind === 'left') throw new Crash(`${name} was not waited for`);
      return received.kind === 'sealed'
        ? { status: 200, body: received.bytes }
        : { status: received.problem.status, body: Buffer.from(JSON.stringify(received.problem)) };
    },
    endWithin: (steps) => {
      coming = createCrashPoint(steps);
    },
    start: () => inTurn(startNow),
    crash: () => inTurn(crashNow),
    restartAfter: (what) =>
      inTurn(async () => {
        await crashNow();
        if (what === 'backup') backups.push(await database.backup());
        else if (what === 'loss') loseShare();
        else if (backups.length > 0) {
          setbacks += 1;
          await seeded.pick(backups)();
        }
        await startNow();
      }),
    remove: async () => {
      await self.crash();
      await database.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  function loseShare(): void {
    const keys = join(dataDir, 'epoch-keys');
    const files = readdirSync(keys).filter((file) => EPOCH_KEY.test(file));
    if (files.length === 0) return;
    setbacks += 1;
    rmSync(join(keys, seeded.pick(files.toSorted())));
  }

  /** Starting and ending, one at a time. */
  let before: Promise<unknown> = Promise.resolve();
  function inTurn(work: () => Promise<void>): Promise<void> {
    const mine = before.then(work, work);
    before = mine.catch(() => undefined);
    return mine;
  }

  async function startNow(): Promise<void> {
    if (self.isUp()) return;
    await crashNow();
    life = await openUntilStorageAnswers();
    identity = life.server.context.identity;
  }

  /** Whoever watches over a server starts it again when its database did not answer in time: on a busy machine it may not. */
  async function openUntilStorageAnswers(): Promise<Life> {
    for (let tries = 1; ; tries++) {
      try {
        return await openLife(createCrashPoint(Number.POSITIVE_INFINITY));
      } catch (error) {
        const isLate = error instanceof CkmError && error.code === 'STORAGE_UNREACHABLE';
        if (!isLate || tries === MOST_STARTS) throw error;
      }
    }
  }

  async function crashNow(): Promise<void> {
    if (life === null) return;
    const { crashPoint, storage } = life;
    crashPoint.crash();
    life = null;
    await storage.close();
  }

  /** A crash point of its own, and besides it the one that the schedule sets while the process runs. */
  function linked(own: CrashPoint): CrashPoint {
    return {
      isCrashed: own.isCrashed,
      crash: own.crash,
      step: () => {
        own.step();
        if (coming === null) return;
        try {
          coming.step();
        } catch (crash) {
          coming = null;
          own.crash();
          throw crash;
        }
      },
    };
  }

  async function openLife(own: CrashPoint): Promise<Life> {
    const crashPoint = linked(own);
    const env = readEnv({});
    const config = loadConfig(dataDir, { ...env, databaseUrl: database.url() ?? undefined });
    const nowSeconds = self.clock;
    const source = findKeySource(dataDir, null, nowSeconds);
    const storageKeys = await source.open(null);
    let raw: Storage | null = null;
    try {
      const server = await openServer({
        config,
        storageKeys,
        source,
        random: (length) => seeded.bytes(length),
        nowMs: () => nowSeconds() * 1_000,
        backends: suiteBackends(),
        events: reportingBugs(self, crashPoint),
        acceptClock: true,
        openStorage: async (where) => {
          raw = await openStorage(where);
          return fragileStorage(raw, crashPoint);
        },
      });
      return { server, storage: raw!, crashPoint };
    } catch (error) {
      await (raw as Storage | null)?.close();
      throw error;
    }
  }
  return self;
}

/** A message that the process's own end interrupts is no defect. */
function reportingBugs(server: ChaosServer, crashPoint: CrashPoint): Events {
  const silent = () => undefined;
  return new Proxy({} as Events, {
    get: (_, name) =>
      name !== 'bug'
        ? silent
        : (error: unknown) => {
            if (crashPoint.isCrashed() || error instanceof Crash) return;
            server.bugs.push(error instanceof CkmError ? error.code : String((error as Error).stack));
          },
  });
}
