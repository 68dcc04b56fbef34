// `ckm status` and `ckm sign` as a person feels them whose seed is open (`ckm unlock`): new processes, three servers on loopback.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOwner, timed } from './owner.mjs';
import { CKM } from './processes.mjs';
import { figure, median } from './report.mjs';

const ROUNDS = 15;
const WARM_UP = 2;
const GOAL_MS = 400;

/** Start of the process to its end, in turns with a Node that does nothing. */
export async function openSeedFigures() {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-open-'));
  const servers = [];
  let locked = async () => undefined;
  try {
    const { CKM_PASSPHRASE_FILE, ...env } = await openOwner(folder, servers);
    locked = () => timed([CKM, 'lock'], env);
    await timed([CKM, 'unlock', '--for', '1h', '--passphrase-file', CKM_PASSPHRASE_FILE], env);
    const times = { status: [], sign: [], bare: [] };
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const status = await timed([CKM, 'status'], env);
      const sign = await timed([CKM, 'sign', 'notes', '--message', `round ${round}`, '--yes'], env);
      const bare = await timed(['-e', '0'], env);
      if (round < WARM_UP) continue;
      times.status.push(status);
      times.sign.push(sign);
      times.bare.push(bare);
    }
    const bare = median(times.bare);
    return ['status', 'sign'].map((command) => openSeedFigure(command, median(times[command]), bare));
  } finally {
    await locked();
    await Promise.all(servers.map(({ stop }) => stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function openSeedFigure(command, ours, bare) {
  return figure({
    name: `\`ckm ${command}\` with an open seed, start of the process to its end`,
    ours,
    unit: 'ms',
    peer: 'bare Node',
    peerValue: bare,
    ratio: ours / bare,
    goal: `≤ ${GOAL_MS} ms`,
    met: ours <= GOAL_MS,
  });
}
