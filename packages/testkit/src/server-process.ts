import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Identity } from '@ckm/gordian';
import { initServer, type ConfigFileInput } from '@ckm/server';
import type { Callee } from './callee.js';
import { callOverHttp, type OnMessage } from './http-callee.js';

const COMPILED = join(import.meta.dirname, '../dist/server-main.js');
const BUNDLED = join(import.meta.dirname, '../dist/bundle/server-main.js');
const ROOMS = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'server', 'testkit'];

/** Whether the packages are compiled: a process of its own runs what was compiled. */
export const canSpawnServers = existsSync(COMPILED);

/** When a server is to kill itself, counted from the moment it is told. */
export interface PlannedKill {
  readonly when: 'before' | 'after';
  /** `commit`: every one counts; else a name as {@link ServerProcess.plan} returns it. */
  readonly step: string;
  /** Which of those; from 1. */
  readonly nth: number;
}

/** A real server on loopback in a process of its own, with a data directory of its own. */
export interface ServerProcess {
  readonly name: string;
  readonly dataDir: string;
  /** Where it listens at the moment. */
  url(): string;
  /** Everything the processes of this server have written. */
  output(): string;
  /** `kill -9`, wherever it is. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends it as an administrator would. */
  stop(): Promise<void>;
  /** Lets it stand still, whatever it is at, and go on. */
  freeze(): void;
  thaw(): void;
  /** Resolves when it is gone, however that comes; with the signal that it died of. */
  gone(): Promise<NodeJS.Signals | null>;
  /** Starts it again after its end. */
  start(kill?: PlannedKill): Promise<void>;
  /**
   * Tells it when to kill itself; null: not at all any more.
   * @returns the steps that it has taken since it was told last: commits by the tables that they write, and removals of key files
   */
  plan(kill: PlannedKill | null): Promise<readonly string[]>;
  /** As somebody with an account. */
  as(identity: Identity, onMessage?: OnMessage): Promise<Callee>;
  /** Ends it and removes what it stored. */
  remove(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly name: string;
  readonly settings?: Partial<ConfigFileInput>;
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its arguments, which ends by executing what follows. */
  readonly under?: readonly string[];
  /** Takes identity and storage key from this data directory: with the same database both are one server. */
  readonly replicaOf?: string;
}

/** Everything of a data directory but what belongs to one process or one file of a database. */
function becomeReplica(dataDir: string, original: string): void {
  const own = /\.sock$|\.sqlite/;
  cpSync(original, dataDir, { recursive: true, filter: (path) => !own.test(path) });
}

/** Makes a new server and starts it. */
export async function spawnServer(options: ServerProcessOptions): Promise<ServerProcess> {
  const { name, settings = {}, replicaOf, under = [] } = options;
  // Replicas read and write the keys of epochs in one folder (docs/operating.md).
  const shared = replicaOf === undefined ? {} : { CKM_EPOCH_KEYS: join(replicaOf, 'epoch-keys') };
  const environment = { ...shared, ...options.environment };
  const folder = mkdtempSync(join(tmpdir(), 'ckm-process-'));
  const dataDir = join(folder, name);
  const listen = { host: '127.0.0.1', port: 0 };
  await initServer({ dataDir, settings: { name, accounts: 'open', listen, ...settings } });
  if (replicaOf !== undefined) becomeReplica(dataDir, replicaOf);
  let running: Running | null = null;
  let output = '';
  const server: ServerProcess = {
    name,
    dataDir,
    url: () => running?.url ?? 'http://127.0.0.1:1',
    output: () => output,
    async kill() {
      running?.child.kill('SIGKILL');
      await server.gone();
    },
    async stop() {
      running?.child.kill('SIGTERM');
      await server.gone();
    },
    freeze: () => void running?.child.kill('SIGSTOP'),
    thaw: () => void running?.child.kill('SIGCONT'),
    gone: async () => (await running?.ended) ?? null,
    async start(kill) {
      await server.gone();
      running = await launch({ dataDir, environment, under }, (part) => (output += part));
      if (kill !== undefined) await server.plan(kill);
    },
    plan: (kill) => tell(running!, kill),
    as: (identity, onMessage) => callOverHttp(name, server.url, identity, onMessage),
    async remove() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

/** The bundle, which starts in a third of the time, unless a package was compiled since it was made. */
function program(): string {
  const time = (path: string) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const infos = ROOMS.map((room) => join(import.meta.dirname, '../..', room, 'dist/.tsbuildinfo'));
  return time(BUNDLED) > Math.max(...infos.map(time)) ? BUNDLED : COMPILED;
}

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  /** With the signal that it died of. */
  readonly ended: Promise<NodeJS.Signals | null>;
}

async function tell({ child, ended }: Running, kill: PlannedKill | null): Promise<readonly string[]> {
  const answered = new Promise<readonly string[]>((resolve) => {
    child.once('message', (steps) => resolve(steps as readonly string[]));
  });
  child.send({ kill });
  const died = ended.then(() => Promise.reject(new Error('the server is gone and hears nothing')));
  return Promise.race([answered, died]);
}

interface Launched {
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly under: readonly string[];
}

async function launch(
  { dataDir, environment, under }: Launched,
  write: (part: string) => void,
): Promise<Running> {
  // The same program starts many hundred times in a run of the tests: Node keeps what it compiled of it.
  const shared = process.env['CKM_TESTS_SHARED'];
  const compiled = shared === undefined ? {} : { NODE_COMPILE_CACHE: join(shared, 'compiled') };
  const env = { PATH: process.env['PATH'] ?? '', CKM_LOG_LEVEL: 'debug', ...compiled, ...environment };
  const words = [...under, process.execPath, program(), dataDir];
  const child = spawn(words[0]!, words.slice(1), { env, stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
  // Not "exit": what it wrote before its end may come after it.
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('close', (_code, signal) => resolve(signal));
  });
  let written = '';
  const url = await new Promise<string>((resolve, reject) => {
    const take = (part: Buffer) => {
      written += part.toString();
      write(part.toString());
      const listening = /^\{"url":"([^"]+)"\}$/m.exec(written);
      if (listening !== null) resolve(listening[1]!);
    };
    child.stdout!.on('data', take);
    child.stderr!.on('data', take);
    void ended.then(() => reject(new Error(`the server ended before it listened: ${written}`)));
  });
  return { child, url, ended };
}
