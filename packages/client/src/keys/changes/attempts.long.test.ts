// @module-tag long
import { equalBytes } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';

let life: KeyLife;
afterEach(() => life.close());

test('A10: one member that forgot leads no client to a try that nobody can enter', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie'], 2, 0);
  const earlier = await life.carry(['alpha', 'bravo', 'charlie'], 2);
  await earlier.propose();
  // The first is in try 5, by what the second said in try 4; the third was away since try 3.
  const tries: readonly (readonly number[])[] = [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2], [1]];
  let said: Uint8Array[] = [];
  for (const [i, slots] of tries.entries()) {
    said = await earlier.promise(i + 1, slots, said);
    await life.pass(600);
  }
  const { serverId } = (await life.newest()).params.roster[1]!;
  const second = life.network.servers.find(({ identity }) => equalBytes(identity.xid, serverId))!;
  await second.bare.sessions.voidOpen('the database is an older one');
  await life.change({ kind: 'refresh' });
  expect((await life.newest()).params.epoch).toBe(1);
});
