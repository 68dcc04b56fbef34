// A server in a process of its own, as `ckm server start` runs it: bundled, unless a package was compiled since then.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '../../..');
const bundled = join(packages, 'server/dist/bundle/index.js');
const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
const rooms = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'server'];
const compiledAt = Math.max(...rooms.map((room) => time(join(packages, room, 'dist/.tsbuildinfo'))));
const { startServer } = await import(
  time(bundled) > compiledAt ? bundled : join(packages, 'server/dist/index.js')
);

try {
  const server = await startServer({ dataDir: process.argv[2] });
  process.on('SIGTERM', () => void server.close());
  process.stdout.write(`${JSON.stringify({ url: server.url, phase: server.phase() })}\n`);
  await server.closed;
  process.exit(0);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
  process.exit(error.exitCode ?? 70);
}
