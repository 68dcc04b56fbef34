// Runs a program under a Node that fits: the machine's, or the one that set-up has brought. Every program that it starts by the
// name `node` runs under the same one. `--node LINE` in front: under the clone's own Node of that line.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { environment } from './setup/own-node.mjs';
import { sayError, SetupError } from './setup/say.mjs';

const words = process.argv.slice(2);
const line = words[0] === '--node' ? words.splice(0, 2)[1] : undefined;

function run() {
  const child = spawn(words[0], words.slice(1), { stdio: 'inherit', env: environment(line) });
  // A terminal sends it to the program too, which decides what becomes of it.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    process.stderr.write(`${words[0]} does not start: ${error.message}\n`);
    process.exitCode = 69;
  });
  child.once('exit', (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

try {
  run();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  sayError(error);
  process.exitCode = 69;
}
