// @module-tag long
import { CkmError } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { memoryStore } from '../../store/memory-store.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../../test/test-network.js';
import type { ChangeWish } from './plan-change.js';

let network: TestNetwork;
afterEach(() => network.close());

const sign = (client: Client, without: readonly string[] = []) =>
  client.sign({ key: 'letters', ...messageOf('hello'), without });

test('2 of 3 becomes 3 of 5, 2 of 2, then 2 of 3 of other servers: the same key signs at each step, and removed servers alone do not', async () => {
  network = await createTestNetwork(5);
  const client = await network.owner();
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: ['alpha', 'bravo', 'charlie'],
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  const { public: born, transcriptHash } = await client.showKey('letters');
  const steps: readonly (readonly [ChangeWish, readonly string[]])[] = [
    [
      {
        kind: 'requorum',
        quorum: { needed: 3, of: 5 },
        servers: ['alpha', 'bravo', 'charlie', 'delta', 'echo'],
      },
      ['alpha', 'bravo'],
    ],
    [{ kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['delta', 'echo'] }, []],
    [{ kind: 'add-server', server: 'alpha' }, ['delta']],
    [{ kind: 'requorum', quorum: { needed: 2, of: 3 }, servers: ['charlie', 'alpha', 'bravo'] }, ['bravo']],
    [{ kind: 'remove-server', server: 'bravo' }, []],
  ];
  for (const [i, [wish, without]] of steps.entries()) {
    const changed = await client.changeKey({ name: 'letters', wish });
    expect(changed).toMatchObject({ epoch: i + 1, behind: [] });
    expect(changed.forgetting.every(({ outcome }) => outcome === 'forgot')).toBe(true);
    const key = await client.showKey('letters');
    expect([key.public.groupKey, key.transcriptHash]).toEqual([born.groupKey, transcriptHash]);
    const { signatures, signers } = await sign(client, without);
    expect(signers).toHaveLength(key.public.quorum.needed);
    expect(signatures).toHaveLength(1);
  }
  // A client of the same owner that was away all the time learns the whole chain.
  const away = ownerClient(network.send, () => network.now, { store: memoryStore() });
  for (const { name, url } of network.servers) await away.addServer({ name, url });
  const { keys } = await away.fetchKeys();
  expect(keys.map(({ quorum, changes }) => [quorum, changes?.length])).toEqual([[{ needed: 2, of: 2 }, 5]]);
  await away.close();
});

test('a change that operators are asked about waits with their names and six words, and is taken back', async () => {
  network = await createTestNetwork(3);
  const client = await network.owner();
  const servers = ['alpha', 'bravo', 'charlie'];
  await client.createKey({ name: 'letters', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
  const wish = { kind: 'remove-server', server: 'charlie' } as const;
  const plan = await client.planChange({ name: 'letters', wish });
  expect(plan).toMatchObject({ rules: { changes: 'operator', changeDelay: 86_400 }, joining: [] });
  await expect(client.changeKey({ name: 'letters', wish })).rejects.toMatchObject({
    code: 'CHANGE_WAITING',
    hint: expect.stringContaining('six words of the change'),
    facts: { servers: ['alpha', 'bravo'] },
  });
  const other = { kind: 'refresh' } as const;
  await expect(client.changeKey({ name: 'letters', wish: other })).rejects.toMatchObject({
    code: 'CHANGE_OPEN',
  });
  const [change] = await client.listChanges();
  expect(await client.cancelChange(change!, 'not any more')).toMatchObject({
    change: { state: 'cancelled' },
    at: servers,
    decided: [],
    silent: [],
  });
  expect(await client.changeKey({ name: 'letters', wish: other })).toMatchObject({ epoch: 1 });
  expect((await sign(client, ['alpha'])).signers).toEqual(['bravo', 'charlie']);
});

test('the same wish again finishes what was decided while a server was away: nobody has to know how far it had come', async () => {
  network = await createTestNetwork(4);
  const client = await network.owner();
  await client.createKey({
    name: 'letters',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: ['alpha', 'bravo', 'charlie'],
    policy: { changes: 'automatic', changeDelay: 0 },
  });
  const wishes: readonly ChangeWish[] = [
    { kind: 'add-server', server: 'delta' },
    { kind: 'remove-server', server: 'bravo' },
    { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['charlie', 'alpha'] },
  ];
  for (const [i, wish] of wishes.entries()) {
    network.server('charlie').tamper = ({ name }, honest) =>
      name === 'change.commit' ? Promise.reject(unreachable('charlie')) : honest();
    const args = { name: 'letters', wish };
    // Of two that both are needed none goes over before the other has its share.
    if (wish.kind === 'requorum')
      await expect(client.changeKey(args)).rejects.toMatchObject({ code: 'SERVERS_MISSING' });
    else expect(await client.changeKey(args)).toMatchObject({ epoch: i + 1, behind: ['charlie'] });
    expect((await sign(client, ['charlie'])).signers).toHaveLength(2);
    network.makeHonest();
    expect((await client.planChange(args)).order.epoch).toBe(i);
    const again = await client.changeKey(args);
    expect(again).toMatchObject({ epoch: i + 1, behind: [] });
    expect(again.forgetting.every(({ outcome }) => outcome === 'forgot')).toBe(true);
    await expect(client.changeKey(args)).rejects.toBeInstanceOf(CkmError);
  }
});
