import { spawn } from 'node:child_process';
import { CKM, type Outcome, runCkm, type RunOptions, type Scratch, scratchFolder } from './run-ckm.js';

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
export function startServerProcess(folder: string, flags: readonly string[] = []): Promise<ServerProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [CKM, 'server', 'start', folder, ...flags], {
    env: { PATH, HOME, LANG: 'C.UTF-8' },
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

/** Servers that run, and an owner who has added them. */
export interface Lab {
  readonly scratch: Scratch;
  /** What makes `ckm` this owner's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly servers: Readonly<Record<string, ServerProcess>>;
  folderOf(name: string): string;
  /** As the owner. */
  ckm(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** The same, which must succeed; what it said in JSON. */
  json<T>(args: readonly string[], options?: RunOptions): Promise<T>;
  close(): Promise<void>;
}

const NAMES = ['alpha', 'beta', 'gamma'];

/**
 * Three servers on loopback, each its own process, and an owner with an account on each of them.
 * @param flags of `ckm server init`
 */
export async function openLab(...flags: readonly string[]): Promise<Lab> {
  const scratch = scratchFolder();
  const passphrase = scratch.file('passphrase', 'river lamp seven onions\n');
  const environment = { CKM_HOME: `${scratch.path}/home`, CKM_PASSPHRASE_FILE: passphrase };
  const servers: Record<string, ServerProcess> = {};
  const folderOf = (name: string) => `${scratch.path}/${name}`;
  const ckm: Lab['ckm'] = (args, options = {}) =>
    runCkm(args, { ...options, environment: { ...environment, ...options.environment } });
  const succeed = async (args: readonly string[], options?: RunOptions) => {
    const outcome = await ckm(args, options);
    if (outcome.status !== 0) throw new Error(`ckm ${args.join(' ')}: ${outcome.stderr}`);
    return outcome;
  };
  const lab: Lab = {
    scratch,
    environment,
    servers,
    folderOf,
    ckm,
    json: async <T>(args: readonly string[], options?: RunOptions) =>
      JSON.parse((await succeed([...args, '--json'], options)).stdout) as T,
    close: async () => {
      await Promise.all(Object.values(servers).map((server) => server.stop('SIGKILL')));
      scratch.remove();
    },
  };
  try {
    await Promise.all([succeed(['init']), ...NAMES.map((name) => open(name))]);
    for (const name of NAMES) await succeed(['server', 'add', name, servers[name]!.url, '--yes']);
    return lab;
  } catch (error) {
    await lab.close();
    throw error;
  }

  async function open(name: string): Promise<void> {
    const listen = ['--listen', '127.0.0.1:0', '--accounts', 'open'];
    await succeed(['server', 'init', folderOf(name), '--name', name, ...listen, ...flags]);
    servers[name] = await startServerProcess(folderOf(name));
  }
}

/** Makes a key with the servers of a lab. */
export function createKey(lab: Lab, name: string, ...flags: readonly string[]): Promise<unknown> {
  const all = ['--quorum', '2of3', '--servers', NAMES.join(',')];
  return lab.json(['key', 'create', name, ...all, '--yes', ...flags]);
}
