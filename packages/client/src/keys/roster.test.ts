import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeServerRecord, parseServerRecord } from '../servers/server-record.js';
import type { ClientStore } from '../store/client-store.js';
import { memoryStore } from '../store/memory-store.js';
import { createStage, messageOf, ownerClient, recordsOf, type Stage, stranger } from '../test/stage.js';

let stage: Stage;
let store: ClientStore;

beforeEach(async () => {
  stage = await createStage(3);
  store = memoryStore();
  const client = await stage.owner({ store });
  const servers = ['alpha', 'bravo', 'charlie'];
  await client.createKey({ name: 'k', purpose: 'message', quorum: { needed: 2, of: 3 }, servers });
});
afterEach(() => stage.close());

test('a pin that the owner’s own client was made to exchange for another identity is refused before anything is sent', async () => {
  const pinned = parseServerRecord('servers/bravo', (await recordsOf(store).get('servers/bravo'))!);
  const forged = encodeServerRecord({ ...pinned, publicKeys: stranger().publicKeys });
  await recordsOf(store).put('servers/bravo', forged);
  for (const actor of stage.actors) actor.asked = [];
  const client = ownerClient(stage.send, () => stage.now, { store });
  const refusal = {
    code: 'SERVER_PIN_DIFFERS',
    exitCode: 74,
    message: 'the record of server bravo holds another identity than key k was made with',
  };
  const request = { key: 'k', ...messageOf('hello') };
  await expect(client.prepare(request)).rejects.toMatchObject(refusal);
  await expect(client.sign({ ...request, without: ['bravo'] })).rejects.toMatchObject(refusal);
  expect(stage.actors.flatMap(({ asked }) => asked)).toEqual([]);
  await client.close();
});
