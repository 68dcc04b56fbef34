// The same steps in ZF's Rust, in turns with ours, both in CPU time: `npm run bench -- --rust`. Optional: it needs cargo and
// compiles for some minutes the first time.
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { figure } from './report.mjs';

const manifest = join(import.meta.dirname, 'rust-peer/Cargo.toml');
/** Outside of the project, and kept: the next run compiles nothing. */
const target = join(tmpdir(), 'ckm-rust-peer');
const ours = join(import.meta.dirname, '../../packages/threshold/bench/steps.mjs');
const TURNS = 2;

/** Most that a step may cost, in times of what it costs in Rust. */
const GOALS = {
  'aggregate ed25519': () => 1.1,
  'verifySignatureShare ed25519': () => 1.3,
  'DKG ed25519': (of) => (of === 3 ? 2 : 1.3),
};

/** @returns no figures where there is no cargo; `say` is told so */
export async function rustFigures(say) {
  if (spawnSync('cargo', ['--version']).status !== 0) {
    say('absent: cargo, so nothing is compared with Rust');
    return [];
  }
  say('compiling the peer in Rust');
  await output('cargo', ['build', '--release', '--locked', '--quiet', '--manifest-path', manifest]);
  const binary = join(target, 'release/ckm-rust-peer');
  const best = { ours: new Map(), theirs: new Map() };
  for (let turn = 0; turn < TURNS; turn++) {
    keepLeast(best.theirs, await output(binary, []));
    keepLeast(best.ours, await output(process.execPath, [ours]));
  }
  return [...best.ours].map(([step, us]) => compared(step, us, best.theirs.get(step)));
}

async function output(command, args) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CARGO_TARGET_DIR: target },
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with exit status ${code}`)),
    );
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
  await ended;
  return lines;
}

function keepLeast(known, lines) {
  for (const { suite, step, needed, of, us } of lines) {
    const name = `${step} ${suite} ${needed}of${of}`;
    known.set(name, Math.min(known.get(name) ?? Infinity, us));
  }
}

function compared(name, us, theirs) {
  const ratio = theirs / us;
  const most = GOALS[name.replace(/ \d+of\d+$/, '')]?.(Number(/of(\d+)$/.exec(name)[1]));
  return {
    ...figure({
      name: `${name}, CPU`,
      ours: us,
      unit: 'µs',
      peer: 'ZF frost 3.0 (Rust)',
      peerValue: theirs,
      ratio,
      goal: most === undefined ? null : `≤ ${most} of its time`,
      met: most === undefined ? null : us <= most * theirs,
    }),
    goalRatio: most === undefined ? undefined : 1 / most,
  };
}
