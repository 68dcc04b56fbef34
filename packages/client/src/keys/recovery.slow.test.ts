import { afterEach, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';

let network: TestNetwork;
afterEach(() => network.close());

const SERVERS = ['alpha', 'bravo', 'charlie'];
const STATIC = { backup: 'static' } as const;
const REFRESH = { name: 'letters', wish: { kind: 'refresh' } } as const;

const keyOf = (recovery?: 'epoch' | 'static') =>
  ({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
    policy: { changes: 'automatic', changeDelay: 0, ...(recovery === undefined ? {} : { recovery }) },
  }) as const;

async function begin(count: number, settings: object): Promise<Client> {
  network = await createTestNetwork(count, { settings });
  return network.owner();
}

test.each([
  ['nothing', undefined, 'forgot'],
  ['epoch', 'epoch', 'forgot'],
  ['static', 'static', 'keeps'],
] as const)(
  'of a key that was made with recovery %s, servers that allow static hold shares of all epochs so, and their receipts say it',
  async (_, recovery, outcome) => {
    const client = await begin(3, STATIC);
    await client.createKey(keyOf(recovery));
    for (const epoch of [1, 2]) {
      const changed = await client.changeKey(REFRESH);
      expect(changed.epoch).toBe(epoch);
      expect(changed.forgetting).toMatchObject(SERVERS.map((server) => ({ server, outcome })));
      network.now += 86_400;
    }
    expect((await client.status()).keys).toMatchObject([{ recovery: recovery ?? 'epoch' }]);
  },
);

test('an operator who allows none refuses a key with recovery static in words, and takes one without', async () => {
  const client = await begin(3, STATIC);
  await network.server('bravo').restart({ settings: {} });
  await expect(client.createKey(keyOf('static'))).rejects.toMatchObject({
    code: 'POLICY_RECOVERY',
    facts: { server: 'bravo' },
  });
  await client.createKey(keyOf());
  expect((await client.sign({ key: 'letters', ...messageOf('hello') })).signatures).toHaveLength(1);
});

test('an operator who allows none any more, or joins, takes part in no change of a key with recovery static, and says why; the key signs', async () => {
  const client = await begin(4, STATIC);
  await client.createKey(keyOf('static'));
  for (const name of ['delta', 'charlie']) {
    await network.server(name).restart({ settings: {} });
    const wish = name === 'delta' ? ({ kind: 'add-server', server: 'delta' } as const) : REFRESH.wish;
    await expect(client.changeKey({ name: 'letters', wish })).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      message: expect.stringMatching(
        new RegExp(`waits for ${name}: ${name} holds no share .*recovery static`),
      ),
    });
    const [change] = (await client.listChanges()).filter(({ state }) => state === 'open');
    await client.cancelChange(change!, 'not this way');
    const { signers } = await client.sign({ key: 'letters', ...messageOf('hello'), without: ['alpha'] });
    expect(signers).toEqual(['bravo', 'charlie']);
  }
});
