import { p2tr, Transaction } from '@scure/btc-signer';
import { expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import {
  back,
  coin,
  derivation,
  pay,
  payee,
  psbtOf,
  txid,
  type TxInput,
  type TxOutput,
} from '../../fixtures/psbt.js';
import type { Description } from '../../kind.js';
import { bitcoinKind } from '../index.js';
import { bitcoinAddress } from '../wallet/wallet.js';

/*
 * Every number of a description beside plain arithmetic over the same transaction. Nothing of the code under test computes
 * what is expected here: sums are made while the transaction is, and sizes are those of btc-signer's finished transaction.
 */

const treasury = bitcoinKey();
const CASES = 80;
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
  /** What the first payment says of the key: that it can spend it too, with or without a proof. */
  readonly sharing: Sharing;
  readonly returned: readonly { readonly index: number; readonly sats: bigint }[];
  readonly anchors: readonly bigint[];
  readonly dataOutputs: number;
  readonly hasType: boolean;
}

type Sharing = 'none' | 'proven' | 'claimed';
const LEAF = { script: Uint8Array.of(0x51), version: 0xc0, depth: 0 };

/** A payment to an output of which others can spend the same key's part by a script, or that only says so. */
function payShared(sats: bigint, sharing: Exclude<Sharing, 'none'>): TxOutput {
  const address = bitcoinAddress(treasury.context.public, 'change', 900);
  const { script } = p2tr(address.internalKey, { script: LEAF.script }, undefined, true);
  return {
    ...derivation(address),
    amount: sats,
    script: sharing === 'proven' ? script : payee('shared'),
    tapTree: [LEAF],
  };
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
  // Often much more than the key has: it only passes through.
  const foreign = Array.from({ length: Math.max(0, dice.upTo(4) - 2) }, () => dice.sats(5_000_000_000));
  const anchors = dice.upTo(5) === 0 ? [240n] : [];
  const dataOutputs = dice.upTo(4) === 0 ? 1 : 0;
  const payments = dice.upTo(3);
  const sharing = (['none', 'none', 'proven', 'claimed'] as const)[dice.upTo(3)]!;
  const changes = payments + anchors.length + dataOutputs === 0 ? 1 + dice.upTo(1) : dice.upTo(2);
  // All of it, or what is left when its owners pay some of the fee.
  const isPassing = foreign.length > 0 && payments > 0 && dice.upTo(2) > 0;
  const passing = isPassing ? (sum(foreign) * BigInt(999 + dice.upTo(1))) / 1_000n : 0n;
  const given = sum(own) + sum(foreign) - sum(anchors) - passing;
  const parts =
    isPassing && changes === 1 && anchors.length === 0
      ? [
          ...Array.from({ length: payments }, () => 1n),
          sum(own) - (sum(own) * BigInt(10 + dice.upTo(290))) / 1_000n,
        ]
      : cut(given, payments + changes, dice);
  const paid = parts.slice(0, payments).map((sats, at) => (at === 0 ? sats + passing : sats));
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
    ...paid.map((sats, at) =>
      at === 0 && sharing !== 'none' ? payShared(sats, sharing) : pay(sats, `payee ${at}`),
    ),
    ...returned.map(({ index, sats }) => back(treasury, index, sats)),
    ...anchors.map((amount) => ({ amount, script: Uint8Array.of(0x51, 0x02, 0x4e, 0x73) })),
    ...Array.from({ length: dataOutputs }, () => ({
      amount: 0n,
      script: Uint8Array.of(0x6a, 2, 0x68, 0x69),
    })),
  ];
  const shift = dice.upTo(outputs.length - 1);
  const shuffled = [...outputs.slice(shift), ...outputs.slice(0, shift)];
  return {
    psbt: psbtOf(inputs, shuffled),
    own,
    foreign,
    paid,
    sharing: payments === 0 ? 'none' : sharing,
    returned,
    anchors,
    dataOutputs,
    hasType,
  };
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
  const told =
    /; fee ([\d,]+) sats? \((?:the key pays ([\d,]+) sats? of it at most, )?(under 0\.01|[\d,]+\.\d\d) (% of|times) what ([a-z ]+)\)$/.exec(
      sentence,
    )!;
  const number = (digits: string) => Number(digits.replaceAll(',', ''));
  expect(BigInt(told[1]!.replaceAll(',', ''))).toBe(fee);
  const { part, base, of } = worstShare(one);
  expect(told[5]).toBe(of);
  expect(told[2] === undefined ? Number(fee) : number(told[2])).toBe(part);
  expect(told[4]).toBe(part > base ? 'times' : '% of');
  const share = told[4] === 'times' ? part / base : (100 * part) / base;
  const shown = told[3] === 'under 0.01' ? 0.0025 : number(told[3]!);
  expect(Math.abs(shown - share)).toBeLessThanOrEqual(told[3] === 'under 0.01' ? 0.0025 : 0.00501);
}

