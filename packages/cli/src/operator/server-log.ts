import type { OperatorAuditLine } from '@ckm/server';
import type { Terminal } from '../terminal/terminal.js';
import { formatDeed, formatLogLine } from './audit-lines.js';

/** From which of pino's levels an operator has to be told. */
const WARN = 40;
const ERROR = 50;
/** Such lines come only with `CKM_LOG_LEVEL=debug`: then they are wanted. */
const DEBUG = 20;
/** Lines of one second about requests that were simply answered; more than that nobody reads. */
const MOST_PER_SECOND = 20;

/** What a running server says to a person: one line for each account, key, request and decision, and what is wrong. */
export interface ServerLog {
  /** Takes the server's own log lines. */
  readonly destination: { write(line: string): void };
  /** Is told of each entry of the audit log. */
  follow(line: OperatorAuditLine): void;
}

export interface ServerLogOptions {
  /** The data directory, as its operator names it. */
  readonly folder: string;
  /** Whether the server has a passphrase: then that it was opened is worth a line. */
  readonly isSealed: boolean;
  /**
   * Whether lines say what requests are about. A terminal is looked at and gone; what goes into a file or a journal stays, in
   * clear, beside a database in which the same sentences are sealed.
   */
  readonly hasSentences: boolean;
  readonly nowMs?: () => number;
}

export function createServerLog(
  terminal: Pick<Terminal, 'warn' | 'talk'>,
  { folder, isSealed, hasSentences, nowMs = Date.now }: ServerLogOptions,
): ServerLog {
  const busy = createBrake(nowMs);
  return {
    destination: {
      write: (text) => {
        const line = parseLine(text);
        if (line === null) return;
        if (line.level >= WARN) terminal.warn(formatFault(line, nowMs()));
        else if (line.level === DEBUG) terminal.talk(formatDebug(line, nowMs()));
      },
    },
    follow: (line) => {
      if (line.deed === START && isSealed)
        terminal.talk(formatLogLine(line.at, 'opened', 'The server was opened with its passphrase'));
      if (PASSED_OVER.has(line.deed)) return;
      const { leftOut, isLeftOut } = busy(isPlain(line));
      if (leftOut > 0) terminal.talk(`${leftOut} more requests were answered`);
      if (isLeftOut) return;
      const next = nextFor(line, folder);
      if (next === '') terminal.talk(formatDeed(line, hasSentences), 'asWritten');
      else terminal.talk(`${formatDeed(line, hasSentences)}  ${next}`);
    },
  };
}

function formatFault({ level, text, code }: Line, nowMs: number): string {
  const what = level >= ERROR ? 'error' : 'warning';
  return formatLogLine(Math.floor(nowMs / 1000), what, code === '' ? text : `${text}  (${code})`);
}

function formatDebug({ text, fields }: Line, nowMs: number): string {
  return formatLogLine(Math.floor(nowMs / 1000), 'debug', `${text} ${fields}`.trimEnd());
}

/** A server writes it when it is open. */
const START = 'server.start';

/** Steps between the beginning of something and its end, and what the start says in words of its own. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  START,
  'server.rollback',
  'session.accepted',
  'session.running',
  'session.round',
  'request.attempt',
]);

/** A request that nobody was asked about and that was answered. */
function isPlain({ deed, verdict }: OperatorAuditLine): boolean {
  return deed === 'request.ask' && verdict === 'allowed';
}

/** The command that an operator wants next. */
function nextFor({ deed, verdict, subject }: OperatorAuditLine, folder: string): string {
  if (deed !== 'request.ask' || verdict !== 'asked' || subject === null) return '';
  return `approve: ckm server approve ${folder} ${subject.slice(0, 8)}`;
}

/** Lets so many lines of a second through, and counts the others until the next one that is let through. */
function createBrake(nowMs: () => number) {
  let second = 0;
  let lines = 0;
  let waiting = 0;
  return (isBraked: boolean): { readonly leftOut: number; readonly isLeftOut: boolean } => {
    const now = Math.floor(nowMs() / 1000);
    if (now !== second) {
      second = now;
      lines = 0;
    }
    if (isBraked && ++lines > MOST_PER_SECOND) {
      waiting++;
      return { leftOut: 0, isLeftOut: true };
    }
    const leftOut = waiting;
    waiting = 0;
    return { leftOut, isLeftOut: false };
  };
}

interface Line {
  readonly level: number;
  readonly text: string;
  readonly code: string;
  /** What else it says, as `name=value`. */
  readonly fields: string;
}

function parseLine(text: string): Line | null {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof entry !== 'object' || entry === null) return null;
  const { level, msg, code, time: _time, ...more } = entry as Readonly<Record<string, unknown>>;
  if (typeof level !== 'number' || typeof msg !== 'string') return null;
  const fields = Object.entries(more).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return { level, text: msg, code: typeof code === 'string' ? code : '', fields: fields.join(' ') };
}
