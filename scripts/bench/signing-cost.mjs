// CPU per signature, by process and by what: three servers and a client sign for a while, each with a profile.
//   node scripts/bench/signing-cost.mjs [--seconds 10] [--warm 2000] [--top 25 | --no-profile]
// CPU time, not time on the clock, because the machine may have other things to do. The servers of a signature are two of
// three: what is said of a server is its share of a signature times three halves.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { openServers, sustain, warmUpBy } from './network.mjs';
import { peerSignature } from './peer.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    warm: { type: 'string', default: '2000' },
    top: { type: 'string', default: '25' },
    'no-profile': { type: 'boolean', default: false },
  },
});
const [seconds, warm, top] = [Number(values.seconds), Number(values.warm), Number(values.top)];
const SAMPLE_MICROSECONDS = 400;
const ROUNDS = 3;

const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-'));
const preload = pathToFileURL(join(import.meta.dirname, 'profile-on-signal.mjs')).href;
const fileOf = (name) => join(folder, `${name}.cpuprofile`);
const nodeArguments = (name) => ['--import', `${preload}?file=${encodeURIComponent(fileOf(name))}`];
let network;
try {
  network = await openServers(folder, values['no-profile'] ? {} : { nodeArguments });
  const { client, servers } = network;
  await warmUpBy(client, warm);
  await measure(client, servers);
  if (!values['no-profile']) await profile(client, servers);
} finally {
  await network?.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Without a profile: what it costs, and noble's in turns with it. */
async function measure(client, servers) {
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) {
    const peer = peerSignature();
    rounds.push({ peer, ...(await sustain(client, servers, (seconds * 1000) / ROUNDS)) });
  }
  const middle = (of) => rounds.map(of).sort((a, b) => a - b)[ROUNDS >> 1];
  const inAll = ({ clientCpuMs, serverCpuMs }) => clientCpuMs + serverCpuMs;
  print('CPU of a signature, client', `${middle(({ clientCpuMs }) => clientCpuMs).toFixed(2)} ms`);
  print('CPU of a signature, one server', `${middle(({ serverCpuMs }) => serverCpuMs / 2).toFixed(2)} ms`);
  print('CPU of a signature, all processes', `${middle(inAll).toFixed(2)} ms`);
  print('the same by noble, one process', `${middle(({ peer }) => peer.cpuMs).toFixed(2)} ms`);
  const ratio = middle((round) => (2 * round.peer.cpuMs) / inAll(round));
  print('what two cores do in the time noble takes for one', `${ratio.toFixed(2)}×`);
  print('signatures a second, as busy as the machine is', middle(({ perSecond }) => perSecond).toFixed(0));
}

async function profile(client, servers) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
  for (const { signal } of servers) signal('SIGWINCH');
  await pause(500);
  await session.post('Profiler.start');
  const { signatures } = await sustain(client, servers, seconds * 1000);
  const { profile: own } = await session.post('Profiler.stop');
  for (const { signal } of servers) signal('SIGWINCH');
  await pause(2_000);
  report('client', own, signatures);
  // One server stands for all: they do the same.
  const [{ name }] = servers;
  report(`server, per share it makes`, JSON.parse(readFileSync(fileOf(name), 'utf8')), (signatures * 2) / 3);
}

function report(title, { nodes, samples, timeDeltas }, signatures) {
  const byId = new Map(nodes.map((one) => [one.id, { ...one, own: 0 }]));
  samples.forEach((id, i) => (byId.get(id).own += timeDeltas[i]));
  const self = new Map();
  const inclusive = new Map();
  const add = (table, name, micros) => table.set(name, (table.get(name) ?? 0) + micros);
  walk(nodes[0].id, []);
  printTable(`${title}: milliseconds of a signature, self`, self, top);
  printTable(`${title}: milliseconds of a signature, inclusive`, inclusive, 2 * top);

  /** @param most rows */
  function printTable(heading, table, most) {
    process.stdout.write(`\n${heading}\n`);
    const rows = Array.from(table).filter(([name]) => !/\((idle|root)\)/.test(name));
    rows.sort((a, b) => b[1] - a[1]);
    for (const [name, micros] of rows.slice(0, most))
      print(`  ${name}`, (micros / 1000 / signatures).toFixed(3));
  }

  function walk(id, above) {
    const { callFrame, children = [], own } = byId.get(id);
    const name = nameOf(callFrame);
    const path = above.includes(name) ? above : [...above, name];
    add(self, name, own);
    for (const each of path) add(inclusive, each, own);
    for (const child of children) walk(child, path);
  }
}

function nameOf({ functionName, url, lineNumber }) {
  const file = url.replace(/^.*\/(packages|node_modules)\//, '').replace('/dist/', '/');
  return `${functionName || '(anonymous)'} ${file === '' ? '' : `${file}:${lineNumber + 1}`}`.trim();
}

function print(what, value) {
  process.stdout.write(`${what.padEnd(100)} ${value.padStart(10)}\n`);
}
