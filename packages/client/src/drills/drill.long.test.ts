// @module-tag long
import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, crashingStore, ownerClient, type TestNetwork } from '../test/test-network.js';

let network: TestNetwork;
afterEach(() => network.close());

test('a drill is gone on with after a crash at every write, by the same call', async () => {
  network = await createTestNetwork(3);
  const crashing = crashingStore(memoryStore());
  const owner = await network.owner({ store: crashing });
  const servers = network.servers.map(({ name }) => name);
  await owner.createKey({ name: 'ink', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
  const drill = () =>
    ownerClient(network.send, () => network.now, { store: crashing }).drillKey({
      name: 'ink',
      lost: 'bravo',
    });
  let crashes = 0;
  for (let at = 1; ; at++) {
    crashing.crashAt = crashing.writes + at;
    const isDone = await drill().then(
      () => true,
      () => false,
    );
    if (isDone) break;
    crashes++;
    crashing.crashAt = Number.POSITIVE_INFINITY;
    expect(await drill(), `crash at write ${at}`).toMatchObject({ lost: 'bravo', way: 'peers' });
  }
  expect(crashes).toBeGreaterThan(10);
  expect((await owner.pastDrills('ink')).history.every(({ way }) => way === 'peers')).toBe(true);
}, 240_000);
