import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../../store/memory-store.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../../test/test-network.js';

let network: TestNetwork;
afterEach(() => network.close());

/** As if each certificate were as long as a message may be. */
const ONE_EACH = { chainPageBytes: 1 } as const;

async function shownAt(name: string): Promise<number> {
  const { storage } = network.server(name).bare.context;
  const rows = await storage.read(({ sealed }) => sealed.page('shown_epochs', null, 100));
  return rows.length;
}

test(
  'a server joins a key whose certificates do not go into one message: it is shown them page by page, and a client with nothing fetches the key from it',
  { tags: ['slow'] },
  async () => {
    network = await createTestNetwork(3);
    const client = await network.owner(ONE_EACH);
    const servers = ['alpha', 'bravo'];
    const policy = { changes: 'automatic', changeDelay: 0 } as const;
    const quorum = { needed: 2, of: 2 } as const;
    await client.createKey({ name: 'letters', purpose: 'message', quorum, servers, policy });
    for (let i = 0; i < 3; i++) {
      network.now += 86_400;
      await client.changeKey({ name: 'letters', wish: { kind: 'refresh' } });
    }
    expect(network.server('bravo').asked).not.toContain('key.learn');
    network.now += 86_400;
    const wish = { kind: 'add-server', server: 'charlie' } as const;
    expect(await client.changeKey({ name: 'letters', wish })).toMatchObject({ epoch: 4, behind: [] });
    const { asked } = network.server('charlie');
    expect(asked.filter((name) => name === 'key.learn')).toHaveLength(3);
    expect(await shownAt('charlie')).toBe(0);
    const { signers } = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['alpha'] });
    expect(signers).toEqual(['bravo', 'charlie']);

    // It shows the whole chain to others, as if it had been there from the beginning.
    const away = ownerClient(network.send, () => network.now, { store: memoryStore(), ...ONE_EACH });
    const { name, url } = network.server('charlie');
    await away.addServer({ name, url });
    const { keys } = await away.fetchKeys();
    expect(keys.map(({ changes }) => changes?.length)).toEqual([4]);
    await away.close();
  },
);