interface Share {
  /** Satoshis of the fee. */
  readonly part: number;
  readonly base: number;
  readonly of: string;
}

/** The fee beside all that leaves or moves, or beside what the key alone gives or brings; whichever is worse. */
function worstShare({ own, foreign, paid, returned, anchors }: Case): Share {
  const [mine, theirs, left] = [own, foreign, [...paid, ...anchors]].map((amounts) => Number(sum(amounts)));
  const back = Number(sum(returned.map(({ sats }) => sats)));
  const fee = mine! + theirs! - left! - back;
  const ofAll =
    paid.length > 0
      ? { part: fee, base: left!, of: 'leaves' }
      : { part: fee, base: mine! + theirs!, of: 'moves' };
  const lost = mine! - back;
  if (theirs === 0 || lost <= 0) return ofAll;
  const given = lost - fee;
  const ofKey =
    given > Number(sum(anchors))
      ? { part: fee, base: given, of: 'the key pays' }
      : { part: Math.min(fee, lost), base: mine!, of: 'the key moves' };
  return ofKey.part / ofKey.base > ofAll.part / ofAll.base ? ofKey : ofAll;
}

function checkWarnings(one: Case, { warnings }: Description): void {
  const { part, base, of } = worstShare(one);
  const high = warnings.filter(({ code }) => code === 'FEE_HIGH');
  expect(high).toHaveLength(part / base > 0.05 ? 1 : 0);
  const isPaid = of === 'leaves' || of === 'the key pays';
  if (high.length > 0) expect(high[0]!.isLoss === true).toBe(part / base >= (isPaid ? 1 : 0.5));
  const shared = warnings.filter(({ code }) => code === 'OUTPUT_SHARED').map(({ text }) => text);
  if (one.sharing === 'none') expect(shared).toEqual([]);
  else {
    const amount = inBitcoin(one.paid[0]!);
    const where =
      one.sharing === 'proven'
        ? 'goes where the key can spend it, and others too'
        : 'goes where the key can spend it too, the request says, but that is not proven';
    expect(shared).toEqual([`${amount} BTC ${where}; counted as paid away`]);
  }
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
    const seen = { gains: 0, moves: 0, joint: 0, typed: 0, ofKey: 0, atMost: 0, proven: 0, claimed: 0 };
    for (let seed = 1; seed <= CASES; seed++) {
      const one = makeCase(seed);
      const description = bitcoinKind.describe(bitcoinKind.parse(one.psbt), treasury.context);
      checkSentence(one, description.sentence);
      checkRows(one, description);
      checkWarnings(one, description);
      if (seed % MEASURED === 0) checkRate(one, description);
      seen.gains += Number(description.sentence.includes('receives'));
      seen.moves += Number(description.sentence.startsWith('Move'));
      seen.joint += Number(one.foreign.length > 0);
      seen.typed += Number(one.hasType);
      seen.ofKey += Number(/of what the key (pays|moves)\)$/.test(description.sentence));
      seen.atMost += Number(description.sentence.includes('of it at most'));
      seen.proven += Number(one.sharing === 'proven');
      seen.claimed += Number(one.sharing === 'claimed');
    }
    // The cases are worth something only if each kind is among them.
    for (const [kind, count] of Object.entries(seen)) expect([kind, count > 3]).toEqual([kind, true]);
  },
);
