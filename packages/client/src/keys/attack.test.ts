import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, ownerClient, type TestNetwork } from '../test/test-network.js';

let network: TestNetwork;
afterEach(() => network.close());

test('whoever puts one record in the place of another does not have the wrong key or server shown', async () => {
  network = await createTestNetwork(2);
  const store = memoryStore();
  const client = await network.owner({ store });
  for (const name of ['savings', 'trash']) {
    await client.createKey({
      name,
      purpose: 'bitcoin',
      quorum: { needed: 2, of: 2 },
      servers: network.servers.map((server) => server.name),
    });
  }
  const [first, second] = await store.list('sessions');
  const swaps = [
    ['keys/savings', 'keys/trash'],
    ['servers/alpha', 'servers/bravo'],
    [first!, second!],
  ] as const;
  for (const [place, other] of swaps) await store.put(place, (await store.get(other))!);
  const later = ownerClient(network.send, () => network.now, { store });
  const damaged = { code: 'RECORD_ALTERED' };
  await expect(later.showKey('savings')).rejects.toMatchObject(damaged);
  await expect(later.listServers()).rejects.toMatchObject(damaged);
  await expect(later.listSessions()).rejects.toMatchObject(damaged);
  await later.close();
});
