// @module-tag long
import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../../store/memory-store.js';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME } from '../../test/owned-key.js';
import { messageOf, unreachable } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

/** As if each certificate were as long as a message may be. */
const begin = (store = memoryStore()) =>
  createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0, false, { chainPageBytes: 1, store });

/** How often a server took certificates in page by page. */
async function learnedAt(name: string): Promise<number> {
  const { storage, audit } = life.network.server(name).bare.context;
  const entries = await storage.read((reader) => audit.list(reader, 1, 1_000));
  return entries.filter(({ deed }) => deed === 'key.learn').length;
}

async function shownAt(name: string): Promise<number> {
  const { storage } = life.network.server(name).bare.context;
  return (await storage.read(({ sealed }) => sealed.page('shown_epochs', null, 100))).length;
}

async function signs(without: readonly string[]): Promise<readonly string[]> {
  const { signers } = await life.client.sign({ key: NAME, ...messageOf('again'), without });
  return [...signers].sort();
}

test('a server that came back from before it was removed learns that page by page, and is added again', async () => {
  life = await begin();
  await life.backUp('charlie');
  for (const wish of [
    { kind: 'add-server', server: 'delta' },
    { kind: 'remove-server', server: 'delta' },
    { kind: 'remove-server', server: 'charlie' },
  ] as const)
    await life.change(wish);
  await life.restore('charlie');
  const charlie = await life.callerOf('charlie');
  const { keyId } = life;
  expect((await charlie.call('key.show', { keyId })).key).toMatchObject({ epoch: 0 });
  await life.change({ kind: 'add-server', server: 'charlie' });
  expect(await learnedAt('charlie')).toBeGreaterThan(0);
  expect(await shownAt('charlie')).toBe(0);
  expect(await signs(['bravo'])).toEqual(['alpha', 'charlie']);
});

test('a server that left, was added again and came back from between has its share repaired, behind certificates that it is shown page by page', async () => {
  life = await begin();
  await life.change({ kind: 'remove-server', server: 'charlie' });
  await life.backUp('charlie');
  await life.change({ kind: 'add-server', server: 'charlie' });
  await life.change({ kind: 'refresh' });
  await life.restore('charlie');
  await life.repair('charlie');
  const charlie = await life.callerOf('charlie');
  const { key } = await charlie.call('key.show', { keyId: life.keyId });
  expect([key.epoch, key.left]).toEqual([3, undefined]);
  expect(await learnedAt('charlie')).toBeGreaterThan(0);
  expect(await shownAt('charlie')).toBe(0);
  expect(await signs(['bravo'])).toEqual(['alpha', 'charlie']);
  await life.change({ kind: 'refresh' });
});

test('a server that lost its share alone has it repaired in the newest epoch', async () => {
  life = await begin();
  await life.change({ kind: 'refresh' });
  await life.change({ kind: 'add-server', server: 'delta' });
  await life.loseShare('bravo');
  await life.repair('bravo');
  expect(await signs(['alpha', 'charlie'])).toEqual(['bravo', 'delta']);
});

test('a server that left long ago is shown page by page what ended the epochs since, and destroys its old share', async () => {
  const store = memoryStore();
  life = await begin(store);
  const { network, client } = life;
  network.server('charlie').tamper = ({ name }, honest) =>
    name === 'change.retire' ? Promise.reject(unreachable('charlie')) : honest();
  await client.changeKey({ name: NAME, wish: { kind: 'remove-server', server: 'charlie' } });
  network.makeHonest();
  network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
  for (let i = 0; i < 2; i++) {
    network.now += 86_400;
    await client.changeKey({ name: NAME, wish: { kind: 'refresh' } });
  }
  network.makeHonest();
  const later = await network.owner({ store, chainPageBytes: 1 });
  await later.checkKey(NAME);
  expect(await learnedAt('charlie')).toBeGreaterThan(0);
  const { storage } = network.server('charlie').bare.context;
  expect(await storage.read(({ shares }) => shares.listAll(null, 10))).toEqual([]);
});
