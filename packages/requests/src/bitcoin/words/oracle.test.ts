import { Transaction } from '@scure/btc-signer';
import { expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { back, coin, pay, payee, psbtOf, txid, type TxInput, type TxOutput } from '../../fixtures/psbt.js';
import type { Description } from '../../kind.js';
import { bitcoinKind } from '../index.js';

/*
 * Every number of a description beside plain arithmetic over the same transaction. Nothing of the code under test computes
 * what is expected here: sums are made while the transaction is, and sizes are those of btc-signer's finished transaction.
 */

const treasury = bitcoinKey();
const CASES = 60;
/** Of so many cases one is signed and finished, to measure it. */
const MEASURED = 5;

/** The same numbers in each run. Source: mulberry32, public domain */
function createDice(seed: number) {
  let state = seed;
  const roll = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    upTo: (most: number) => Math.floor(roll() * (most + 1)),
    /** Small amounts as often as large ones. */
    sats: (most: number) => BigInt(Math.floor(1_000 * (most / 1_000) ** roll())),
  };
}

interface Case {
  readonly psbt: Uint8Array;
  readonly own: readonly bigint[];
  readonly foreign: readonly bigint[];
  readonly paid: readonly bigint[];
  readonly returned: readonly { readonly index: number; readonly sats: bigint }[];
  readonly anchors: readonly bigint[];
  readonly dataOutputs: number;
  readonly hasType: boolean;
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);

/** Cuts `total` into as many parts as asked for, each at least one, and what is left for the fee. */
function cut(total: bigint, count: number, dice: ReturnType<typeof createDice>): bigint[] {
  const parts: bigint[] = [];
  let left = total - BigInt(count);
  for (let at = 0; at < count; at++) {
    const part = (left * BigInt(dice.upTo(1_000))) / 1_000n;
    parts.push(part + 1n);
    left -= part;
  }
  return parts;
}

function makeCase(seed: number): Case {
  const dice = createDice(seed);
  const hasType = dice.upTo(3) === 0;
  const own = Array.from({ length: 1 + dice.upTo(3) }, () => dice.sats(50_000_000));
  const foreign = Array.from({ length: Math.max(0, dice.upTo(4) - 2) }, () => dice.sats(50_000_000));
  const anchors = dice.upTo(5) === 0 ? [240n] : [];
  const dataOutputs = dice.upTo(4) === 0 ? 1 : 0;
  const payments = dice.upTo(3);
  const changes = payments + anchors.length + dataOutputs === 0 ? 1 + dice.upTo(1) : dice.upTo(2);
  const parts = cut(sum(own) + sum(foreign) - sum(anchors), payments + changes, dice);
  const paid = parts.slice(0, payments);
  const returned = parts.slice(payments).map((sats, index) => ({ index, sats }));
  const inputs: TxInput[] = [
    ...own.map((sats, at) => ({ ...coin(treasury, at, sats), ...(hasType ? { sighashType: 1 } : {}) })),
    ...foreign.map((amount, at) => ({
      txid: txid(`theirs ${seed} ${at}`),
      index: at,
      witnessUtxo: { amount, script: payee(`their ${at}`) },
    })),
  ];
  const outputs: TxOutput[] = [
    ...paid.map((sats, at) => pay(sats, `payee ${at}`)),
    ...returned.map(({ index, sats }) => back(treasury, index, sats)),
    ...anchors.map((amount) => ({ amount, script: Uint8Array.of(0x51, 0x02, 0x4e, 0x73) })),
    ...Array.from({ length: dataOutputs }, () => ({
      amount: 0n,
      script: Uint8Array.of(0x6a, 2, 0x68, 0x69),
    })),
  ];
  const shift = dice.upTo(outputs.length - 1);
  const shuffled = [...outputs.slice(shift), ...outputs.slice(0, shift)];
  return { psbt: psbtOf(inputs, shuffled), own, foreign, paid, returned, anchors, dataOutputs, hasType };
}

