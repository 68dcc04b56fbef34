#!/usr/bin/env node
// Read by whichever Node the machine has: no word here that an old one does not know. Errors found before the program is loaded
// have the same three lines as its own.
import * as nodeModule from 'module';
import { fileURLToPath } from 'url';
import { FLOOR, isNewEnough } from './node-floor.js';

// Not by name: that asks them for all that they export, streams and the heap's own binding among it.
const require = nodeModule.createRequire(import.meta.url);
const { existsSync, lstatSync, mkdirSync, statSync } = require('fs');

const words = process.argv.slice(2);
const SET_UP = 'in a clone, run: npm run setup; installed from npm: install it again on this machine';

/** A line as a terminal shows it whole: broken between words, like those of the program itself. */
function folded(line) {
  const columns = process.stderr.isTTY ? process.stderr.columns : Infinity;
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines[lines.length - 1];
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] += ` ${word}`;
    else lines.push(`    ${word}`);
  }
  return lines.join('\n');
}

/** Exit status 69: what is needed is not there. */
function refuse(code, message, hint) {
  const said = [`ckm: error: ${message}`, `ckm: hint: ${hint}`, `ckm: code: ${code}`];
  process.stderr.write(`${said.map(folded).join('\n')}\n`);
  if (words.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  process.exitCode = 69;
}

/** The bundle, unless a package was compiled since it was made; undefined where nothing was compiled. */
function entry() {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  // Installed: there is nothing else.
  if (!existsSync(at('../src'))) return '../dist/bundle/ckm.js';
  const time = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const rooms = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'];
  const compiledAt = Math.max(...rooms.map((room) => time(at(`../../${room}/dist/.tsbuildinfo`))));
  if (time(at('../dist/bundle/ckm.js')) > compiledAt) return '../dist/bundle/ckm.js';
  return existsSync(at('../dist/main.js')) ? '../dist/main.js' : undefined;
}

/**
 * Lets Node keep what it compiles of the program, so that the next command starts sooner. It runs what it finds there: so the
 * folder lies beside the program, where whoever may write can change the program itself, and is used only by the user who made it, who
 * is the only one to enter. It holds code and nothing that the program works with. Where it cannot be had, nothing is kept.
 */
function keepCompiled() {
  const folder = fileURLToPath(new URL('../.compile-cache', import.meta.url));
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    const found = lstatSync(folder);
    const isPrivate = found.isDirectory() && (found.mode & 0o077) === 0 && found.uid === process.getuid();
    if (isPrivate) nodeModule.enableCompileCache(folder);
  } catch {
    // A program that this user may not write beside: it starts as fast as it did.
  }
}

async function run(program) {
  // Loading fills a young generation that a resting server would keep: there it may grow only afterwards, when there is
  // work. Every other command is over before that matters, and would only collect more often.
  const isServer = words[0] === 'server' && words[1] === 'start';
  if (isServer) require('v8').setFlagsFromString('--semi-space-growth-factor=1');
  // A server starts seldom, and would keep in memory what it was given.
  else if (program.includes('/bundle/')) keepCompiled();
  const { runCli } = await import(program);
  if (isServer) require('v8').setFlagsFromString('--semi-space-growth-factor=2');
  // Everything is written by now. A server that still has not answered does not keep the process.
  process.exit(await runCli(words));
}

function isMissing(error) {
  return error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
}

const program = entry();
if (!isNewEnough(process.versions.node)) {
  refuse(
    'NODE_TOO_OLD',
    `Node ${process.versions.node} is too old: ckm needs ${FLOOR} or newer`,
    'in a clone, run: npm run setup, then start it as ./ckm; otherwise install a newer Node (24 is recommended)',
  );
} else if (program === undefined) {
  refuse('NOT_COMPILED', 'nothing is compiled in this clone yet', 'run: npm run setup');
} else {
  run(program).catch((error) => {
    if (!isMissing(error)) throw error;
    refuse(
      'PACKAGE_MISSING',
      `a package that ckm needs is not there: ${error.message.split('\n')[0]}`,
      SET_UP,
    );
  });
}
