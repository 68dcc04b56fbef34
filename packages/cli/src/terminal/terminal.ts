import { openSync, writeSync, closeSync, fstatSync } from 'node:fs';
import { asCalled } from './called-as.js';
import { foldLines } from './fold-lines.js';
import { plainLines } from './plain-text.js';
import { outputFailed } from './watch-output.js';

/** How a command speaks: stdout is data, stderr is talk. */
export interface TerminalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** Whether colours may be of 24 bits and not only of the 256 that nearly every terminal knows. */
  readonly trueColor: boolean;
  /** Whether a person may be asked. */
  readonly input: boolean;
  /** Whether to ask on the controlling terminal even when stdin and stderr are both somebody else's pipes. */
  readonly direct: boolean;
}

/**
 * Whether commands in a text are named as this one was called (`./ckm` in a clone). What others wrote, and what is read elsewhere,
 * stays as it is written.
 */
export type Naming = 'asCalled' | 'asWritten';

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

const SGR: Record<Style, number> = { bold: 1, dim: 2, green: 32, yellow: 33, red: 31 };

export interface Terminal extends TerminalOptions {
  /** Width of the person's terminal; absent when stderr is none. */
  readonly columns: number | undefined;
  /** One or more lines for the person, on stderr; silent with `--quiet`. @param naming `asCalled` unless told */
  talk(text: string, naming?: Naming): void;
  /** As {@link Terminal.talk}, but never silenced: what is signed, what is lost, what failed. */
  warn(text: string, naming?: Naming): void;
  /** The answer, on stdout: `human`, or `machine` as one line of JSON with `--json`. @param naming `asCalled` unless told */
  result(human: string, machine: unknown, naming?: Naming): void;
  /** As {@link Terminal.result}, for what people copy: as it is written, and no line is broken, however narrow the terminal is. */
  copied(human: string, machine: unknown): void;
  /**
   * As {@link Terminal.copied}, for what cannot simply be asked for again: returns when all of it is written.
   * @param regain how to get it again, for people
   * @throws StorageError `OUTPUT_CLOSED`, `OUTPUT_UNWRITABLE`
   */
  deliver(human: string, machine: unknown, regain: string): Promise<void>;
  style(style: Style, text: string): string;
  /** Straight to the person's terminal, past every redirection. False when there is none. */
  secretLines(text: string): boolean;
}

/** Opens the terminal of this process. */
export function createTerminal(options: TerminalOptions): Terminal {
  const line = (text: string, naming: Naming = 'asCalled') =>
    process.stderr.write(
      `${foldLines(plainUnlessStyled(named(text, naming), options.color), widthOf(process.stderr))}\n`,
    );
  return {
    ...options,
    columns: widthOf(process.stderr),
    talk: (text, naming) => {
      if (!options.quiet) line(text, naming);
    },
    warn: (text, naming) => {
      line(text, naming);
    },
    result: (human, machine, naming = 'asCalled') => {
      const text = resultText(options, named(human, naming), machine);
      if (text !== '') process.stdout.write(options.json ? text : foldLines(text, widthOf(process.stdout)));
    },
    copied: (human, machine) => {
      const text = resultText(options, human, machine);
      if (text !== '') process.stdout.write(text);
    },
    deliver: (human, machine, regain) => writeAll(resultText(options, human, machine), regain),
    style: (style, text) => (options.color ? `\u001b[${SGR[style]}m${text}\u001b[0m` : text),
    secretLines: writeToTty,
  };
}

function named(text: string, naming: Naming): string {
  return naming === 'asCalled' ? asCalled(text) : text;
}

/** Text that has no terminal of a command to go through, broken as that would break it. */
export function writeError(text: string): void {
  process.stderr.write(`${foldLines(text, widthOf(process.stderr))}\n`);
}

/** Columns of a person's terminal; undefined for a pipe or a file, where every line stays one. */
function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns : undefined;
}

/** A terminal that knows no cursor movements and no colours. */
export function isDumb(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['TERM'] === 'dumb';
}

function resultText({ json, color }: TerminalOptions, human: string, machine: unknown): string {
  const text = json ? JSON.stringify(machine, asJson) : plainUnlessStyled(human, color);
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

async function writeAll(text: string, regain: string): Promise<void> {
  if (text === '') return;
  try {
    if (isFile(process.stdout.fd)) writeWhole(process.stdout.fd, text);
    else await writeTo(process.stdout, text);
  } catch (cause) {
    throw outputFailed(cause as NodeJS.ErrnoException, regain);
  }
}

/** Of a text that half fits on the disk, Node's stream for files writes half and calls it done. */
function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

function writeTo(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

function isFile(descriptor: number): boolean {
  return fstatSync(descriptor).isFile();
}

/** Bytes as hex, big integers as decimal text; nothing else needs help. */
function asJson(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value
  ) {
    return Buffer.from(value.data as number[]).toString('hex');
  }
  return typeof value === 'bigint' ? value.toString() : value;
}

// Our own styles survive, and the painted cells of a likeness, which hold nothing but two spaces; whatever else looks
// like a sequence does not.
const OURS =
  /(\u001b\[(?:0|1|2|31|32|33|48;(?:5;\d{1,3}|2;\d{1,3};\d{1,3};\d{1,3})(?=m  \u001b\[(?:0m|48;)))m)/;

function plainUnlessStyled(text: string, color: boolean): string {
  if (!color) return plainLines(text);
  return text
    .split(OURS)
    .map((part, index) => (index % 2 === 1 ? part : plainLines(part)))
    .join('');
}

function writeToTty(text: string): boolean {
  let tty: number;
  try {
    tty = openSync('/dev/tty', 'w');
  } catch {
    return false;
  }
  try {
    writeSync(tty, text);
    return true;
  } finally {
    closeSync(tty);
  }
}
