// What one server carries, what a second process on the same PostgreSQL adds, and where the database is the limit.
// `npm run bench -- --scaling`: under three minutes; it writes the tables of docs/scaling.md. Needs Linux and PostgreSQL; HAProxy
// for the part about routes.
import { commitmentsIn, packCommitments } from '@ckm/api';
import { createClient, memoryStore } from '@ckm/client';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import {
  callOverHttp,
  createCeremony,
  createQuorumSigner,
  isHaproxyHere,
  preparing,
  startHaproxy,
  startPostgres,
} from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitRates } from './commits.mjs';
import { cpuOf, cpuOfFamily } from './cpu.mjs';
import { startBenchServer } from './processes.mjs';
import { writeScaling } from './scaling-report.mjs';

const SOON = Math.floor(Date.now() / 1000) + 86_400;
/** Requests at the same time, as of an owner's client that signs as fast as it can. */
const AT_ONCE = 8;
/** Not measured: V8 first interprets what it later compiles. */
const WARM_UP = 600;
const OWNERS = 6;
const ROUNDS = 3;
const ROUND_MS = 3_000;

/** How a signature ends whose commitments nobody knows any more; anything else is a fault of this bench. */
const LOST = ['SUSPECT_NONCES_LOST', 'TOO_FEW_SERVERS'];

const person = () => createIdentity(secret(new Uint8Array(randomBytes(32))));
const payload = () => buildMessageRequest({ domain: 'bench', bytes: randomBytes(48) });

/** Measures everything and writes it into docs/scaling.md. */
export async function scaling(root, say) {
  const folder = mkdtempSync(join(tmpdir(), 'ckm-scaling-'));
  const cluster = await startPostgres({ durable: true, connections: 100 });
  try {
    say('each kind of request, on SQLite');
    const sqlite = await kinds(join(folder, 'sqlite'), null);
    say('each kind of request, on PostgreSQL');
    const postgres = await kinds(join(folder, 'postgres'), cluster);
    say('transactions of a signature, with the disk');
    const commits = await commitRates(folder, cluster);
    say('one process, two by routes, two in turns');
    const ways = isHaproxyHere() ? await routes(join(folder, 'routes'), cluster) : null;
    if (ways === null) say('HAProxy is not installed: nothing about routes');
    await writeScaling(root, { sqlite, postgres, commits, ways });
    say('tables and drawing are in docs/scaling.md');
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What each kind of request costs at alpha, which has a key together with bravo. */
async function kinds(folder, cluster) {
  const database = cluster === null ? '' : await cluster.createDatabase();
  const alpha = await startBenchServer(join(folder, 'alpha'), 'alpha', { database });
  const bravo = await startBenchServer(join(folder, 'bravo'), 'bravo');
  const observe = () => observed(alpha, cluster);
  try {
    const owner = person();
    const at = await Promise.all([alpha, bravo].map(({ name, url }) => callOverHttp(name, () => url, owner)));
    const makeKey = async () => {
      const ceremony = createCeremony({ servers: at, expiresAt: SOON, suite: 'secp256k1-tr' });
      await ceremony.finish();
      return ceremony.keyId;
    };
    const keyId = await makeKey();
    const signer = await signerOf(at, keyId);
    const ask = () => ({ kind: 'message', payload: payload(), requestId: new Uint8Array(randomBytes(32)) });
    const attempt = attempting(signer, ask, [await signer.pool(1, AT_ONCE), await signer.pool(2, 1)]);
    await manyTimes(WARM_UP, attempt);
    const measure = async (count, call) => {
      await manyTimes(Math.ceil(count / 5), call);
      return perCall(count, observe, () => manyTimes(count, call));
    };
    return {
      list: await measure(150, () => at[0].call('key.list', { after: null })),
      ask: await measure(120, () => signer.request(1, ask(), {})),
      attempt: await measure(300, attempt),
      prepare: await measure(30, () => at[0].call('craft.prepare', preparing(keyId, 32))),
      key: await measure(6, makeKey),
    };
  } finally {
    await Promise.all([alpha.stop(), bravo.stop()]);
  }
}

/**
 * An attempt as a client makes it that holds commitments: one message, and fresh commitments come back with the answer. Those of
 * bravo are the same each time: alpha takes them as they are.
 */
function attempting(signer, ask, [own, [other]]) {
  const held = [...own];
  return async () => {
    const commitments = [packCommitments([held.pop(), other])];
    const attempt = { craft: 'frost', number: 1, signers: [1, 2], commitments };
    const reply = await signer.request(1, ask(), { attempt, wanted: { craft: 'frost', commitments: 1 } });
    if (reply.state !== 'answered') throw new Error(`alpha answers ${reply.state}`);
    held.push(...commitmentsIn(reply));
  };
}

async function signerOf(servers, keyId) {
  const { certificate } = await servers[0].call('key.show', { keyId });
  const { public: key } = verifyCertificate(parseCertificate(certificate));
  return createQuorumSigner({ servers, keyId, key, purpose: 'message', expiresAt: SOON });
}

async function manyTimes(count, call) {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Counters of one server and its PostgreSQL at this moment. */
async function observed({ pid }, cluster) {
  if (cluster === null) return { server: cpuOf(pid), database: 0, commits: 0, wal: 0 };
  // Each transaction that writes takes a number of its own.
  const counted = await cluster.execute(
    "select pg_snapshot_xmax(pg_current_snapshot()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",
  );
  const [commits, wal] = counted.split('|');
  return {
    server: cpuOf(pid),
    database: cpuOfFamily(cluster.pid()),
    commits: Number(commits),
    wal: Number(wal),
  };
}

async function perCall(count, observe, work) {
  const before = await observe();
  await work();
  const after = await observe();
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, (value - before[name]) / count]),
  );
}

