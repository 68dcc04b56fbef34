// @module-tag long
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient, memoryStore } from '@ckm/client';
import { encodeUtf8, secret } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { initServer, type RunningServer, startServer } from '@ckm/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LossyProxy, type MessageFault, startLossyProxy } from './lossy-proxy.js';

const NAMES = ['alpha', 'bravo'];
/** More messages than any ceremony here has: the loop over positions ends by itself. */
const MOST_MESSAGES = 60;

const folder = mkdtempSync(join(tmpdir(), 'ckm-lossy-'));
const servers: RunningServer[] = [];
const proxies: LossyProxy[] = [];

beforeAll(async () => {
  for (const name of NAMES) {
    const dataDir = join(folder, name);
    const listen = { host: '127.0.0.1', port: 0 };
    await initServer({ dataDir, settings: { name, accounts: 'open', listen, quota: { keys: 1_000 } } });
    const variables = { CKM_LOG_LEVEL: 'silent', CKM_ALLOW_INSPECT: '1' };
    const server = await startServer({ dataDir, variables });
    servers.push(server);
    proxies.push(await startLossyProxy(server.url));
  }
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Somebody new, who has added both servers over a line that still holds. */
async function owner(timeoutMs: number): Promise<Client> {
  once(-1, 'silence');
  const [seed, store] = [new Uint8Array(randomBytes(32)), memoryStore()];
  const patient = createClient({ seed: secret(seed.slice()), store });
  for (const [i, name] of NAMES.entries()) await patient.addServer({ name, url: proxies[i]!.url });
  await patient.close();
  return createClient({ seed: secret(seed), store, timeoutMs });
}

/** Lets one message of all that follow meet the fault; says afterwards whether it did. */
function once(at: number, fault: MessageFault): () => boolean {
  let count = 0;
  for (const proxy of proxies) proxy.fault = () => (count++ === at ? fault : null);
  return () => count > at;
}

const KEY = {
  purpose: 'message',
  quorum: { needed: 2, of: 2 },
  servers: NAMES,
  expiresInSeconds: 3_600,
} as const;
const asked = (key: string, text: string) =>
  ({
    key,
    kind: 'message',
    payload: buildMessageRequest({ domain: 'lossy', bytes: encodeUtf8(text) }),
  }) as const;

test.each(['cut-after', 'twice'] as const)(
  'createKey and sign, when the network does one %s to any one of their messages, end well and at once',
  async (fault) => {
    const client = await owner(5_000);
    let met = true;
    for (let at = 0; met && at < MOST_MESSAGES; at++) {
      const wasMet = once(at, fault);
      const key = await client.createKey({ ...KEY, name: `key-${at}` });
      expect(key.isComplete).toBe(true);
      met = wasMet();
      if (!met) expect(at).toBeGreaterThan(8);
    }
    met = true;
    for (let at = 0; met && at < MOST_MESSAGES; at++) {
      const wasMet = once(at, fault);
      const { signers } = await client.sign(asked('key-0', `message ${at}`));
      expect(signers).toEqual(NAMES);
      met = wasMet();
      if (!met) expect(at).toBeGreaterThan(1);
    }
    once(-1, fault);
    await client.close();
  },
  60_000,
);

test('createKey, when one answer never comes, stays open and ends well when it is resumed', async () => {
  const client = await owner(500);
  let met = true;
  for (let at = 0; met && at < MOST_MESSAGES; at++) {
    const wasMet = once(at, 'silence');
    const name = `key-${at}`;
    await client.createKey({ ...KEY, name }).catch(async (error: unknown) => {
      expect(error).toMatchObject({ code: 'SERVERS_MISSING' });
      const session = (await client.listSessions()).find(({ keyName }) => keyName === name)!;
      expect(session.state).toBe('open');
      const resume = () => client.resumeSession(Buffer.from(session.sessionId).toString('hex'));
      // A busy machine may be late once more.
      await resume().catch(resume).catch(resume);
    });
    expect((await client.showKey(name)).isComplete).toBe(true);
    met = wasMet();
  }
  await client.close();
}, 60_000);

test('sign by two of two servers, when one answer never comes, ends well or can be asked for again', async () => {
  const client = await owner(600);
  await client.createKey({ ...KEY, name: 'quiet' });
  let met = true;
  for (let at = 0; met && at < MOST_MESSAGES; at++) {
    const wasMet = once(at, 'silence');
    const request = asked('quiet', `message ${at}`);
    const again = () => client.sign(request);
    const { signers } = await again().catch(again).catch(again);
    expect(signers.length).toBe(2);
    met = wasMet();
  }
  await client.close();
}, 60_000);
