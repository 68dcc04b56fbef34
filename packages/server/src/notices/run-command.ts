import { spawn } from 'node:child_process';
import { readProgramEnv } from '../config/env.js';
import { noticeError } from './codes.js';
import type { Notice } from './notice.js';

/** A program of the operator's has so long. */
const MOST_MS = 10_000;

/**
 * Runs the operator's program, without a shell, with a notice as one line of JSON on stdin. It gets none of the server's
 * environment, where a database password may be, none of its open files, and is ended with all it has started when it
 * takes too long.
 * @throws AvailabilityError `NOTICE_COMMAND_FAILED`, `NOTICE_TIMEOUT`
 */
export function runCommand(
  [program, ...args]: readonly string[],
  notice: Notice,
  signal: AbortSignal,
  mostMs: number = MOST_MS,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, {
      cwd: '/',
      env: readProgramEnv(),
      shell: false,
      stdio: ['pipe', 'ignore', 'ignore'],
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
    const end = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // All of it has ended by itself.
      }
    };
    const alarm = setTimeout(() => {
      reject(noticeError('NOTICE_TIMEOUT', 'the command of "notify" took too long'));
      end();
    }, mostMs);
    signal.addEventListener('abort', end, { once: true });
    const over = (): void => {
      clearTimeout(alarm);
      signal.removeEventListener('abort', end);
    };
    child.once('error', (cause) => {
      over();
      reject(noticeError('NOTICE_COMMAND_FAILED', 'the command of "notify" cannot be run', cause));
    });
    child.once('exit', (status) => {
      over();
      if (status === 0) resolve();
      else reject(noticeError('NOTICE_COMMAND_FAILED', 'the command of "notify" failed'));
    });
    // A program that does not read is told nothing more; how it ends says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(notice)}\n`);
  });
}
