// As warm-ckm.mjs, on a terminal: what a command line writes goes where a process of its own would write it. A sequence that
// no terminal shows says that it is over, behind everything that it wrote.
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const program = process.argv[2];
const exit = process.exit;

// Each command line listens anew.
for (const one of [process, process.stdin, process.stdout, process.stderr]) one.setMaxListeners(0);

process.on('disconnect', () => exit(0));

process.on('message', ({ args, environment, cwd }) => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(cwd);
  process.argv = [process.execPath, program, ...args];
  process.exitCode = undefined;
  process.exit = (status) => writeSync(1, `\u001b]over;${status}\u0007`);
  void import(`${pathToFileURL(program).href}?command=${randomUUID()}`);
});
