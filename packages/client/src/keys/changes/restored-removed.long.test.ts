// @module-tag long
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife, NAME } from '../../test/key-life.js';
import { messageOf } from '../../test/test-network.js';

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
