import { UsageError } from '@ckm/foundation';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isErrno } from '@ckm/client/node';

/** A program that has our terminal, until it ends. */
export interface ForegroundProgram {
  /** The exit status; 128 and the number of the signal when one ended it. */
  readonly ended: Promise<number>;
  stop(): void;
}

/**
 * Runs a program with our stdin, stdout and stderr.
 * @throws (through `ended`) UsageError `PROGRAM_MISSING`
 */
export function runInForeground(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): ForegroundProgram {
  const child = spawn(program, args, { stdio: 'inherit', env: environment });
  return {
    ended: new Promise((resolve, reject) => {
      child.once('error', (cause) => {
        reject(isErrno(cause, 'ENOENT', 'EACCES') ? missing(program, cause) : cause);
      });
      child.once('close', (status, signal) => {
        resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    }),
    stop: () => {
      child.kill();
    },
  };
}

function missing(program: string, cause: unknown): UsageError {
  return new UsageError(`the program ${program} cannot be started`, {
    code: 'PROGRAM_MISSING',
    hint: 'install it, or check its name and the search path',
    cause,
  });
}
