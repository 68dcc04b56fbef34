// What a signature costs at least on this platform, beside what it costs us and noble, in turns in one run:
//   node scripts/bench/signing-floor.mjs [--seconds 4] [--rounds 3]
// The least is the same processes with none of our code between: messages of the same length over HTTP; a row inserted
// and put on the disk for each; and the native calls that the protocol needs. CPU time of all processes together.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { platformCarrier } from '@ckm/client';
import { cpuOf } from './cpu.mjs';
import { aggregateNatively, openNatively, sealNatively } from './native-calls.mjs';
import { messageMs } from './messages.mjs';
import { openServers, sustain, warmUpBy } from './network.mjs';
import { peerSignature } from './peer.mjs';
import { median } from './report.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const CONCURRENCY = 16;
const WARM_UP = 1_500;
const SIGNERS = 2;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-floor-'));
const lengths = { asked: [], answered: [] };
/** What each adds to the one before it; the last is without the key agreement of each message. */
const PATHS = ['/http', '/row', '/all', '/agreed'];
let network;
let floor = [];
try {
  network = await openServers(folder, { carrier: measured(platformCarrier) });
  await warmUpBy(network.client, WARM_UP);
  const [asked, answered] = [lengths.asked, lengths.answered].map((all) => all.slice(-200)).map(median);
  floor = await Promise.all(['delta', 'echo'].map((name) => startFloorServer(join(folder, name), answered)));
  for (const path of PATHS) await exchangeFor(path, 1_000, asked);
  report(await measure(asked), { asked, answered });
} finally {
  await network?.close();
  for (const { child } of floor) child.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

/** Notes how long the messages of both sides are. */
function measured(carrier) {
  return {
    ...carrier,
    async ask(url, message, delivery) {
      const carried = await carrier.ask(url, message, delivery);
      lengths.asked.push(message.length);
      if (carried.kind === 'answer') lengths.answered.push(carried.bytes.length);
      return carried;
    },
  };
}

async function startFloorServer(at, answered) {
  mkdirSync(at);
  const child = fork(join(import.meta.dirname, 'floor-server.mjs'), [at, String(answered)]);
  const url = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`a server of the floor ended with exit status ${code}`)));
  });
  return { child, url };
}

async function measure(asked) {
  const all = [];
  for (let round = 0; round < rounds; round++) {
    const { client, servers } = network;
    const one = { peer: peerSignature().cpuMs, messages: 2 * SIGNERS * messageMs(asked) };
    const { clientCpuMs, serverCpuMs } = await sustain(client, servers, seconds * 1000);
    Object.assign(one, { client: clientCpuMs, servers: serverCpuMs, ours: clientCpuMs + serverCpuMs });
    for (const path of PATHS) one[path] = await exchangeFor(path, seconds * 1000, asked);
    all.push(one);
  }
  return all;
}

/** CPU milliseconds, in all processes, of two exchanges: one with each signer. */
async function exchangeFor(path, forMs, asked) {
  const message = randomBytes(asked);
  const cpu = () =>
    [process.pid, ...floor.map(({ child }) => child.pid)].reduce((sum, pid) => sum + cpuOf(pid), 0);
  const end = performance.now() + forMs;
  const before = cpu();
  let signatures = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await Promise.all(floor.slice(0, SIGNERS).map(({ url }) => exchange(`${url}${path}`, message)));
      if (isNative(path)) aggregateNatively();
      signatures++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return (cpu() - before) / signatures;
}

async function exchange(url, message) {
  const isAgreed = url.endsWith('/agreed');
  if (isNative(url)) sealNatively(message, { isAgreed });
  const answer = await post(url, message);
  if (isNative(url)) openNatively(answer, { isAgreed });
}

function isNative(url) {
  return url.endsWith('/all') || url.endsWith('/agreed');
}

function post(url, message) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': message.length };
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.once('end', () => resolve(Buffer.concat(parts)));
      response.once('error', reject);
    });
    call.once('error', reject);
    call.end(message);
  });
}

function report(all, { asked, answered }) {
  const middle = (of) => median(all.map(of));
  const row = (what, of) =>
    process.stdout.write(
      `${what.padEnd(64)} ${middle(of).toFixed(2).padStart(7)} ms ${middle((one) => (2 * one.peer) / of(one))
        .toFixed(1)
        .padStart(6)}×\n`,
    );
  process.stdout.write(
    `A message of ${asked} bytes, an answer of ${answered}; medians of ${rounds} rounds.\n`,
  );
  process.stdout.write('CPU of a signature, and what two cores do of it in the time of noble for one\n');
  row('noble, one process (one of it on each core: 2×)', ({ peer }) => peer);
  row('ours, client and servers', ({ ours }) => ours);
  row('  of it the client', ({ client }) => client);
  row('  of it the servers', ({ servers }) => servers);
  row('  of it sealing and opening four messages', ({ messages }) => messages);
  row('two exchanges over HTTP', (one) => one['/http']);
  row('and a row of each on the disk', (one) => one['/row']);
  row('and the native calls: the least', (one) => one['/all']);
  row('the least without key agreements', (one) => one['/agreed']);
  process.stdout.write(`ours is ${middle((one) => one.ours / one['/all']).toFixed(2)} times the least\n`);
  const agreements = middle((one) => (one['/all'] - one['/agreed']) / one.ours);
  process.stdout.write(`key agreements are ${(100 * agreements).toFixed(1)} % of ours\n`);
}
