import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { createTestNetwork, type TestNetwork } from '../test/test-network.js';
import type { HttpReply } from './http-send.js';

let network: TestNetwork;
let client: Client;

beforeEach(async () => {
  network = await createTestNetwork(2);
  client = await network.owner({ timeoutMs: 300 });
});
afterEach(() => network.close());

/** What alpha answers to a question of its own. */
async function replyToAnother(): Promise<HttpReply> {
  const alpha = network.server('alpha');
  const kept: HttpReply[] = [];
  alpha.wire = async (request, pass) => {
    const reply = await pass();
    if (request.method === 'POST') kept.push(reply);
    return reply;
  };
  await client.status();
  alpha.wire = null;
  return kept[0]!;
}

test('a carrier that answers with the reply to another request of ours is not believed', async () => {
  const other = await replyToAnother();
  network.server('alpha').wire = (request, pass) =>
    request.method === 'POST' ? Promise.resolve(other) : pass();
  const [alpha, bravo] = (await client.status()).servers;
  expect(alpha).toMatchObject({ isReachable: false, problem: { code: 'SERVER_REPLY_INVALID' } });
  expect(bravo).toMatchObject({ isReachable: true, problem: null });
});

test('a carrier that answers with what another server of ours replied is not believed', async () => {
  const other = await replyToAnother();
  network.server('bravo').wire = (request, pass) =>
    request.method === 'POST' ? Promise.resolve(other) : pass();
  const [, bravo] = (await client.status()).servers;
  expect(bravo).toMatchObject({ isReachable: false, problem: { code: 'SERVER_REPLY_INVALID' } });
});
