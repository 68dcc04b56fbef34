import { afterEach, expect, test } from 'vitest';
import { memoryStore } from '../store/memory-store.js';
import { createStage, ownerClient, type Stage } from '../test/stage.js';

let stage: Stage;
afterEach(() => stage.close());

test('whoever puts one record in the place of another does not have the wrong key or server shown', async () => {
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
  const [first, second] = await store.list('sessions');
  const swaps = [
    ['keys/savings', 'keys/trash'],
    ['servers/alpha', 'servers/bravo'],
    [first!, second!],
  ] as const;
  for (const [place, other] of swaps) await store.put(place, (await store.get(other))!);
  const later = ownerClient(stage.send, () => stage.now, { store });
  const damaged = { code: 'RECORD_ALTERED' };
  await expect(later.showKey('savings')).rejects.toMatchObject(damaged);
  await expect(later.listServers()).rejects.toMatchObject(damaged);
  await expect(later.listSessions()).rejects.toMatchObject(damaged);
  await later.close();
});
