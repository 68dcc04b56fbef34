// Client and three servers in four processes, HTTP on loopback, SQLite that waits for the disk: what a user gets.
import Database from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServers, signOnce, sustain } from './network.mjs';
import { peerSignature } from './peer.mjs';
import { bareNode, startBenchServer } from './processes.mjs';
import { figure, median } from './report.mjs';

/** Rounds that are not measured, until the rate no longer rises: V8 first interprets what it later compiles. */
const WARM_UP = { roundMs: 5_000, least: 5, most: 12 };
const SUSTAINED_MS = 10_000;
const SINGLE_ROUNDS = 60;
const STORED_KEYS = 10_000;
const IN_TURNS = 200;

export async function endToEnd(say) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-'));
  let network;
  try {
    network = await openServers(join(folder, 'few'));
    const { client, servers, resting } = network;
    say('as many signatures as possible');
    await warmUp(client, servers);
    const sustained = await sustain(client, servers, SUSTAINED_MS);
    say('one signature at a time');
    const single = await oneAtATime(client);
    const peer = peerSignature();
    return [
      sustainedFigure(sustained, peer.ms),
      ...cpuFigures(sustained, peer.cpuMs),
      singleFigure(single, peer.ms),
      ...restFigures(servers, resting),
      await manyKeys(network, folder, say),
    ];
  } finally {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneAtATime(client, rounds = SINGLE_ROUNDS) {
  for (let i = 0; i < 10; i++) await signOnce(client);
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    await signOnce(client);
    times.push(performance.now() - begun);
  }
  return median(times);
}

async function warmUp(client, servers) {
  let best = 0;
  for (let round = 1; round <= WARM_UP.most; round++) {
    const { perSecond } = await sustain(client, servers, WARM_UP.roundMs);
    if (round > WARM_UP.least && perSecond < best * 1.03) return;
    best = Math.max(best, perSecond);
  }
}

function sustainedFigure({ perSecond }, peerMs) {
  return figure({
    name: 'signatures end to end, 2 of 3, sustained, warm',
    ours: perSecond,
    unit: '1/s',
    peer: 'noble FROST, one process, no network, no disk',
    peerValue: 1000 / peerMs,
    ratio: (perSecond * peerMs) / 1000,
    goal: '≥ 200 /s',
    met: perSecond >= 200,
  });
}

/** What one signature takes of a core, while as many are made as possible; two servers take part in it. */
function cpuFigures({ clientCpuMs, serverCpuMs }, peerCpuMs) {
  const parts = [
    ['the client', clientCpuMs],
    ['one server', serverCpuMs / 2],
  ];
  return parts.map(([who, ours]) =>
    figure({
      name: `CPU of a signature, 2 of 3, ${who}`,
      ours,
      unit: 'ms',
      peer: 'CPU of noble FROST, one process, no network, no disk',
      peerValue: peerCpuMs,
      ratio: peerCpuMs / ours,
    }),
  );
}

function singleFigure(ms, peerMs) {
  return figure({
    name: 'one signature end to end, warm pool, median',
    ours: ms,
    unit: 'ms',
    peer: 'noble FROST, one process, no network, no disk',
    peerValue: peerMs,
    ratio: peerMs / ms,
    goal: '≤ 15 ms',
    met: ms <= 15,
  });
}

function restFigures(servers, resting) {
  const bare = bareNode();
  const rss = Math.max(...resting) / 1e6;
  const ready = median(servers.map(({ readyMs }) => readyMs));
  return [
    figure({
      name: 'server at rest, resident memory',
      ours: rss,
      unit: 'MB',
      peer: 'a Node process that does nothing',
      peerValue: bare.rss / 1e6,
      ratio: bare.rss / 1e6 / rss,
      goal: '< 120 MB',
      met: rss < 120,
    }),
    figure({
      name: 'server, from process start to listening',
      ours: ready,
      unit: 'ms',
      peer: 'a Node process that starts and ends',
      peerValue: bare.ms,
      ratio: bare.ms / ready,
      goal: '< 1000 ms',
      met: ready < 1000,
    }),
  ];
}

/**
 * The same signature at three servers whose databases hold 10,000 more keys, copies of the one key's row under other ids,
 * and at three that hold the one. Both are started anew, warmed up alike, and then asked in turns, so that whatever
 * disturbs one disturbs the other.
 */
async function manyKeys(few, folder, say) {
  say(`${STORED_KEYS} keys in each database`);
  const many = await openServers(join(folder, 'many'));
  try {
    await restart(few, () => undefined);
    await restart(many, storeCopies);
    await warmUp(few.client, few.servers);
    await warmUp(many.client, many.servers);
    const [before, after] = await inTurns(few.client, many.client, IN_TURNS);
    return figure({
      name: `one signature with ${STORED_KEYS} keys stored`,
      ours: after,
      unit: 'ms',
      peer: 'the same with one key stored, in turns',
      peerValue: before,
      ratio: before / after,
      goal: 'not slower (≥ 0.9×)',
      met: before / after >= 0.9,
    });
  } finally {
    await many.close();
  }
}

/** Median times of a signature by each of two clients who take turns. */
async function inTurns(one, other, rounds) {
  const times = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [who, client] of [one, other].entries()) {
      const begun = performance.now();
      await signOnce(client);
      times[who].push(performance.now() - begun);
    }
  }
  return times.map(median);
}

async function restart({ servers, folder }, change) {
  for (const [at, { name, stop }] of servers.entries()) {
    await stop();
    change(join(folder, name, 'ckm.sqlite'));
    servers[at] = await startBenchServer(join(folder, name), name);
  }
}

function storeCopies(file) {
  const database = new Database(file);
  const row = database.prepare('select * from keys limit 1').get();
  const columns = Object.keys(row);
  const insert = database.prepare(
    `insert into keys (${columns.join(', ')}) values (${columns.map((column) => `@${column}`).join(', ')})`,
  );
  database.transaction(() => {
    for (let i = 0; i < STORED_KEYS; i++) insert.run({ ...row, key_id: randomBytes(32) });
  })();
  database.close();
}
