import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { CKM, plainEnvironment } from './run-ckm.js';
import { drawScreen, type Screen } from './screen.js';

/** Terminals that people sit at. */
export const TERMINALS = {
  /** Half a screen wide, with colours. */
  narrow: { columns: 60, environment: { TERM: 'xterm-256color' } },
  wide: { columns: 100, environment: { TERM: 'xterm-256color', NO_COLOR: '1' } },
  /** Knows neither colours nor how to move its cursor. */
  dumb: { columns: 100, environment: { TERM: 'dumb' } },
} as const;

export type TerminalName = keyof typeof TERMINALS;

/** When this has appeared since the last answer, that is typed; or done, and what it returns is typed. */
export type Answer = readonly [prompt: RegExp, keys: string | ((seen: string) => Promise<string | void>)];

/** What a person saw of one command. */
export interface Seen extends Screen {
  readonly status: number;
  /** Everything that reached the terminal. */
  readonly raw: string;
}

export interface SeatOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly answers?: readonly Answer[];
  readonly timeoutMs?: number;
}

export const CTRL_C = '\u0003';
const SCRIPT = join(import.meta.dirname, 'warm-on-terminal.mjs');
const OVER = /\u001b\]over;(\d+)\u0007/;

/** So many that what is asked about is on the same screen on all of them: then it is said once. */
const ROWS = 36;
/** Processes on each sort of terminal that have loaded the command and wait for the next command line. */
const waiting: Readonly<Record<TerminalName, ChildProcess[]>> = { narrow: [], wide: [], dumb: [] };

/**
 * Runs `ckm` on a terminal of its own (util-linux `script`), in a process that may have run other command lines before, and
 * answers what it asks.
 */
export async function sitAndRun(
  name: TerminalName,
  args: readonly string[],
  { environment, cwd, answers = [], timeoutMs = 30_000 }: SeatOptions,
): Promise<Seen> {
  const child = waiting[name].pop() ?? start(name);
  child.send({
    args,
    environment: plainEnvironment({ ...TERMINALS[name].environment, ...environment }),
    cwd,
  });
  const { raw, status, isAlive } = await follow(name, child, answers, timeoutMs).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`ckm ${args.join(' ')}: ${String(error)}`);
  });
  // Behind Ctrl-C something may still be on its way: such a process runs nothing else.
  const isCalm = !answers.some(([, keys]) => keys === CTRL_C || typeof keys !== 'string');
  if (isAlive && isCalm) waiting[name].push(child);
  else child.kill('SIGKILL');
  return { status, raw, ...drawScreen(raw, TERMINALS[name].columns) };
}

interface Followed {
  readonly raw: string;
  readonly status: number;
  readonly isAlive: boolean;
}

function follow(
  name: TerminalName,
  child: ChildProcess,
  answers: readonly Answer[],
  timeoutMs: number,
): Promise<Followed> {
  const left = [...answers];
  let raw = '';
  let from = 0;
  return new Promise((resolve, reject) => {
    const alarm = setTimeout(
      () => fail(`does not end; it waits after: ${plain(raw).slice(-400)}`),
      timeoutMs,
    );
    const release = () => {
      clearTimeout(alarm);
      child.stdout!.off('data', read);
      child.off('close', ended);
    };
    const fail = (why: string) => {
      release();
      reject(new Error(why));
    };
    const end = (status: number, isAlive: boolean) => {
      if (left.length > 0) return fail(`never asked ${String(left[0]![0])}: ${plain(raw)}`);
      release();
      resolve({ raw: raw.replace(OVER, ''), status, isAlive });
    };
    const ended = (status: number | null) => end(status ?? 1, false);
    const type = (keys: string | void) => {
      if (keys !== undefined) child.stdin!.write(keys);
    };
    // On a dumb terminal a question is a line that ends in a blank: what is typed sooner is shown before it.
    const isReadyFor = ([, keys]: Answer) =>
      name !== 'dumb' || typeof keys !== 'string' || keys === CTRL_C || raw.endsWith(' ');
    const read = (chunk: string) => {
      raw += chunk;
      const over = OVER.exec(raw);
      if (over !== null) return end(Number(over[1]), true);
      const [next] = left;
      if (next === undefined || !next[0].test(plain(raw).slice(from)) || !isReadyFor(next)) return;
      left.shift();
      from = plain(raw).length;
      if (typeof next[1] === 'string') type(next[1]);
      else next[1](plain(raw)).then(type, (error: unknown) => fail(String(error)));
    };
    child.stdout!.on('data', read);
    child.once('close', ended);
  });
}

function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

function start(name: TerminalName): ChildProcess {
  const { columns, environment } = TERMINALS[name];
  const command = `stty cols ${columns} rows ${ROWS}; exec ${process.execPath} ${SCRIPT} ${CKM}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: plainEnvironment(environment),
    detached: true,
    // What `script` starts finds the channel as if it had been started from here.
    stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
  });
  child.stdout!.setEncoding('utf8');
  // Whoever waits for an answer stays for other reasons.
  child.unref();
  child.channel!.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
  return child;
}
