// Three operators: each with a process, a folder and a database of its own.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { operator, startCkm } from './programs.mjs';

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Makes a server's folder: identity, storage key, configuration. */
export async function initServer(folder, name) {
  const dataDir = join(folder, name);
  const listen = `127.0.0.1:${await freePort()}`;
  await operator('server', 'init', dataDir, '--name', name, '--listen', listen, '--accounts', 'open');
  return { name, dataDir, url: `http://${listen}`, running: null };
}

export async function startServer(server) {
  const running = startCkm(['server', 'start', server.dataDir], { ready: /listens on [^\n]*\n/ });
  server.running = running;
  const [line] = await running.up;
  return line.trim();
}

/** As if the plug were pulled. */
export async function killServer(server) {
  server.running.child.kill('SIGKILL');
  await server.running.ended;
  server.running = null;
}

export async function stopServer(server) {
  if (server.running === null) return;
  server.running.child.kill('SIGTERM');
  await server.running.ended;
  server.running = null;
}
