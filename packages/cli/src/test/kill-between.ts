import { spawn } from 'node:child_process';
import type { Proxy } from './proxy.js';
import { CKM, plainEnvironment } from './run-ckm.js';

/** What a command that is to be killed finds, and what stands between it and its servers. */
export interface Mortal {
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly proxies: readonly Proxy[];
  /** By how much its clock is ahead of that of the machine. */
  readonly aheadMs?: number;
}

/** How a process ended: true where it was killed, false where it was done before. */
type WasKilled = boolean;

/**
 * Runs a command up to one moment between two of its messages, to whichever servers, and kills it there (SIGKILL). Moments are counted from 1: before the first
 * message arrives, after it was answered and before the answer is heard, before the second one, and so on.
 */
export async function killedAt(
  args: readonly string[],
  moment: number,
  { proxies, ...found }: Mortal,
): Promise<WasKilled> {
  const child = start(args, found);
  const nth = Math.ceil(moment / 2);
  const when = moment % 2 === 1 ? 'before' : 'after';
  let seen = 0;
  for (const proxy of proxies)
    proxy[when] = async () => {
      if (++seen < nth) return 'pass';
      child.process.kill('SIGKILL');
      await child.ended;
      return when === 'before' ? new Uint8Array(0) : 'pass';
    };
  try {
    return await child.ended;
  } finally {
    for (const proxy of proxies) proxy[when] = () => 'pass';
  }
}

/** The same, so many milliseconds after it began: for what is between two of its files. */
export async function killedAfter(
  args: readonly string[],
  ms: number,
  found: Omit<Mortal, 'proxies'>,
): Promise<WasKilled> {
  const child = start(args, found);
  const timer = setTimeout(() => child.process.kill('SIGKILL'), ms);
  return child.ended.finally(() => clearTimeout(timer));
}

function start(args: readonly string[], { environment, cwd, aheadMs = 0 }: Omit<Mortal, 'proxies'>) {
  const ahead = `const { now } = Date; Date.now = () => now() + ${aheadMs};`;
  const shift = ['--import', `data:text/javascript,${encodeURIComponent(ahead)}`];
  const child = spawn(process.execPath, [...(aheadMs === 0 ? [] : shift), CKM, ...args], {
    env: plainEnvironment(environment),
    cwd,
    detached: true,
    // A stdout that is thrown away is refused before anything is asked.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.resume();
  const ended = new Promise<WasKilled>((resolve) =>
    child.once('exit', (_status, signal) => resolve(signal === 'SIGKILL')),
  );
  return { process: child, ended };
}
