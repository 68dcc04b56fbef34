import { spawn } from 'node:child_process';
import { CKM } from './run-ckm.js';

/** What a person sees, and what they type when they see it. */
export interface Seen {
  readonly status: number | null;
  /** Everything that reached the terminal, without colours and cursor movements. */
  readonly screen: string;
  /** The same with them. */
  readonly raw: string;
}

/** When this has appeared since the last answer, that is typed. */
export type Answer = readonly [prompt: RegExp, keys: string | ((screen: string) => string)];

const TIMEOUT_MS = 50_000;

/**
 * Runs `ckm` on a terminal of its own (util-linux `script`), and answers what it asks. Arguments must
 * need no quoting.
 */
export function runOnTerminal(
  args: readonly string[],
  answers: readonly Answer[],
  environment: Readonly<Record<string, string>>,
  columns = 80,
): Promise<Seen> {
  const { PATH = '', HOME = '' } = process.env;
  const command = `stty cols ${columns} rows 24; exec ${process.execPath} ${CKM} ${args.join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH, HOME, LANG: 'C.UTF-8', TERM: 'xterm', ...environment },
    timeout: TIMEOUT_MS,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let raw = '';
  let from = 0;
  const left = [...answers];
  child.stdout.on('data', (chunk: Buffer) => {
    raw += chunk.toString();
    screen += plain(chunk.toString());
    const [next] = left;
    if (next === undefined || !next[0].test(screen.slice(from))) return;
    left.shift();
    from = screen.length;
    child.stdin.write(typeof next[1] === 'string' ? next[1] : next[1](screen));
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, screen, raw }));
  });
}

function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}
