// @module-tag long
import { setTimeout } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { identityCard } from '@ckm/api';
import { secret } from '@ckm/foundation';
import {
  createIdentity,
  createMessageId,
  inceptionKeyOf,
  parseEnvelopeUr,
  sealMessage,
  verifyXidDocument,
} from '@ckm/gordian';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Callee } from './callee.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const mallory = createIdentity(secret(new Uint8Array(32).fill(0xee)));
const AT_ONCE = 4;
const CALLS = 100;

describe.skipIf(!canSpawnServers)(
  'V70: somebody at one address sends rubbish of 2 MB as fast as it goes (skipped when not compiled: npm run build)',
  () => {
    let alpha: ServerProcess;
    beforeAll(async () => {
      alpha = await spawnServer({ name: 'alpha' });
    });
    afterAll(async () => {
      await alpha.remove();
    });

    test('and an owner at the same address is answered as before: almost none of it is opened', async () => {
      const hers = await alpha.as(alice);
      await latencies(hers, 20);
      const quiet = await latencies(hers, CALLS);
      const rubbish = await rubbishFor(alpha.url());
      const began = performance.now();
      await send(alpha.url(), rubbish);
      const oneOpening = performance.now() - began;
      const flood = startFlood(alpha.url(), rubbish);
      const busy = await latencies(hers, CALLS);
      const codes = await flood.stop();
      await send(alpha.url(), rubbish);
      expect(await send(alpha.url(), rubbish)).toBe(429);

      const opened = codes.filter((code) => code === 'MESSAGE_NOT_AUTHENTICATED').length;
      const refused = codes.filter((code) => code === 'LONG_MESSAGES_REFUSED').length;
      // Eight in a burst, and one more every 7.5 seconds.
      expect(opened).toBeGreaterThan(0);
      expect(opened).toBeLessThanOrEqual(9 + flood.seconds() / 7.5);
      expect(refused).toBeGreaterThan(opened);
      // Nor is one that would wait where so much waits already. The others were cut off: where hundreds are kept so that they can read why, the next ones are not kept as long.
      const cut = codes.filter((code) => code === 'broken off').length;
      const busyWith = codes.filter((code) => code === 'SERVER_BUSY').length;
      expect(opened + refused + busyWith + cut).toBe(codes.length);
      // On a machine that is busy with something else she waits with nobody there as well, now if not before.
      const alone = Math.max(p99(quiet), p99(await latencies(hers, CALLS)));
      // She waited for one burst at most, and the rest of it for her.
      expect(p99(busy)).toBeLessThan(Math.max(100 + 4 * alone, 2 * AT_ONCE * oneOpening));
    }, 120_000);
  },
);

/** The status of the answer, as a browser's way of sending gets it. */
async function send(url: string, bytes: Uint8Array): Promise<number> {
  const headers = { 'content-type': 'application/octet-stream' };
  const body = bytes as Uint8Array<ArrayBuffer>;
  return (await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).status;
}

/** Behind a flood from one address connections are cut before they are read: whoever was not heard asks again, and waits for both. */
async function untilHeard(ask: () => Promise<unknown>): Promise<void> {
  for (let left = 200; ; left--) {
    try {
      await ask();
      return;
    } catch (error) {
      if (left === 0 || !(error instanceof TypeError)) throw error;
      await setTimeout(50);
    }
  }
}

/** How long each answer takes somebody who asks for one after the other. Milliseconds. */
async function latencies(callee: Callee, calls: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await untilHeard(() => callee.call('server.describe', {}));
    took.push(performance.now() - began);
  }
  return took;
}

function p99(took: readonly number[]): number {
  return took.toSorted((a, b) => a - b)[Math.floor(0.99 * took.length) - 1]!;
}

/** The dearest there is: well sealed, by somebody who has no account. */
async function rubbishFor(url: string): Promise<Uint8Array> {
  const card = identityCard.parse(await (await fetch(`${url}/v1/identity`)).json());
  const document = verifyXidDocument(parseEnvelopeUr(card.document))!;
  const date = Math.floor(Date.now() / 1000);
  const random = (length: number) => new Uint8Array(randomBytes(length));
  return sealMessage({
    sender: mallory,
    recipient: { xid: document.xid, publicKeys: inceptionKeyOf(document)!.publicKeys },
    id: createMessageId(random),
    date,
    expiresAt: date + 240,
    function: 'key.list',
    body: random(1_900_000),
    random,
  });
}

/** Sends so many at a time until it is told to stop. */
function startFlood(url: string, rubbish: Uint8Array) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const began = performance.now();
  const flood = { isOver: false };
  const codes: string[] = [];
  const one = async () => {
    while (!flood.isOver) codes.push(await post(agent, url, rubbish));
  };
  const all = Array.from({ length: AT_ONCE }, one);
  return {
    seconds: () => (performance.now() - began) / 1000,
    stop: async (): Promise<readonly string[]> => {
      flood.isOver = true;
      await Promise.all(all);
      agent.destroy();
      return codes;
    },
  };
}

/** The code of the answer. */
function post(agent: Agent, url: string, rubbish: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': rubbish.length };
    const outgoing = request(`${url}/v1/messages`, { method: 'POST', agent, headers }, (reply) => {
      let text = '';
      reply.on('data', (part: Buffer) => (text += part.toString()));
      reply.on('end', () => resolve((JSON.parse(text) as { code: string }).code));
      reply.on('error', () => resolve('broken off'));
    });
    outgoing.on('error', () => resolve('broken off'));
    outgoing.end(rubbish);
  });
}
