// What new shares of a key cost over servers: everything that the client and three servers do for it, in processor time. The mathematics
// alone is in packages/threshold/bench/reshare.mjs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuOf, openServers } from './network.mjs';
import { figure } from './report.mjs';

/** Before V8 has compiled what it first interprets. */
const WARM_UP = 15;
const KEYS = 30;
const MOST_MS = 150;
const NAMES = ['alpha', 'bravo', 'charlie'];

export async function refreshOverServersFigures(say, options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-refresh-'));
  let network;
  try {
    network = await openServers(folder, options);
    const { client, servers } = network;
    const names = Array.from({ length: WARM_UP + KEYS }, (_, i) => `key-${i}`);
    say(`${names.length} keys are made and get new shares`);
    let making = 0;
    let refreshing = 0;
    // In turns: whatever disturbs one disturbs the other.
    for (const [i, name] of names.entries()) {
      const made = await cpuMs(servers, () => makeKey(client, name));
      const refreshed = await cpuMs(servers, () => client.changeKey({ name, wish: { kind: 'refresh' } }));
      if (i < WARM_UP) continue;
      making += made / KEYS;
      refreshing += refreshed / KEYS;
    }
    return [
      figure({
        name: 'new shares of 2 of 3 over servers, CPU of all',
        ours: refreshing,
        unit: 'ms',
        peer: 'making the key',
        peerValue: making,
        ratio: making / refreshing,
        goal: `≤ ${MOST_MS} ms`,
        met: refreshing <= MOST_MS,
      }),
    ];
  } finally {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeKey(client, name) {
  const quorum = { needed: 2, of: 3 };
  await client.createKey({ name, purpose: 'message', suite: 'ed25519', quorum, servers: NAMES });
}

/** Milliseconds of processor time of the client and all servers. */
async function cpuMs(servers, work) {
  const before = cpuOf(servers);
  await work();
  const after = cpuOf(servers);
  return after.client - before.client + after.servers - before.servers;
}
