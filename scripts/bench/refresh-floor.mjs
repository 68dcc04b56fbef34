// What new shares of a key, 2 of 3, cost over servers beside what as many questions cost that change nothing, in turns in one run:
//   node scripts/bench/refresh-floor.mjs [--keys 20] [--warm 12]
// Such a question is a message like any other: sealed, signed, sent, opened, its sender found and its signature checked, noted on the
// disk as answered, and all of that for its answer. CPU time of the client and all servers together.
import { mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeCall, parseReply } from '@ckm/api';
import { platformCarrier } from '@ckm/client';
import { secret } from '@ckm/foundation';
import { createIdentity, createMessageId, openMessage, sealMessage } from '@ckm/gordian';
import { cpuOf, openServers } from './network.mjs';
import { median } from './report.mjs';

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '20' }, warm: { type: 'string', default: '12' } },
});
const [keys, warm] = [Number(values.keys), Number(values.warm)];
const NAMES = ['alpha', 'bravo', 'charlie'];
const random = (length) => new Uint8Array(randomBytes(length));

const folder = mkdtempSync(join(tmpdir(), 'ckm-bench-refresh-'));
let sent = [];
let network;
try {
  network = await openServers(folder, { carrier: measured(platformCarrier) });
  const records = await Promise.all(NAMES.map((name) => network.client.showServer(name)));
  const somebody = createIdentity(secret(random(32)));
  for (const server of records) await question(somebody, server, 'account.open', { invite: null });
  report(await rounds(records, somebody));
} finally {
  await network?.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Notes how long each message is, and its answer. */
function measured(carrier) {
  return {
    ...carrier,
    async ask(url, message, delivery) {
      const carried = await carrier.ask(url, message, delivery);
      sent.push({ asked: message.length, answered: carried.kind === 'answer' ? carried.bytes.length : 0 });
      return carried;
    },
  };
}

async function rounds(records, somebody) {
  const all = [];
  for (let i = 0; i < warm + keys; i++) {
    const { client } = network;
    const name = `key-${i}`;
    const quorum = { needed: 2, of: 3 };
    await client.createKey({ name, purpose: 'message', suite: 'ed25519', quorum, servers: NAMES });
    sent = [];
    const refresh = await cpuMs(() => client.changeKey({ name, wish: { kind: 'refresh' } }));
    const messages = [...sent];
    const questions = await cpuMs(async () => {
      for (let left = messages.length; left > 0; left -= records.length)
        await Promise.all(records.map((server) => question(somebody, server, 'key.list', { after: null })));
    });
    if (i >= warm) all.push({ refresh, questions, messages });
  }
  return all;
}

/** Milliseconds of processor time of the client and all servers. */
async function cpuMs(work) {
  const before = cpuOf(network.servers);
  await work();
  const after = cpuOf(network.servers);
  return { client: after.client - before.client, servers: after.servers - before.servers };
}

async function question(sender, { xid, publicKeys, url, authority }, name, parameters) {
  const date = Math.floor(Date.now() / 1000);
  const bytes = sealMessage({
    sender,
    recipient: { xid, publicKeys },
    id: createMessageId(random),
    date,
    expiresAt: date + platformCarrier.lifetimeSeconds,
    function: name,
    body: encodeCall(name, parameters),
    introduce: name === 'account.open',
    random,
  });
  const delivery = { route: '00'.repeat(16), timeoutMs: 10_000, authority };
  const carried = await platformCarrier.ask(url, bytes, delivery);
  if (carried.kind !== 'answer') throw new Error(`${url} refuses ${name}: ${carried.text}`);
  const opened = openMessage({
    recipient: sender,
    bytes: carried.bytes,
    now: date,
    maxAgeSeconds: 300,
    maxSkewSeconds: 60,
    accept: 'reply',
    resolveSender: () => publicKeys,
  });
  return parseReply(name, opened.body);
}

function report(all) {
  const mean = (of) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const row = (what, of) => print(what, `${mean(of).toFixed(1)} ms`);
  const inAll = ({ client, servers }) => client + servers;
  const messages = all.flatMap((one) => one.messages);
  const lengths = ['asked', 'answered'].map((which) => median(messages.map((one) => one[which])));
  print('messages of one refresh', (messages.length / all.length).toFixed(1));
  print('their length, and that of their answers, in the middle', `${lengths.join(' and ')} bytes`);
  row('new shares of 2 of 3, CPU of all', ({ refresh }) => inAll(refresh));
  row('  of it the client', ({ refresh }) => refresh.client);
  row('  of it the servers', ({ refresh }) => refresh.servers);
  row('as many questions that change nothing, CPU of all', ({ questions }) => inAll(questions));
  row('  of it the client', ({ questions }) => questions.client);
  row('  of it the servers', ({ questions }) => questions.servers);
  const ratio = mean(({ refresh }) => inAll(refresh)) / mean(({ questions }) => inAll(questions));
  print('the one in the other', `${ratio.toFixed(2)}×`);
}

function print(what, value) {
  process.stdout.write(`${what.padEnd(64)} ${value.padStart(22)}\n`);
}
