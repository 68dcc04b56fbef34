// A move of a server in a process of its own, to be killed: it says each step when it has come to it.
import { join } from 'node:path';

const { moveServer } = await import(join(import.meta.dirname, '../../dist/index.js'));
const [dataDir, to] = process.argv.slice(2);
let told = '';
function progress(step) {
  if (step !== told) process.stdout.write(`${(told = step)}\n`);
}
try {
  await moveServer({ dataDir, to, passphrase: null, progress });
  process.stdout.write('done\n');
} catch (error) {
  process.stdout.write(`${error.code ?? error.stack}\n`);
  process.exit(1);
}
