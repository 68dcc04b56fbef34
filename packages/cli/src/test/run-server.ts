import { spawn } from 'node:child_process';
import { type ConfigFileInput, initServer, startServer } from '@ckm/server';
import { callCkm } from './call-ckm.js';
import { makeOwner } from './make-owner.js';
import type { MovedClock } from './moved-clock.js';
import { CKM, type Outcome, type RunOptions, type Scratch, scratchFolder } from './run-ckm.js';

/** A `ckm server start` that goes on. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends a signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Waits for the end. */
  readonly ended: Promise<number | null>;
}

/** Starts a server as a child process and waits until it says that it listens. */
export function startServerProcess(
  folder: string,
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [CKM, 'server', 'start', folder, ...flags], {
    env: { PATH, HOME, LANG: 'C.UTF-8', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return new Promise((resolve, reject) => {
    const look = () => {
      const url = / listens on (https?:\/\/[^,]+),/.exec(`${stdout}${stderr}`)?.[1];
      if (url === undefined) return;
      const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
        child.kill(signal);
        return ended;
      };
      resolve({ pid: child.pid!, url, stdout: () => stdout, stderr: () => stderr, stop, ended });
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      look();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      look();
    });
    child.once('error', reject);
    child.once('close', (status) => {
      reject(new Error(`the server ended with ${status}: ${stderr}`));
    });
  });
}

/** A server of a set-up. */
export interface SetupServer {
  readonly url: string;
  /** Ends it: a process by that signal, one in this process in order. */
  stop(signal?: NodeJS.Signals): Promise<unknown>;
}

/** Servers that run, and an owner who has added them. */
export interface Setup {
  readonly scratch: Scratch;
  /** What makes `ckm` this owner's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly servers: Readonly<Record<string, SetupServer>>;
  folderOf(name: string): string;
  /** As the owner. */
  ckm(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same, which must succeed; what it said in JSON. */
  json<T>(args: readonly string[], options?: RunOptions): Promise<T>;
  close(): Promise<void>;
}

export interface SetupOptions {
  /** Each server is a process of its own, to be killed. */
  readonly asProcesses?: true;
  /** How the owner's commands are run; at first by {@link callCkm}. */
  readonly run?: typeof callCkm;
  /** Instead of alpha, bravo and charlie. */
  readonly names?: readonly string[];
  /** More settings of each server. */
  readonly settings?: Partial<ConfigFileInput>;
  /** What servers in this process go by, and the owner's commands. */
  readonly clock?: MovedClock;
}

const NAMES = ['alpha', 'bravo', 'charlie'];

/** Servers on loopback, three of them unless named, and an owner with an account on each of them. */
export async function openSetup(options: SetupOptions = {}): Promise<Setup> {
  const { asProcesses, run = callCkm, names = NAMES, settings, clock } = options;
  const scratch = scratchFolder();
  const passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
  const environment = { CKM_HOME: `${scratch.path}/home`, CKM_PASSPHRASE_FILE: passphrase };
  const servers: Record<string, SetupServer> = {};
  const folderOf = (name: string) => `${scratch.path}/${name}`;
  const ckm: Setup['ckm'] = (args, options = {}) =>
    run(args, {
      ...(clock === undefined ? {} : { aheadMs: clock.aheadMs() }),
      ...options,
      environment: { ...environment, ...options.environment },
    });
  const setup: Setup = {
    scratch,
    environment,
    servers,
    folderOf,
    ckm,
    json: async <T>(args: readonly string[], options?: RunOptions) => {
      const outcome = await ckm([...args, '--json'], options);
      if (outcome.status !== 0) throw new Error(`ckm ${args.join(' ')}: ${outcome.stderr}`);
      return JSON.parse(outcome.stdout) as T;
    },
    close: async () => {
      await Promise.all(Object.values(servers).map((server) => server.stop('SIGKILL')));
      scratch.remove();
    },
  };
  try {
    await Promise.all(names.map((name) => open(name)));
    await makeOwner(environment, Object.fromEntries(names.map((name) => [name, servers[name]!.url])));
    return setup;
  } catch (error) {
    await setup.close();
    throw error;
  }

  async function open(name: string): Promise<void> {
    const dataDir = folderOf(name);
    const listen = { host: '127.0.0.1', port: 0 };
    await initServer({ dataDir, settings: { name, listen, accounts: 'open', ...settings } });
    servers[name] =
      asProcesses === true ? await startServerProcess(dataDir) : await startServerHere(dataDir, clock);
  }
}

/** Starts a server in this process: nobody can kill it, and nothing has to be loaded for it. */
export async function startServerHere(dataDir: string, clock?: MovedClock): Promise<SetupServer> {
  const variables = { CKM_ALLOW_INSPECT: '1' };
  const moved = clock === undefined ? {} : { nowMs: clock.now, ranMs: clock.now };
  const server = await startServer({
    dataDir,
    variables,
    logDestination: { write: () => undefined },
    ...moved,
  });
  clock?.servers.add(server);
  return {
    url: server.url,
    stop: () => {
      clock?.servers.delete(server);
      return server.close();
    },
  };
}

/** Makes a key with the servers of a set-up. */
export function createKey(setup: Setup, name: string, ...flags: readonly string[]): Promise<unknown> {
  const all = ['--quorum', '2of3', '--servers', NAMES.join(',')];
  return setup.json(['key', 'create', name, ...all, '--yes', ...flags]);
}
