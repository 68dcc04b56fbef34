import type { ReadStream } from 'node:tty';

type Input = NodeJS.ReadStream | ReadStream;

const MOST_BYTES = 4096;
const CTRL_C = 0x03;
const CTRL_Z = 0x1a;

/** The terminal that shows nothing of what is typed, and what was typed there. */
interface QuietInput {
  readonly input: Input;
  readonly typed: Uint8Array;
  length: number;
  readonly onData: (chunk: Uint8Array) => void;
}

let quiet: QuietInput | undefined;

/**
 * Keeps what is typed from now on off the screen, until {@link endQuiet} or the end of the process: while a passphrase is checked,
 * people who know that it was a wrong one type the next. Ctrl-C and Ctrl-Z do what they always do.
 * @param input a terminal in raw mode
 */
export function keepQuiet(input: Input): void {
  const kept: QuietInput = {
    input,
    typed: new Uint8Array(MOST_BYTES),
    length: 0,
    onData: (chunk) => {
      for (const byte of chunk) {
        if (byte === CTRL_C) process.kill(0, 'SIGINT');
        else if (byte === CTRL_Z) suspend();
        else if (kept.length < MOST_BYTES) kept.typed[kept.length++] = byte;
      }
      chunk.fill(0);
    },
  };
  quiet = kept;
  input.on('data', kept.onData);
  input.resume();
  process.once('exit', endQuiet);
}

export function isQuiet(): boolean {
  return quiet !== undefined;
}

/** The terminal shows again what is typed. @returns what was typed meanwhile; the caller wipes it */
export function endQuiet(): Uint8Array {
  if (quiet === undefined) return new Uint8Array();
  const { input, typed, length, onData } = quiet;
  quiet = undefined;
  process.off('exit', endQuiet);
  input.off('data', onData);
  input.setRawMode(false);
  if (input === process.stdin) input.pause();
  else input.destroy();
  const early = typed.slice(0, length);
  typed.fill(0);
  return early;
}

/** In the background the terminal is somebody else's. */
function suspend(): void {
  endQuiet().fill(0);
  process.kill(0, 'SIGTSTP');
}
