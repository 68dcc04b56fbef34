import { AvailabilityError, UsageError } from '@ckm/foundation';
import { requestKind, frostTasks } from '@ckm/requests';
import { verifySignature } from '@ckm/threshold';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../test/test-network.js';
import type { Carried, Carrier } from './carrier.js';

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** A letter that lies in the mailbox until its courier comes. */
interface Letter {
  readonly name: string;
  readonly bytes: Uint8Array | null;
  readonly answered: (answer: Uint8Array) => void;
  readonly lost: (error: unknown) => void;
}

/**
 * Carries messages like a person who empties a mailbox every few hours and brings the answers on the next round. Knows
 * neither HTTP nor addresses of it.
 */
function mailbox(
  network: TestNetwork,
  { lifetimeSeconds = DAY, hours = 4 } = {},
): Carrier & { rounds: number } {
  const letters: Letter[] = [];
  let isUnderWay = false;
  const round = async (): Promise<void> => {
    const taken = letters.splice(0);
    network.now += hours * HOUR;
    const answers = await Promise.allSettled(taken.map(({ name, bytes }) => deliver(network, name, bytes)));
    network.now += hours * HOUR;
    carrier.rounds++;
    isUnderWay = false;
    for (const [i, { answered, lost }] of taken.entries()) {
      const answer = answers[i]!;
      if (answer.status === 'fulfilled') answered(answer.value);
      else lost(answer.reason);
    }
  };
  const post = (address: string, bytes: Uint8Array | null) =>
    new Promise<Uint8Array>((answered, lost) => {
      letters.push({ name: address.replace('mailbox:', ''), bytes, answered, lost });
      if (isUnderWay) return;
      isUnderWay = true;
      setTimeout(() => void round(), 5);
    });
  const carrier = {
    rounds: 0,
    lifetimeSeconds,
    parseAddress: (text: string) => {
      if (/^mailbox:[a-z]+$/.test(text)) return text;
      throw new UsageError('not the address of a mailbox', {
        code: 'SERVER_URL_INVALID',
        hint: 'write it like mailbox:alpha',
      });
    },
    introduce: (address: string) => post(address, null),
    ask: async (address: string, message: Uint8Array): Promise<Carried> => ({
      kind: 'answer',
      bytes: await post(address, message),
    }),
  };
  return carrier;
}

async function deliver(network: TestNetwork, name: string, bytes: Uint8Array | null): Promise<Uint8Array> {
  const { url } = network.server(name);
  const { status, body } =
    bytes === null
      ? await network.send(url, { method: 'GET', path: '/', timeoutMs: 0 })
      : await network.send(url, { method: 'POST', path: '/', body: bytes, timeoutMs: 0 });
  if (status === 200) return body;
  throw new AvailabilityError(`status ${status}`, { code: 'SERVER_UNREACHABLE', hint: 'try again' });
}

let network: TestNetwork;
let client: Client;

beforeEach(async () => {
  network = await createTestNetwork(3);
});
afterEach(async () => {
  await client.close();
  await network.close();
});

const owner = (carrier: Carrier): Client => ownerClient(network.send, () => network.now, { carrier });
const SERVERS = ['alpha', 'bravo', 'charlie'];
const KEY = {
  name: 'slow',
  purpose: 'message',
  quorum: { needed: 2, of: 3 },
  servers: SERVERS,
  expiresInSeconds: 7 * DAY,
} as const;

test(
  'over a mailbox that delivers after hours servers are added, a key is made, and a signature verifies',
  { tags: 'slow' },
  async () => {
    network.messageLifetimeSeconds = DAY;
    const carrier = mailbox(network);
    client = owner(carrier);
    const begun = network.now;
    for (const name of SERVERS) await client.addServer({ name, url: `mailbox:${name}` });
    const key = await client.createKey(KEY);
    expect(key.isComplete).toBe(true);
    const signed = await client.sign({ key: 'slow', ...messageOf('by post'), expiresInSeconds: 7 * DAY });
    expect(signed.signers).toHaveLength(2);
    const message = requestKind('message');
    const [task] = frostTasks(message.parse(messageOf('by post').payload).tasks(key.context));
    const { suite, groupKey } = key.public;
    expect(verifySignature(suite, groupKey, task!.message, signed.signatures[0]!)).toBe(true);
    // Nobody could have done this within the two minutes that a message over HTTP lives.
    expect(network.now - begun).toBeGreaterThanOrEqual(carrier.rounds * 8 * HOUR);
    expect(carrier.rounds).toBeGreaterThanOrEqual(10);
  },
);

test('a message that is given the two minutes of HTTP does not survive the mailbox', async () => {
  network.messageLifetimeSeconds = DAY;
  client = owner(mailbox(network, { lifetimeSeconds: 120 }));
  await expect(client.addServer({ name: 'alpha', url: 'mailbox:alpha' })).rejects.toMatchObject({
    code: 'MESSAGE_EXPIRED',
  });
});

test('an address is judged by the carrier that goes there', async () => {
  client = owner(mailbox(network));
  await expect(client.previewServer('http://127.0.0.1:7001')).rejects.toMatchObject({
    code: 'SERVER_URL_INVALID',
  });
});
