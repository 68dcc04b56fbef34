import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { CKM, type Outcome, plainEnvironment, runCkm, type RunOptions } from './run-ckm.js';

const SCRIPT = join(import.meta.dirname, 'warm-ckm.mjs');

/** Processes that have loaded the command and wait for the next command line. They end with this one. */
const waiting: ChildProcess[] = [];

/**
 * Runs `ckm` without a terminal in a process that may have run other command lines before: what {@link runCkm} shows, for
 * an eighth of its time. Not for what starts, kills, or measures a process, or what is about its streams.
 */
export async function callCkm(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  // A server takes the arithmetic that its process chose first, and here another command may have chosen before it.
  if (args[0] === 'server' && args[1] === 'start') return runCkm(args, options);
  const child = waiting.pop() ?? start();
  const over = new AbortController();
  const within = AbortSignal.timeout(options.timeoutMs ?? 50_000);
  const signal = AbortSignal.any([over.signal, within]);
  try {
    const answered = once(child, 'message', { signal });
    const ended = once(child, 'exit', { signal }).then(([status]) => {
      throw new Error(`the process that runs ckm ${args.join(' ')} ended with ${status}`);
    });
    child.send({
      args,
      environment: plainEnvironment(options.environment),
      cwd: options.cwd ?? process.cwd(),
      stdin: options.stdin ?? '',
      umask: process.umask(),
      aheadMs: options.aheadMs ?? 0,
    });
    const [{ status, stdout, stderr }] = (await Promise.race([answered, ended])) as [Answer];
    waiting.push(child);
    return { status, stdout: text(stdout), stderr: text(stderr) };
  } catch (error) {
    child.kill('SIGKILL');
    throw within.aborted ? new Error(`ckm ${args.join(' ')} does not end`) : error;
  } finally {
    over.abort();
  }
}

interface Answer {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function start(): ChildProcess {
  const child = fork(SCRIPT, [CKM], {
    // As runProgram: no terminal to ask on.
    detached: true,
    serialization: 'advanced',
    execArgv: [],
    env: plainEnvironment(),
    // As a shell does it: what Node opens by itself is taken for a stdout that was closed.
    stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit', 'ipc'],
  });
  // Whoever waits for an answer stays for other reasons.
  child.unref();
  child.channel!.unref();
  child.once('exit', () => {
    const at = waiting.indexOf(child);
    if (at >= 0) waiting.splice(at, 1);
  });
  return child;
}
