// Runs command lines one after the other in one process, which has loaded the command once: for each, `bin/ckm.js` is
// evaluated anew, and finds the arguments, the environment, the folder and the streams that a process of its own would.
import { randomUUID } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const program = process.argv[2];
const exit = process.exit;
const { now } = Date;

process.on('disconnect', () => exit(0));

process.on('message', ({ args, environment, cwd, stdin, umask, aheadMs }) => {
  const written = { stdout: [], stderr: [] };
  replace('stdin', Readable.from([Buffer.from(stdin)]));
  replace('stdout', sink(written.stdout, 1));
  replace('stderr', sink(written.stderr, 2));
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(cwd);
  // A server that the caller ran since has narrowed the caller's.
  process.umask(umask);
  Date.now = () => now() + aheadMs;
  process.argv = [process.execPath, program, ...args];
  process.exitCode = undefined;
  process.exit = (status) => {
    const [stdout, stderr] = [written.stdout, written.stderr].map((chunks) => Buffer.concat(chunks));
    process.send({ status, stdout, stderr });
  };
  void import(`${pathToFileURL(program).href}?command=${randomUUID()}`);
});

function replace(name, stream) {
  Object.defineProperty(process, name, { value: stream, configurable: true });
}

/** A stream that remembers, as the pipe that it stands for would: no terminal, no file. */
function sink(chunks, fd) {
  const write = (chunk, _encoding, done) => {
    chunks.push(Buffer.from(chunk));
    done();
  };
  return Object.assign(new Writable({ write }), { fd });
}
