import { constants } from 'node:os';
import { writeError } from './terminal.js';

/** What ends a process besides Ctrl-C. Node would end without a word on each of them, and leave a core file on SIGQUIT. */
export const ENDING_SIGNALS = ['SIGALRM', 'SIGHUP', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const;

let isListening = false;

/** Ends the process with one line that names the signal, where nobody else listens to it: exit status 128 and its number. */
export function endOnSignals(): void {
  if (isListening) return;
  isListening = true;
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      if (process.listenerCount(signal) > 1) return;
      writeError(`ckm: ended by ${signal}`);
      process.exit(128 + constants.signals[signal]);
    });
  }
}
