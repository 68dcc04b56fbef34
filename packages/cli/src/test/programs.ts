import { spawnSync } from 'node:child_process';

/** Whether a program of the machine can be started. A test that needs one says which and is skipped without it. */
export function hasProgram(name: string, ...args: readonly string[]): boolean {
  return spawnSync(name, args, { stdio: 'ignore' }).error === undefined;
}
