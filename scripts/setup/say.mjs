// What set-up says while it works, on standard error.
import { spawn } from 'node:child_process';

export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** What set-up cannot do, in the three lines that every error of `ckm` has. Its exit status is 69. */
export class SetupError extends Error {
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export function sayError({ code, message, hint }) {
  process.stderr.write(`setup: error: ${message}\nsetup: hint: ${hint}\nsetup: code: ${code}\n`);
}

/**
 * Runs one program to its end and says what runs while it runs: on a terminal with the seconds, elsewhere in a line of its
 * own before and after. What the program prints is shown only where it fails.
 * @throws SetupError with `failure`, where it does not end with 0.
 */
export async function runStep(what, [command, ...args], { cwd, env = process.env, failure }) {
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  const isTerminal = Boolean(process.stderr.isTTY);
  const show = () => process.stderr.write(`\r\u001b[Ksetup: ${what} … ${seconds().toFixed(0)} s`);
  if (isTerminal) show();
  else say(`${what} …`);
  const ticking = isTerminal ? setInterval(show, 1000) : undefined;
  const { status, printed, error } = await runToEnd(command, args, { cwd, env });
  clearInterval(ticking);
  if (isTerminal) process.stderr.write('\r\u001b[K');
  if (status === 0) {
    say(`${what}: done in ${seconds().toFixed(1)} s`);
    return;
  }
  process.stderr.write(printed);
  const how = error === undefined ? `exit status ${status}` : error.message;
  throw new SetupError(failure.code, `${what} failed: ${how}`, failure.hint);
}

function runToEnd(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (printed += text));
    }
    child.once('error', (error) => resolve({ status: null, printed, error }));
    child.once('close', (status) => resolve({ status, printed }));
  });
}
