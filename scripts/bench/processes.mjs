// The daemons of the bench: real `ckm server start` processes, each of which ends with it.
import { initServer } from '@ckm/server';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** The command as it is installed. */
export const CKM = join(import.meta.dirname, '../../packages/cli/bin/ckm.js');

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Makes the folder of a server whose limits a bench does not reach. */
async function makeServer(dataDir, name) {
  const listen = { host: '127.0.0.1', port: await freePort() };
  const quota = {
    keys: 1_000_000,
    requestsPerMinute: 10_000_000,
    waitingRequests: 10_000,
    costPerMinute: 100_000_000,
    bytes: 2 ** 40,
  };
  const limits = { perSecond: 1_000_000, perAddressPerMinute: 100_000_000 };
  await initServer({ dataDir, settings: { name, listen, accounts: 'open', quota, limits } });
}

/**
 * Starts a server and waits until it says that it listens; `readyMs` counts from the start of the process.
 * @param database address of a PostgreSQL; without it: SQLite
 * @param replicaOf data directory of a server that runs already on the same database: this is then one more process of it
 * @param nodeArguments what its Node is told besides
 */
export async function startBenchServer(
  dataDir,
  name,
  { database = '', replicaOf = '', nodeArguments = [] } = {},
) {
  if (replicaOf !== '') copyServer(replicaOf, dataDir);
  if (!existsSync(dataDir)) await makeServer(dataDir, name);
  const env = {
    ...process.env,
    // A server that holds shares lets nobody look into it, unless told so.
    ...(nodeArguments.length === 0 ? {} : { CKM_ALLOW_INSPECT: '1' }),
    ...(database === '' ? {} : { CKM_DATABASE_URL: database }),
    ...(replicaOf === ''
      ? {}
      : { CKM_EPOCH_KEYS: join(replicaOf, 'epoch-keys'), CKM_LISTEN: `127.0.0.1:${await freePort()}` }),
  };
  const begun = performance.now();
  const child = spawn(process.execPath, [...nodeArguments, CKM, 'server', 'start', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const url = await heard(child, /listens on (\S+),/);
  return {
    name,
    url,
    dataDir,
    pid: child.pid,
    readyMs: performance.now() - begun,
    rss: () => residentBytes(child.pid),
    cpuMs: () => cpuMs(child.pid),
    signal: (name) => child.kill(name),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Everything of a data directory but what belongs to one process. */
function copyServer(original, dataDir) {
  cpSync(original, dataDir, { recursive: true, filter: (path) => !/\.sock$|\.sqlite/.test(path) });
}

function heard(child, pattern) {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (text) => {
      said += text;
      const found = pattern.exec(said);
      if (found !== null) resolve(found[1]);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.once('exit', (code) => reject(new Error(`a server ended with exit status ${code}: ${said}`)));
  });
}

function residentBytes(pid) {
  return Number(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout) * 1024;
}

/** User and system time of a process; 0 where the system does not tell. */
function cpuMs(pid) {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Resident memory and time to run of a Node process that does nothing. */
export function bareNode() {
  const begun = performance.now();
  const done = spawnSync(process.execPath, ['-e', 'console.log(process.memoryUsage.rss())'], {
    encoding: 'utf8',
  });
  return { rss: Number(done.stdout), ms: performance.now() - begun };
}
