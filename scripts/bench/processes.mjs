// Child processes of the bench, each of which ends with it.
import { fork, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const here = import.meta.dirname;

/** Starts a server and waits until it listens. */
export async function startBenchServer(dataDir, name) {
  const begun = performance.now();
  const child = fork(join(here, 'server.mjs'), [dataDir, name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  const { url, listenMs } = await nextMessage(child);
  return {
    name,
    url,
    listenMs,
    readyMs: performance.now() - begun,
    usage: () => {
      child.send('usage');
      return nextMessage(child);
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.disconnect();
      }),
  };
}

function nextMessage(child) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`a server of the bench ended with exit status ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

/** Resident memory and time to run of a Node process that does nothing. */
export function bareNode() {
  const begun = performance.now();
  const done = spawnSync(process.execPath, ['-e', 'console.log(process.memoryUsage.rss())'], {
    encoding: 'utf8',
  });
  return { rss: Number(done.stdout), ms: performance.now() - begun };
}