/** Digits of satoshis with a point before the last eight. */
function inBitcoin(sats: bigint): string {
  const digits = sats.toString().padStart(9, '0');
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`;
}

function expectedDeed({ paid, returned, anchors, dataOutputs }: Case): RegExp {
  const escaped = (amount: bigint) => inBitcoin(amount).replace('.', String.raw`\.`);
  if (paid.length > 0) {
    return new RegExp(String.raw`^Pay ${escaped(sum(paid) + sum(anchors))} BTC to .+ from treasury`);
  }
  const beside = [
    ...(anchors.length > 0 ? ['an anchor'] : []),
    ...(dataOutputs > 0 ? ['2 bytes of data'] : []),
  ].join(' and ');
  const all = sum(returned.map(({ sats }) => sats));
  return new RegExp(
    `^Move ${escaped(all)} BTC within treasury${beside === '' ? '' : `, with ${beside}`}(, together|;)`,
  );
}

function checkSentence(one: Case, sentence: string): void {
  const { own, foreign, paid, returned, anchors } = one;
  const all = sum(own) + sum(foreign);
  const back = sum(returned.map(({ sats }) => sats));
  const fee = all - sum(paid) - back - sum(anchors);
  expect(sentence).toMatch(expectedDeed(one));
  expect(sentence.includes('of others')).toBe(foreign.length > 0);
  const others = / together with (\d+) coins? of others/.exec(sentence)?.[1];
  expect(Number(others ?? 0)).toBe(foreign.length);
  const gain = /; treasury receives (\d+\.\d{8}) BTC from others/.exec(sentence)?.[1];
  expect(gain).toBe(back > sum(own) ? inBitcoin(back - sum(own)) : undefined);
  const told = /; fee ([\d,]+) sats? \((under 0\.01|[\d,]+\.\d\d) % of what (leaves|moves)\)$/.exec(
    sentence,
  )!;
  expect(BigInt(told[1]!.replaceAll(',', ''))).toBe(fee);
  const base = paid.length > 0 ? sum(paid) + sum(anchors) : all;
  expect(told[3]).toBe(paid.length > 0 ? 'leaves' : 'moves');
  const share = (100 * Number(fee)) / Number(base);
  const shown = told[2] === 'under 0.01' ? 0.0025 : Number(told[2]!.replaceAll(',', ''));
  expect(Math.abs(shown - share)).toBeLessThanOrEqual(told[2] === 'under 0.01' ? 0.0025 : 0.00501);
}

function checkRows(one: Case, { rows }: Description): void {
  const amounts = (label: string) =>
    rows.filter((row) => row.label === label).map(({ value }) => value.split(' ')[0]!);
  const sorted = (list: readonly bigint[]) => [...list].sort((a, b) => (a > b ? -1 : 1)).map(inBitcoin);
  expect(amounts('Pay')).toEqual(sorted([...one.paid, ...one.anchors]));
  expect(amounts('Change')).toEqual(sorted(one.returned.map(({ sats }) => sats)));
  expect(amounts('From')).toEqual([inBitcoin(sum(one.own))]);
  expect(amounts('Others')).toEqual(one.foreign.length === 0 ? [] : [inBitcoin(sum(one.foreign))]);
  expect(rows.filter(({ label }) => label === 'Data')).toHaveLength(one.dataOutputs);
  for (const { index, sats } of one.returned) {
    const row = rows.find(({ note }) => note === `change #${index}, recomputed`)!;
    expect(row.value.startsWith(`${inBitcoin(sats)} BTC to treasury, `)).toBe(true);
  }
}

/** The size that matters is that of the transaction as btc-signer finishes it. */
function checkRate(one: Case, { rows }: Description): void {
  if (one.foreign.length > 0) return;
  const parsed = bitcoinKind.parse(one.psbt);
  const results = bitcoinKind.tasks(parsed, treasury.context).map(treasury.sign);
  const finished = Transaction.fromPSBT(bitcoinKind.finish(parsed, treasury.context, results), {
    allowUnknownOutputs: true,
  });
  finished.finalize();
  const fee = Number(finished.fee);
  const note = rows.find(({ label }) => label === 'Fee')!.note!;
  const shown = Number(/^([\d,]+\.\d) sat\/vB/.exec(note)![1]!.replaceAll(',', ''));
  expect(Math.abs(shown - fee / finished.vsize)).toBeLessThanOrEqual(0.0501);
}

test(
  `amounts, fee, share, rate and change of ${CASES} transactions are those of plain arithmetic`,
  { tags: 'slow' },
  () => {
    const seen = { gains: 0, moves: 0, joint: 0, typed: 0 };
    for (let seed = 1; seed <= CASES; seed++) {
      const one = makeCase(seed);
      const description = bitcoinKind.describe(bitcoinKind.parse(one.psbt), treasury.context);
      checkSentence(one, description.sentence);
      checkRows(one, description);
      if (seed % MEASURED === 0) checkRate(one, description);
      seen.gains += Number(description.sentence.includes('receives'));
      seen.moves += Number(description.sentence.startsWith('Move'));
      seen.joint += Number(one.foreign.length > 0);
      seen.typed += Number(one.hasType);
    }
    // The cases are worth something only if each kind is among them.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(3);
  },
);
