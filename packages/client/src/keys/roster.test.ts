import { unrecordedMember } from './roster.js';
import { formatWords, likenessOf } from '@ckm/gordian';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeServerRecord, parseServerRecord } from '../servers/server-record.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  recordsOf,
  type TestNetwork,
  stranger,
} from '../test/test-network.js';

let network: TestNetwork;
let store: ClientStore;

beforeEach(async () => {
  network = await createTestNetwork(3);
  store = memoryStore();
  const client = await network.owner({ store });
  const servers = ['alpha', 'bravo', 'charlie'];
  await client.createKey({ name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
});
afterEach(() => network.close());

test('a pin that the owner’s own client was made to exchange for another identity is refused before anything is sent', async () => {
  const pinned = parseServerRecord('servers/bravo', (await recordsOf(store).get('servers/bravo'))!);
  const forged = encodeServerRecord({ ...pinned, publicKeys: stranger().publicKeys });
  await recordsOf(store).put('servers/bravo', forged);
  for (const server of network.servers) server.asked = [];
  const client = ownerClient(network.send, () => network.now, { store });
  const refusal = {
    code: 'SERVER_PIN_DIFFERS',
    exitCode: 74,
    message: 'the record of server bravo holds another identity than key k was made with',
  };
  const request = { key: 'k', ...messageOf('hello') };
  await expect(client.prepare(request)).rejects.toMatchObject(refusal);
  await expect(client.sign({ ...request, without: ['bravo'] })).rejects.toMatchObject(refusal);
  expect(network.servers.flatMap(({ asked }) => asked)).toEqual([]);
  await client.close();
});

test.each(['alpha', '', 'ftp://alpha.example', 'http://'])(
  'a server that is not on record here, whose certificate says %j for an address, is called by its likeness and asked nowhere',
  (url) => {
    const serverId = new Uint8Array(32).fill(5);
    const bytes = new Uint8Array(32);
    const entry = { slot: 1, serverId, identityKey: bytes, sealingKey: bytes, url } as never;
    expect(unrecordedMember(entry)).toMatchObject({
      name: formatWords(likenessOf(serverId)),
      url: 'http://unknown.invalid',
    });
  },
);
