import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const script = join(import.meta.dirname, 'child-server.mjs');

/** Whether the package was compiled; a child runs the compiled one. */
export const isCompiled = existsSync(join(import.meta.dirname, '../../dist/index.js'));

/** A server in its own process. */
export interface ChildServer {
  /** The first line it wrote: where it listens, or why it does not. */
  readonly first: { readonly url?: string; readonly phase?: string; readonly code?: string };
  readonly child: ChildProcess;
  /** Everything it wrote. */
  output(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function spawnServer(
  dataDir: string,
  options: {
    readonly node?: readonly string[];
    readonly env?: Record<string, string>;
    /** A program and its arguments, which ends by executing what follows. */
    readonly under?: readonly string[];
  } = {},
): Promise<ChildServer> {
  const env = { PATH: process.env['PATH'] ?? '', CKM_LOG_LEVEL: 'debug', ...options.env };
  const whole = [...(options.under ?? []), process.execPath, ...(options.node ?? []), script, dataDir];
  const child = spawn(whole[0]!, whole.slice(1), {
    env,
    cwd: dirname(dataDir),
  });
  let output = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const first = await new Promise<string>((resolve, reject) => {
    const take = (part: Buffer) => {
      output += part.toString();
      const line = output.split('\n').find((one) => /^\{"(url|code)"/.test(one));
      if (line !== undefined) resolve(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    void exited.then(() => setImmediate(() => reject(new Error(`the server ended: ${output}`))));
  });
  return {
    first: JSON.parse(first) as ChildServer['first'],
    child,
    output: () => output,
    end: async (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
