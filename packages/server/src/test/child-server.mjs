// A server in a process of its own, as `ckm server start` runs it, from the compiled package.
import { startServer } from '../../dist/index.js';

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
