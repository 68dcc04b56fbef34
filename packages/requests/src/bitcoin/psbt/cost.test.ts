import { concatBytes } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { back, coin, pay, psbtOf } from '../../fixtures/psbt.js';
import { bitcoinCost } from './cost.js';
import { readPsbtMaps, withRecord, writePsbtMaps } from './psbt-maps.js';

const treasury = bitcoinKey();
const input = coin(treasury, 0, 1_000_000n);
/** Without what its bytes alone cost. */
const costOf = (psbt: Uint8Array) => bitcoinCost(psbt) - psbt.length / 20_000;
const ordinary = psbtOf([input], [pay(500_000n), back(treasury, 0, 499_000n)]);

test('an ordinary payment is cheap enough to be bounded by the number of messages alone', () => {
  expect(bitcoinCost(ordinary)).toBeLessThan(4);
});

test('outputs of which nothing is said are counted, each for looking up its key on the curve', () => {
  const outputs = Array.from({ length: 101 }, (_, at) => pay(1_000n, `${at}`));
  const more = costOf(psbtOf([input], outputs)) - costOf(psbtOf([input], outputs.slice(0, 1)));
  expect(more).toBeCloseTo(10);
});

test('a claim of a path of eight steps counts for more than one of two, and no record for more than that', () => {
  const claiming = (path: number[]) => {
    const output = back(treasury, 0, 499_000n);
    const [name, { der }] = output.tapBip32Derivation[0]!;
    const claim = [name, { hashes: [], der: { ...der, path } }] as (typeof output.tapBip32Derivation)[0];
    return costOf(psbtOf([input], [{ ...output, tapBip32Derivation: [claim] }]));
  };
  const short = claiming([1, 0]);
  expect(claiming([9, 9, 9, 9, 9, 9, 1, 0]) - short).toBeCloseTo(0.6);
  expect(claiming(Array.from({ length: 200 }, () => 9)) - short).toBeCloseTo(0.6);
});

test('a tree of scripts is counted by its bytes: it is decoded leaf by leaf', () => {
  const maps = [...readPsbtMaps(ordinary)];
  const leaf = Uint8Array.of(0, 0xc0, 0);
  const leaves = concatBytes(...Array.from({ length: 31_000 }, () => leaf));
  maps[2] = withRecord(maps[2]!, 0x06, leaves);
  expect(costOf(writePsbtMaps(maps)) - costOf(ordinary)).toBeCloseTo(93.4);
});
