import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../store/memory-store.js';
import { createStage, type Stage } from '../test/stage.js';

let stage: Stage;
afterEach(() => stage.close());

test('whoever puts the file of one key in the place of another does not have the wrong key shown', async () => {
  stage = await createStage(2);
  const store = memoryStore();
  const client = await stage.owner({ store });
  for (const name of ['savings', 'trash']) {
    await client.createKey({
      name,
      purpose: 'bitcoin',
      quorum: { needed: 2, of: 2 },
      servers: stage.actors.map((actor) => actor.name),
    });
  }
  await store.put('keys/savings', (await store.get('keys/trash'))!);
  const later = await stage.owner({ store });
  await expect(later.showKey('savings')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});
