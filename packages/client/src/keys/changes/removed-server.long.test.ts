// @module-tag long
import { storedShares } from '@ckm/server/test';
import { afterEach, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { giveTheKey, placeShare, type SeenShare } from '../../test/share-judge.js';

let life: KeyLife;
afterEach(() => life.close());

/** Whoever takes every disk at once has these. */
async function everyShare(): Promise<readonly SeenShare[]> {
  const newest = await life.newest();
  const all = await Promise.all(life.network.servers.map(({ bare }) => storedShares(bare)));
  return all
    .flat()
    .filter(({ epoch }) => epoch === newest.params.epoch)
    .map(({ share }) => placeShare(share, newest));
}

/** All sets of so many. */
function setsOf<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  if (length === 0) return [[]];
  return items.flatMap((first, i) => setsOf(items.slice(i + 1), length - 1).map((rest) => [first, ...rest]));
}

test('V31: a server that was removed has nothing together with too few others, old shares or new ones; a whole quorum of old ones has the key, which is why they are destroyed', async () => {
  life = await createKeyLife(['alpha', 'bravo', 'charlie', 'delta', 'echo'], 3, 0);
  const { groupKey } = life;
  const old = await everyShare();
  await life.change({ kind: 'remove-server', server: 'echo' });
  const next = await everyShare();
  expect([old.length, next.length]).toEqual([5, 4]);
  const removed = old.find(({ slot }) => slot === 5)!;
  for (let ofOld = 0; ofOld <= 1; ofOld++) {
    for (let ofNext = 0; ofNext <= 2; ofNext++) {
      const others = old.filter((one) => one !== removed);
      for (const stolen of setsOf(others, ofOld)) {
        for (const bought of setsOf(next, ofNext)) {
          const slots = [removed, ...stolen, ...bought].map(({ slot }) => slot);
          if (new Set(slots).size === slots.length)
            expect(giveTheKey([removed, ...stolen, ...bought], groupKey), slots.join()).toBe(false);
        }
      }
    }
  }
  for (const quorum of setsOf(old, 3)) expect(giveTheKey(quorum, groupKey)).toBe(true);
  for (const quorum of setsOf(next, 3)) expect(giveTheKey(quorum, groupKey)).toBe(true);
  for (const few of setsOf(next, 2)) expect(giveTheKey(few, groupKey)).toBe(false);
  // Nobody has an old one any more.
  const left = await Promise.all(life.network.servers.map(({ bare }) => storedShares(bare)));
  expect(left.flat().filter(({ epoch }) => epoch === 0)).toEqual([]);
});
