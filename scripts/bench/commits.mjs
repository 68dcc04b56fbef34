// How many signatures a database can write down in a second: the statements of a signature's transaction in a loop, nothing else.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openStorage } from '@ckm/server/testing';

const ROUNDS = 3;
const ROUND_MS = 1_500;
/** About what a row seals. */
const SEALED = 420;
const sealed = () => new Uint8Array(randomBytes(SEALED));
const id = () => new Uint8Array(randomBytes(32));

/**
 * Transactions a second, the best of some short rounds: what the disk can do, not what the machine had left. `one`: one after the
 * other; `eight`: from eight connections; `processes`: from eight of each of two processes' pools; `apart`: eight that write no
 * audit entry, which nothing makes wait for one another.
 */
export async function commitRates(folder, cluster) {
  const url = await cluster.createDatabase();
  const pools = [await open(folder, url), await open(folder, url)];
  const file = await open(join(folder), null);
  try {
    const [first] = pools;
    await first.transact(seed);
    await file.transact(seed);
    const rates = { postgres: {}, sqlite: {} };
    rates.postgres.one = await best(() => rate([first], 1, signature));
    rates.postgres.eight = await best(() => rate([first], 8, signature));
    rates.postgres.processes = await best(() => rate(pools, 8, signature));
    rates.postgres.apart = await best(() => rate([first], 8, apart));
    rates.sqlite.one = await best(() => rate([file], 1, signature));
    rates.sqlite.eight = await best(() => rate([file], 8, signature));
    return rates;
  } finally {
    for (const storage of [...pools, file]) await storage.close();
  }
}

function open(dataDir, databaseUrl) {
  return openStorage({ dataDir, databaseUrl });
}

const owner = id();
const keyId = id();

/** An account, a key and the first entry of the log: what the rows of a signature stand on. */
async function seed({ accounts, keys, audit }) {
  const hash = id();
  await accounts.insert({ xid: owner, status: 'active', version: 1, openedAt: 0, sealed: sealed() });
  await keys.insert({ owner, keyId, state: 'active', epoch: 0, version: 1, createdAt: 0, sealed: sealed() });
  return audit.append(
    { sequence: 1, previous: hash, hash, sealed: sealed() },
    { sequence: 1, hash, sealed: sealed() },
  );
}

/** The message, the request, its answer and the entry of the audit log, which holds the head until the commit. */
async function signature(tables) {
  await apart(tables);
  const { audit } = tables;
  const { sequence, hash: previous } = await audit.holdHead();
  const next = { sequence: sequence + 1, hash: id() };
  await audit.append({ ...next, previous, sealed: sealed() }, { ...next, sealed: sealed() });
}

/** The same without the entry. */
async function apart({ messages, requests, attempts }) {
  const requestId = id();
  await messages.record(owner, id(), 2 ** 40);
  await requests.find(owner, requestId);
  const times = { createdAt: 1, expiresAt: 2 ** 40 };
  await requests.insert({
    owner,
    requestId,
    keyId,
    state: 'approved',
    waiting: false,
    version: 1,
    ...times,
    sealed: sealed(),
  });
  await attempts.insert({ owner, requestId, number: 1, sealed: sealed() });
}

async function best(measure) {
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) most = Math.max(most, await measure());
  return most;
}

async function rate(storages, atOnce, work) {
  const begun = performance.now();
  const end = begun + ROUND_MS;
  let done = 0;
  const worker = async (storage) => {
    while (performance.now() < end) {
      await storage.transact(work);
      done++;
    }
  };
  await Promise.all(storages.flatMap((storage) => Array.from({ length: atOnce }, () => worker(storage))));
  return (done * 1000) / (performance.now() - begun);
}
