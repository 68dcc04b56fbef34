#!/usr/bin/env node
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// Loading fills a young generation that a resting server would keep: there it may grow only afterwards, when there is
// work. Every other command is over before that matters, and would only collect more often.
const isServer = process.argv[2] === 'server' && process.argv[3] === 'start';
if (isServer) setFlagsFromString('--semi-space-growth-factor=1');

/** The bundle, unless a package was compiled since it was made. */
function entry() {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const rooms = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];
  const compiledAt = Math.max(...rooms.map((room) => time(at(`../../${room}/dist/.tsbuildinfo`))));
  return time(at('../dist/bundle/ckm.js')) > compiledAt ? '../dist/bundle/ckm.js' : '../dist/main.js';
}

const { runCli } = await import(entry());
if (isServer) setFlagsFromString('--semi-space-growth-factor=2');
// Everything is written by now. A server that still has not answered does not keep the process.
process.exit(await runCli(process.argv.slice(2)));
