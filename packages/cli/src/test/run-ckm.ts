import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export { type Scratch, scratchFolder, treeHash } from './scratch.js';

/** The command as it is installed. */
export const CKM = fileURLToPath(new URL('../../bin/ckm.js', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  /** By how much its clock is ahead of that of the machine; of commands that `callCkm` calls alone. */
  readonly aheadMs?: number;
}

/** Runs `ckm` as a child process without a terminal. */
export function runCkm(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return runProgram(process.execPath, [CKM, ...args], options);
}

export function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      // A session of its own: there is no terminal to ask on, wherever the tests run.
      detached: true,
      env: plainEnvironment(options.environment),
      timeout: options.timeoutMs ?? 50_000,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    child.stdin.end(options.stdin ?? '');
  });
}

/** What a child process finds, whatever this one was started with. */
export function plainEnvironment(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, LANG: 'C.UTF-8', ...own };
}

/** The three lines of an error, taken apart. */
export function errorOf({ stderr }: Outcome): { message: string; hint: string; code: string } {
  const lines = stderr.trimEnd().split('\n').slice(-3);
  const [message, hint, code] = ['error', 'hint', 'code'].map((word, i) => {
    const line = lines[i] ?? '';
    if (!line.startsWith(`ckm: ${word}: `))
      throw new Error(`line ${i + 1} of the error is not its ${word}: ${stderr}`);
    return line.slice(`ckm: ${word}: `.length);
  });
  return { message: message!, hint: hint!, code: code!.split(' ')[0]! };
}
