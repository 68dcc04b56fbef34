// A client in this process and three servers in three others, with a key, who sign as often as they can.
import { createClient, memoryStore } from '@ckm/client';
import { secret } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startBenchServer } from './processes.mjs';

const NAMES = ['alpha', 'bravo', 'charlie'];
const CONCURRENCY = 16;

const payload = () => buildMessageRequest({ domain: 'bench', bytes: randomBytes(48) });

/**
 * Three servers, each a process with a database of its own, a client who has pinned them, and a key.
 * @param carrier instead of the client's own
 */
export async function openServers(folder, { nodeArguments, carrier } = {}) {
  const servers = [];
  const seed = secret(new Uint8Array(randomBytes(32)));
  const client = createClient({ seed, store: memoryStore(), ...(carrier === undefined ? {} : { carrier }) });
  const close = async () => {
    await client.close();
    await Promise.all(servers.map(({ stop }) => stop()));
  };
  try {
    for (const name of NAMES)
      servers.push(
        await startBenchServer(join(folder, name), name, { nodeArguments: nodeArguments?.(name) }),
      );
    const resting = servers.map(({ rss }) => rss());
    for (const { name, url } of servers) await client.addServer({ name, url });
    await makeKey(client);
    return { folder, client, servers, resting, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const KEY = 'bench';

function makeKey(client) {
  return client.createKey({
    name: KEY,
    purpose: 'message',
    suite: 'secp256k1-tr',
    quorum: { needed: 2, of: 3 },
    servers: NAMES,
    policy: { blindAllowed: true },
  });
}

export const signOnce = (client) => client.sign({ key: KEY, kind: 'message', payload: payload() });

/** Signs so often that V8 has compiled what it first interprets. */
export async function warmUpBy(client, signatures) {
  let left = signatures;
  const worker = async () => {
    while (left-- > 0) await signOnce(client);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** Signs for so long; how often in a second, and CPU milliseconds per signature of the client and of all servers. */
export async function sustain(client, servers, forMs) {
  const end = performance.now() + forMs;
  const cpuBefore = cpuOf(servers);
  const begun = performance.now();
  let signatures = 0;
  const worker = async () => {
    while (performance.now() < end) {
      await signOnce(client);
      signatures++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const seconds = (performance.now() - begun) / 1000;
  const cpuAfter = cpuOf(servers);
  return {
    signatures,
    perSecond: signatures / seconds,
    clientCpuMs: (cpuAfter.client - cpuBefore.client) / signatures,
    serverCpuMs: (cpuAfter.servers - cpuBefore.servers) / signatures,
  };
}

/** Milliseconds of processor time so far, of this process and of the servers. */
export function cpuOf(servers) {
  const { user, system } = process.cpuUsage();
  return { client: (user + system) / 1000, servers: servers.reduce((sum, { cpuMs }) => sum + cpuMs(), 0) };
}
