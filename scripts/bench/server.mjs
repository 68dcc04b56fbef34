// One Secret Server in a process of its own, for the bench. It tells its parent where it listens and ends with it.
import { initServer, startServer } from '@ckm/server';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

/** A port nobody uses now. */
async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const [dataDir, name] = process.argv.slice(2);
if (!existsSync(dataDir)) {
  const listen = { host: '127.0.0.1', port: await freePort() };
  const quota = { keys: 1_000_000, requestsPerMinute: 10_000_000, bytes: 2 ** 40 };
  const limits = { perSecond: 1_000_000, perAddressPerMinute: 100_000_000 };
  const log = { level: 'warn' };
  await initServer({ dataDir, settings: { name, listen, accounts: 'open', quota, limits, log } });
}
const begun = performance.now();
const server = await startServer({ dataDir });
process.send({ url: server.url, listenMs: performance.now() - begun });
process.on('message', () => process.send({ rss: process.memoryUsage.rss(), cpu: process.cpuUsage() }));
process.on('disconnect', () => void server.close().then(() => process.exit(0)));
