import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Where util-linux puts it. Not looked for on PATH: what is found there may be anything. */
const PRLIMIT = ['/usr/bin/prlimit', '/bin/prlimit'];
const LIMITS = '/proc/self/limits';

/**
 * Sets the hard limit for core files of this process to 0, from which no unprivileged process comes back: a crash then
 * writes nothing of its memory, shares included, to a disk. Node has no call for it; `prlimit` sets the limits of a process of
 * the same user. Where there is no such program the unit file does it (`LimitCORE=0`), or a shell (`ulimit -c 0`).
 * @returns whether it is 0 now; false also where nobody can say
 */
export function forbidCoreFiles(): boolean {
  if (isCoreForbidden()) return true;
  const program = PRLIMIT.find((path) => existsSync(path));
  if (program === undefined) return false;
  spawnSync(program, ['--pid', String(process.pid), '--core=0:0'], { stdio: 'ignore', timeout: 5_000 });
  return isCoreForbidden();
}

function isCoreForbidden(): boolean {
  if (!existsSync(LIMITS)) return false;
  return /^Max core file size +0 +0 /m.test(readFileSync(LIMITS, 'utf8'));
}
