// `ckm sign` as a person feels it: a new process, a sealed seed, three servers on loopback, one signature.
import { randomBytes, scrypt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openOwner, timed } from './owner.mjs';
import { CKM } from './processes.mjs';
import { figure, median } from './report.mjs';

const ROUNDS = 7;
const WARM_UP = 2;
/** What `home/seed-file.ts` asks of scrypt. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 };

/** Start of the process to its end with a signature, less scrypt, whose time is measured beside it in the same run. */
export async function signCommandFigures() {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-sign-'));
  const servers = [];
  try {
    const env = await openOwner(folder, servers);
    const run = (...args) => timed([CKM, ...args], env);
    const times = { sign: [], bare: [], scrypt: [] };
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const sign = await run('sign', 'notes', '--message', `round ${round}`, '--yes');
      const bare = await timed(['-e', '0'], env);
      const stretched = await timeScrypt();
      if (round < WARM_UP) continue;
      times.sign.push(sign);
      times.bare.push(bare);
      times.scrypt.push(stretched);
    }
    const [sign, bare, stretch] = [times.sign, times.bare, times.scrypt].map(median);
    return [signFigure(sign, stretch, bare)];
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function signFigure(sign, stretch, bare) {
  const ours = sign - stretch;
  return figure({
    name: `\`ckm sign\`, start to signature, less scrypt (${Math.round(stretch)} of ${Math.round(sign)} ms)`,
    ours,
    unit: 'ms',
    peer: 'bare Node',
    peerValue: bare,
    ratio: ours / bare,
    goal: '≤ 400 ms',
    met: ours <= 400,
  });
}

async function timeScrypt() {
  const begun = performance.now();
  await promisify(scrypt)('river lamp seven onions', randomBytes(32), 32, COST);
  return performance.now() - begun;
}
