// @module-tag long
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME } from '../../test/owned-key.js';
import { messageOf, unreachable } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

test('a server that is restored from before it was removed, with epochs between of which it was part, learns that it was removed, and is added again by the usual command', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0);
  await life.backUp('charlie');
  for (const wish of [
    { kind: 'add-server', server: 'delta' },
    { kind: 'remove-server', server: 'delta' },
    { kind: 'remove-server', server: 'charlie' },
  ] as const)
    await life.change(wish);
  await life.restore('charlie');
  const { keyId } = life;
  const charlie = await life.callerOf('charlie');
  expect((await charlie.call('key.show', { keyId })).key).toMatchObject({ epoch: 0 });
  const changed = await life.client.changeKey({
    name: NAME,
    wish: { kind: 'add-server', server: 'charlie' },
  });
  expect(changed).toMatchObject({ epoch: 4, behind: [], isAsOrdered: true });
  const { signers } = await life.client.sign({ key: NAME, ...messageOf('again'), without: ['bravo'] });
  expect([...signers].sort()).toEqual(['alpha', 'charlie']);
});

test('A13: one that left, was added again, and is restored from between, has its share of the newest epoch repaired by the others', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0);
  await life.change({ kind: 'remove-server', server: 'charlie' });
  await life.backUp('charlie');
  await life.change({ kind: 'add-server', server: 'charlie' });
  await life.restore('charlie');
  const charlie = await life.callerOf('charlie');
  expect((await charlie.call('key.show', { keyId: life.keyId })).key).toMatchObject({ epoch: 0, left: 1 });
  await life.repair('charlie');
  const { key } = await charlie.call('key.show', { keyId: life.keyId });
  expect([key.epoch, key.left]).toEqual([2, undefined]);
  const { signers } = await life.client.sign({ key: NAME, ...messageOf('again'), without: ['bravo'] });
  expect([...signers].sort()).toEqual(['alpha', 'charlie']);
  await life.change({ kind: 'refresh' });
});

test('A15: a key whose change is done is forgotten here though a server that left is gone for good', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0);
  const { network, client } = life;
  network.server('charlie').wire = () => Promise.reject(unreachable('charlie'));
  const changed = await client.changeKey({ name: NAME, wish: { kind: 'remove-server', server: 'charlie' } });
  expect(changed.forgetting).toContainEqual(
    expect.objectContaining({ server: 'charlie', outcome: 'silent' }),
  );
  expect((await client.listChanges()).map(({ state }) => state)).toEqual(['open']);
  await client.forgetKey(NAME);
  expect((await client.listChanges()).map(({ state }) => state)).toEqual(['finished']);
  await expect(client.showKey(NAME)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
});
