import { spawn } from 'node:child_process';
import { CKM, type Outcome } from './run-ckm.js';

/** Starts `ckm` and presses Ctrl-C, once, when its stderr says so or something has happened. */
export function interrupted(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  when: ((stderr: string) => boolean) | Promise<void>,
): Promise<Outcome> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [CKM, ...args], {
    env: { PATH, HOME, ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, isDone] = ['', '', false];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (isDone || typeof when !== 'function' || !when(stderr)) return;
    isDone = true;
    child.kill('SIGINT');
  });
  if (typeof when !== 'function') void when.then(() => child.kill('SIGINT'));
  return new Promise((resolve) => {
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
