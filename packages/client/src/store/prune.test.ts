import { encodeHex } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClientStore } from './client-store.js';
import { memoryStore } from './memory-store.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

const DAY = 86_400;
const KEY = {
  purpose: 'message',
  quorum: { needed: 2, of: 3 },
  servers: ['alpha', 'bravo', 'charlie'],
  expiresInSeconds: DAY,
} as const;

let network: TestNetwork;
let store: ClientStore;

beforeEach(async () => {
  network = await createTestNetwork(3);
  store = memoryStore();
});
afterEach(() => network.close());

/** Names of the keys whose ceremonies are on record, after somebody has signed at that time. */
async function rememberedAt(now: number): Promise<string[]> {
  network.now = now;
  const client = ownerClient(network.send, () => network.now, { store });
  await client.sign({ key: 'made', ...messageOf('hello') });
  await client.close();
  const later = ownerClient(network.send, () => network.now, { store });
  const names = (await later.listSessions()).map((one) => one.keyName);
  await later.close();
  return names.sort();
}

test(
  'ceremonies that were over a month ago are forgotten; open ones, keys, evidence and what cannot be read are not',
  { tags: 'slow' },
  async () => {
    const client = await network.owner({ store });
    await client.createKey({ ...KEY, name: 'made' });
    network.server('bravo').tamper = ({ name }, honest) =>
      name === 'session.join' ? Promise.reject(unreachable('bravo')) : honest();
    for (const name of ['given-up', 'open'])
      await expect(client.createKey({ ...KEY, name })).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    network.makeHonest();
    const givenUp = (await client.listSessions()).find(({ keyName }) => keyName === 'given-up')!;
    await client.cancelSession(encodeHex(givenUp.sessionId), 'changed my mind');
    await store.put('evidence/old', new Uint8Array([1]));
    const begun = network.now;

    expect(await rememberedAt(begun + 31 * DAY)).toEqual(['given-up', 'made', 'open']);
    const [damaged] = [`sessions/${'ab'.repeat(32)}`];
    await store.put(damaged, new Uint8Array([1, 2, 3]));
    network.now = begun + 31 * DAY + 1;
    const cleaning = ownerClient(network.send, () => network.now, { store });
    await cleaning.sign({ key: 'made', ...messageOf('again') });
    await cleaning.close();
    expect(await store.get(damaged)).not.toBeNull();
    await store.delete(damaged);
    expect(await rememberedAt(begun + 31 * DAY + 2)).toEqual(['open']);
    expect(await store.get('evidence/old')).not.toBeNull();
    expect(await store.get('keys/made')).not.toBeNull();
  },
);

test('reading sessions with a read-only client removes none of them', async () => {
  const client = await network.owner({ store });
  await client.createKey({ ...KEY, name: 'made' });
  network.now += 365 * DAY;
  const looking = ownerClient(network.send, () => network.now, { store });
  await looking.status();
  await looking.prepare({ key: 'made', ...messageOf('hello') });
  await looking.close();
  expect(await store.list('sessions')).toHaveLength(1);
});
