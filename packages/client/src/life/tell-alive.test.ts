import { afterEach, expect, test } from 'vitest';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';
import { keyOfOwner } from './test/key-of-owner.js';

const DAY = 86_400;
let network: TestNetwork;
afterEach(() => network.close());

const eve = {
  name: 'eve',
  xid: new Uint8Array(32).fill(5),
  keys: [{ kind: 'ed25519' as const, key: new Uint8Array(32).fill(6) }],
};
const withHeirs = {
  approvers: [eve],
  silence: { afterSeconds: 100 * DAY, grants: [{ who: 'eve', may: ['use' as const] }] },
};

async function open(terms: Parameters<typeof keyOfOwner>[1] = withHeirs) {
  network = await createTestNetwork(3);
  return keyOfOwner(network, terms);
}

test('L3: a sign of life goes to all servers, whichever of them are used; who has not heard is named, and hears it when it is back', async () => {
  const { client } = await open();
  network.cut('charlie');
  const [first] = await client.alive();
  expect(first).toMatchObject({ key: 'savings', outcome: 'told', afterSeconds: 100 * DAY });
  expect(first!.servers.map(({ server, isHeard }) => [server, isHeard])).toEqual([
    ['alpha', true],
    ['bravo', true],
    ['charlie', false],
  ]);
  network.makeHonest();
  const deaf = async () =>
    (await client.diagnose()).filter(({ text }) => text.includes('sign of life')).map(({ text }) => text);
  expect((await deaf())[0]).toContain('charlie (never)');
  const [second] = await client.alive();
  expect(second!.servers.every(({ isHeard }) => isHeard)).toBe(true);
  expect(await deaf()).toEqual(['every server has heard a sign of life from here']);
  network.now += 11 * DAY;
  expect((await deaf())[0]).toContain('alpha');
});

test('a command that does something gives one too, to whoever answered it, once a day', async () => {
  const { client, callers, keyId } = await open();
  await client.sign({ key: 'savings', ...messageOf('a day’s work') });
  const asked = () =>
    network.servers.map(({ asked: names }) => names.filter((one) => one === 'alive.carry').length);
  expect(asked()).toEqual([0, 0, 0]);
  await client.close();
  const told = asked();
  expect(told.filter((count) => count === 1).length).toBeGreaterThanOrEqual(2);
  expect((await callers[0]!.call('key.life', { keyId })).silence).toMatchObject({ silentSeconds: 0 });
});

test('a key without heirs is told nothing, and the key of no name is unknown', async () => {
  const { client } = await open({});
  expect(await client.alive()).toEqual([]);
  await expect(client.alive('nothing')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  await expect(client.alive('savings')).rejects.toMatchObject({ code: 'KEY_WITHOUT_HEIRS' });
});
