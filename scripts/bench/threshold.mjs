// The figures of packages/threshold/bench, each script in a process of its own so that neither warms up the other.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { figure } from './report.mjs';

const folder = join(import.meta.dirname, '../../packages/threshold/bench');
const GROWTH = /^signShare (\S+) (\d+)of32$/;

export async function frostFigures() {
  const lines = await linesOf('frost.mjs');
  const compared = lines.filter(({ peer }) => peer !== undefined).map(besidePeer);
  return [...compared, ...growthFigures(lines)];
}

export async function dkgFigures() {
  return (await linesOf('dkg.mjs')).filter(({ peer }) => peer !== undefined).map(besidePeer);
}

export async function refreshFigures() {
  return (await linesOf('reshare.mjs')).map(besidePeer);
}

async function linesOf(script) {
  const child = spawn(process.execPath, [join(folder, script), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${script} ended with exit status ${code}`)),
    );
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout }))
    if (line.startsWith('{')) lines.push(JSON.parse(line));
  await ended;
  return lines;
}

function besidePeer({ name, ours, unit, peer, peerValue, ratio, goal, most, met }) {
  const text = goal ? `≥ ${goal}×` : most ? `≤ ${most} ${unit}` : null;
  return {
    ...figure({ name, ours, unit, peer, peerValue, ratio, goal: text, met }),
    goalRatio: goal ?? undefined,
  };
}

/**
 * Cost of a share by number of signers. The peer is the straight line through the two smallest quorums: a cost that
 * grows faster than linearly falls behind it.
 */
function growthFigures(lines) {
  const found = lines
    .filter(({ name }) => GROWTH.test(name))
    .map(({ name, ours }) => {
      const [, series, quorum] = GROWTH.exec(name);
      return { name, series, quorum: Number(quorum), us: ours };
    });
  return found.map(({ name, series, quorum, us }) => {
    const [first, second] = found.filter((one) => one.series === series);
    const slope = (second.us - first.us) / (second.quorum - first.quorum);
    const line = first.us + slope * (quorum - first.quorum);
    const isLast = quorum === 20;
    const ratio = line / us;
    return {
      ...figure({
        name,
        ours: us / 1000,
        unit: 'ms',
        peer: 'straight line through 2 and 5 signers',
        peerValue: line / 1000,
        ratio,
        goal: isLast ? 'linear (≥ 0.7×)' : null,
        met: isLast ? ratio >= 0.7 : null,
      }),
      series,
      quorum,
    };
  });
}
