import { encodeHex } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import { expect, test } from 'vitest';
import { hearCounts, type CountsAsked, type Heard } from './others-counts.js';

const WITHIN = 3_600;
const MOST = 100;
const identityOf = (name: string) => new Uint8Array(32).fill(name.charCodeAt(0));

/** An epoch of which nothing but its members counts. */
function rosterOf(epoch: number, needed: number, names: string): KeyParams {
  const roster = names.split('').map((name, i) => ({ slot: i + 1, identityKey: identityOf(name) }));
  return { epoch, quorum: { needed, of: names.length }, roster } as unknown as KeyParams;
}

/** What somebody in epoch 2 says, and from which epoch on he has counted it. */
function heardOf(said: { readonly [name: string]: readonly [count: number, from: number] }): Heard {
  return new Map(
    Object.entries(said).map(([name, [count, from]]) => {
      const counts = [{ within: WITHIN, most: MOST, count, from }];
      return [encodeHex(identityOf(name)), { epoch: 2, counts }];
    }),
  );
}

/** 3 of 4 by now; x and y are gone. */
const rosters = [rosterOf(2, 3, 'abcd'), rosterOf(1, 3, 'abcdxy')];
const askedFrom = (from: number): CountsAsked => ({
  windows: [{ within: WITHIN, most: MOST, from }],
  rosters,
});
const place = { epoch: 2, self: identityOf('a') };

test('P14: one that says it has counted since an epoch whose servers are gone keeps nobody from what enough others say', () => {
  const heard = heardOf({ b: [2, 2], c: [0, 0], d: [3, 2] });
  const { told, missing } = hearCounts(askedFrom(2), heard, place);
  expect(told).toEqual([{ within: WITHIN, most: MOST, count: 5 }]);
  expect(missing).toEqual([]);
});

test('where the others are too few without it, those of the earlier epoch are missing', () => {
  const heard = heardOf({ b: [2, 2], c: [0, 0] });
  expect(hearCounts(askedFrom(2), heard, place)).toEqual({ told: [], missing: [4, 5, 6], needed: 4 });
});

test('a server that may have signed in the earlier epoch itself hears that epoch, whatever others say', () => {
  const heard = heardOf({ b: [2, 2], c: [4, 2], d: [3, 2] });
  expect(hearCounts(askedFrom(1), heard, place)).toEqual({ told: [], missing: [5, 6], needed: 4 });
});

test('an earlier epoch that can be heard counts', () => {
  const heard = heardOf({ b: [2, 2], c: [0, 0], d: [3, 2], x: [7, 0] });
  const { told } = hearCounts(askedFrom(2), heard, place);
  expect(told).toEqual([{ within: WITHIN, most: MOST, count: 12 }]);
});
