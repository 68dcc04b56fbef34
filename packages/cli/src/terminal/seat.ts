import { StateError, UsageError } from '@ckm/foundation';
import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { endQuiet, isQuiet } from './quiet-input.js';
import type { Terminal } from './terminal.js';

/** Where a person sits: what they type comes from `input`, what they read goes to `output`. */
export interface Seat {
  readonly input: NodeJS.ReadStream | ReadStream;
  readonly output: NodeJS.WriteStream | WriteStream;
  leave(): void;
}

/** Whether somebody sits where a question would be asked. */
export function canAsk(terminal: Terminal): boolean {
  const seat = terminal.input ? takeSeat(terminal.direct) : undefined;
  seat?.leave();
  return seat !== undefined;
}

function stopReading(): void {
  if (!isQuiet()) process.stdin.pause();
}

/** @throws UsageError `INPUT_NEEDED` when nobody can be asked. */
export function requireSeat(terminal: Terminal, question: string, hint: string): Seat {
  endQuiet().fill(0);
  const seat = terminal.input ? takeSeat(terminal.direct) : undefined;
  if (seat !== undefined) return seat;
  throw new UsageError(`this needs an answer and nobody can be asked: ${question}`, {
    code: 'INPUT_NEEDED',
    hint,
  });
}

/** A terminal on stdin; else, with stdin in use for data, the terminal that stderr shows; `direct`: even without. */
function takeSeat(direct: boolean): Seat | undefined {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    return { input: process.stdin, output: process.stderr, leave: stopReading };
  }
  if (!process.stderr.isTTY && !direct) return undefined;
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    const output = new WriteStream(openSync('/dev/tty', 'w'));
    return {
      input,
      output,
      leave: () => {
        input.destroy();
        output.destroy();
      },
    };
  } catch {
    return undefined;
  }
}

/** The person said no. */
export function cancelled(): StateError {
  return notDone('nothing was done: the answer was no');
}

/** What was to be typed to say yes was not typed. */
export function notTyped(wanted: string): StateError {
  return notDone(`nothing was done: what was typed is not ${wanted}`);
}

/** The person left the question without an answer. */
export function left(): StateError {
  return notDone('nothing was done: you left the question');
}

function notDone(what: string): StateError {
  return new StateError(what, { code: 'CANCELLED_BY_PERSON', hint: 'run it again when you want to' });
}