/** Owners who sign as fast as they can, through HAProxy: alpha as one process, as two by routes, as two whoever is next. */
async function routes(folder, cluster) {
  const database = await cluster.createDatabase();
  const one = await startBenchServer(join(folder, 'one'), 'alpha', { database });
  const two = await startBenchServer(join(folder, 'two'), 'alpha', { database, replicaOf: one.dataDir });
  const bravo = await startBenchServer(join(folder, 'bravo'), 'bravo');
  const host = ({ url }) => new URL(url).host;
  const proxies = {
    one: await startHaproxy([host(one)], 'roundrobin'),
    routed: await startHaproxy([host(one), host(two)], 'hdr(CKM-Route)'),
    turns: await startHaproxy([host(one), host(two)], 'roundrobin'),
  };
  const observe = async () => {
    const { database: postgres, commits, wal } = await observed(one, cluster);
    return { servers: cpuOf(one.pid) + cpuOf(two.pid), two: cpuOf(two.pid), postgres, commits, wal };
  };
  const owners = {};
  try {
    for (const [way, proxy] of Object.entries(proxies)) owners[way] = await openOwners(proxy.url, bravo.url);
    const sums = Object.fromEntries(Object.keys(proxies).map((way) => [way, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const way of Object.keys(proxies)) {
        const result = await signFor(owners[way], round === 0 ? 2 * ROUND_MS : ROUND_MS, observe);
        if (round > 0) sums[way].push(result);
      }
    }
    return Object.fromEntries(Object.entries(sums).map(([way, results]) => [way, total(results)]));
  } finally {
    for (const client of Object.values(owners).flat()) await client.close();
    for (const each of [...Object.values(proxies), one, two, bravo]) await each.stop();
  }
}

async function openOwners(alphaUrl, bravoUrl) {
  const clients = [];
  for (let i = 0; i < OWNERS; i++) {
    const client = createClient({ seed: secret(new Uint8Array(randomBytes(32))), store: memoryStore() });
    clients.push(client);
    await client.addServer({ name: 'alpha', url: alphaUrl });
    await client.addServer({ name: 'bravo', url: bravoUrl });
    await client.createKey({
      name: 'bench',
      purpose: 'message',
      suite: 'secp256k1-tr',
      quorum: { needed: 2, of: 2 },
      servers: ['alpha', 'bravo'],
      policy: { blindAllowed: true },
    });
  }
  return clients;
}

async function signFor(clients, ms, observe) {
  const counts = { signatures: 0, attempts: 0, failed: 0 };
  const before = await observe();
  const end = performance.now() + ms;
  const work = async (client) => {
    while (performance.now() < end) {
      try {
        const { attempts } = await client.sign({ key: 'bench', kind: 'message', payload: payload() });
        counts.signatures++;
        counts.attempts += attempts;
      } catch (error) {
        if (!LOST.includes(error.code)) throw error;
        counts.failed++;
      }
    }
  };
  await Promise.all(clients.map(work));
  const after = await observe();
  const spent = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name]]),
  );
  return { ...counts, ...spent };
}

function total(results) {
  const names = Object.keys(results[0]);
  return Object.fromEntries(
    names.map((name) => [name, results.reduce((sum, result) => sum + result[name], 0)]),
  );
}
