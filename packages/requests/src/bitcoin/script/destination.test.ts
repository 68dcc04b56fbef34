import { concatBytes, decodeHex, encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { Address, OutScript } from '@scure/btc-signer';
import { bech32m } from '@scure/base';
import { describe, expect, test } from 'vitest';
import { bitcoinKey } from '../../fixtures/keys.js';
import { back, coin, pay, psbtOf } from '../../fixtures/psbt.js';
import { destinationOf, dustLimitSats } from './destination.js';
import { namesOf } from '../words/destination-names.js';
import { bitcoinKind } from '../index.js';
import { countPushes, readPushes } from './pushes.js';

const treasury = bitcoinKey();

function describeWith(...outputs: { amount: bigint; script: Uint8Array }[]) {
  const spent = outputs.reduce((sum, { amount }) => sum + amount, 0n);
  const psbt = psbtOf(
    [coin(treasury, 0, spent + 1_000_000n)],
    [...outputs, pay(500_000n), back(treasury, 0, 499_000n)],
  );
  return bitcoinKind.describe(bitcoinKind.parse(psbt), treasury.context);
}
const data = (script: string, amount = 0n) => ({ amount, script: decodeHex(script) });
const HELLO = '68656c6c6f';

describe('data is shown as what is pushed', () => {
  test.each([
    ['by its length', `6a05${HELLO}`, '5 bytes of data', '“hello”'],
    ['by OP_PUSHDATA1', `6a4c05${HELLO}`, '5 bytes of data', '“hello”'],
    ['by OP_PUSHDATA2', `6a4d0500${HELLO}`, '5 bytes of data', '“hello”'],
    ['by OP_PUSHDATA4', `6a4e05000000${HELLO}`, '5 bytes of data', '“hello”'],
    ['in two pieces', `6a05${HELLO}4c03313233`, '8 bytes of data', '“hello” and “123”'],
    ['as a small number', '6a5d', '1 byte of data', '0d'],
    ['as minus one', '6a4f', '1 byte of data', '81'],
    ['as an empty push', '6a00', '0 bytes of data', 'an empty push'],
    ['after a number, as runes do', '6a5d0214ff', '3 bytes of data', '0d and 14ff'],
    ['as bytes that are no text', '6a04deadbeef', '4 bytes of data', 'dead beef'],
    ['by nothing', '6a', '0 bytes of data', 'nothing'],
    [
      'by a push that lacks bytes',
      '6a05aa',
      'a script that nobody can run (OP_RETURN)',
      'not only data: script 6a05 aa',
    ],
    [
      'beside an opcode',
      '6a01aaac',
      'a script that nobody can run (OP_RETURN)',
      'not only data: script 6a01 aaac',
    ],
  ])('%s', (_, script, name, shown) => {
    const row = describeWith(data(script)).rows.find(({ label }) => label === 'Data');
    expect(row).toEqual({ label: 'Data', value: `0.00000000 BTC to ${name}`, note: shown });
  });

  test('as its digest where it is long, and as the digest of all where it is in many pieces', () => {
    const long = new Uint8Array(81).fill(0xff);
    const { rows } = describeWith(data(`6a4c51${encodeHex(long)}`));
    const digest = (bytes: Uint8Array) => encodeHex(sha256(bytes)).replace(/(.{4})(?=.)/g, '$1 ');
    expect(rows.find(({ label }) => label === 'Data')!.note).toBe(`SHA-256 ${digest(long)}`);
    const pieces = decodeHex(`6a${'01ff'.repeat(6)}`);
    expect(
      describeWith({ amount: 0n, script: pieces }).rows.find(({ label }) => label === 'Data')!.note,
    ).toBe(`ff and ff and ff and ff and 2 more (SHA-256 ${digest(pieces)})`);
  });

  test('a megabyte of empty pushes is counted, and does not become a million values', () => {
    const script = new Uint8Array(1_000_000);
    script[0] = 0x6a;
    expect(countPushes(script.subarray(1), 4)).toMatchObject({ count: 999_999, bytes: 0 });
    expect(countPushes(script.subarray(1), 4)!.first).toHaveLength(4);
    expect(destinationOf(script)).toEqual({ type: 'data', script, carried: script.subarray(1) });
    expect(describeWith({ amount: 0n, script }).rows.find(({ label }) => label === 'Data')!.note).toMatch(
      /^an empty push and .* and 999,995 more \(SHA-256 /,
    );
  });

  test('a script that pushes more than any stack holds is no script of pushes', () => {
    expect(readPushes(new Uint8Array(1_000))).toHaveLength(1_000);
    expect(readPushes(new Uint8Array(1_001))).toBeNull();
  });

  test('describe warns of more data outputs than many nodes relay, and of longer ones', () => {
    const codes = (...scripts: string[]) =>
      describeWith(...scripts.map((script) => data(script))).warnings.map(({ text }) => text);
    expect(codes(`6a05${HELLO}`)).toEqual([]);
    expect(codes(`6a05${HELLO}`, '6a01aa')).toEqual([
      '2 outputs carry data: many nodes relay no transaction with more than one',
    ]);
    expect(codes(`6a4c50${'aa'.repeat(80)}`)).toEqual([]);
    expect(codes(`6a4c51${'aa'.repeat(81)}`)).toEqual([
      'an output carries data in a script of 84 bytes: many nodes relay no more than 83',
    ]);
  });
});

describe('scripts that nobody knows are told apart', () => {
  test.each(Array.from({ length: 15 }, (_, at) => at + 2))(
    'by their address in witness version %i',
    (version) => {
      const program = new Uint8Array(32).fill(version);
      const script = concatBytes(Uint8Array.of(0x50 + version, 32), program);
      const address = bech32m.encode('bc', [version, ...bech32m.toWords(program)]);
      expect(destinationOf(script)).toEqual({ type: 'address', form: 'future', address });
      const { sentence, warnings } = describeWith({ amount: 600_000n, script });
      expect(sentence).toContain(` to ${address} and bc1q`);
      expect(warnings).toMatchObject([{ code: 'OUTPUT_UNKNOWN_SCRIPT', isLoss: true }]);
    },
  );

  test('and version 1 of another length than taproot’s has an address too, as BIP-350 gives it', () => {
    const script = decodeHex(
      '5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6',
    );
    expect(destinationOf(script)).toMatchObject({
      address: 'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
    });
  });

  test('by their bytes, or the digest of many', () => {
    expect(namesOf(destinationOf(decodeHex('6351')))).toEqual({
      whole: 'an unknown script, 6351',
      short: 'an unknown script (script 6351)',
    });
    const long = new Uint8Array(100).fill(0x51);
    expect(namesOf(destinationOf(long)).whole).toMatch(/^an unknown script, SHA-256 ([0-9a-f]{4} ?){16}$/);
    expect(namesOf(destinationOf(long)).short).toBe(
      `an unknown script (script with SHA-256 ${encodeHex(sha256(long)).slice(0, 16)}…)`,
    );
  });

  test('so that two of them are two payees, and the larger comes first', () => {
    const { sentence } = describeWith(data('6351', 400_000n), data('6352', 900_000n));
    expect(sentence).toMatch(
      / to an unknown script \(script 6352\) and bc1q\S+ and an unknown script \(script 6351\) from/,
    );
  });
});

test('an address that nobody knows yet stands whole in the sentence, whichever letters it has', () => {
  const { sentence } = describeWith({ amount: 600_000n, script: decodeHex('6002751e') });
  expect(sentence).toContain('bc1sw50qgdz25j');
});

describe('the least an output may hold', () => {
  /** Bitcoin Core's own words: 3 sat for each byte of the output and of an input that spends it. */
  test.each([
    ['P2PKH', `76a914${'11'.repeat(20)}88ac`, 546n],
    ['P2SH', `a914${'11'.repeat(20)}87`, 540n],
    ['P2WPKH', `0014${'11'.repeat(20)}`, 294n],
    ['P2WSH', `0020${'11'.repeat(32)}`, 330n],
    ['P2TR', '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', 330n],
    ['an anchor', '51024e73', 240n],
    ['a future witness program of 40 bytes', `5228${'11'.repeat(40)}`, 354n],
    ['a bare public key', `21${'02'.repeat(33)}ac`, 576n],
    ['data', `6a05${HELLO}`, 0n],
    ['an empty script', '', 471n],
  ])('is told by its script: %s', (_, script, least) => {
    expect(dustLimitSats(decodeHex(script))).toBe(least);
  });

  test('is judged for each output by its own script', () => {
    const codes = (script: string, amount: bigint) =>
      describeWith({ amount, script: decodeHex(script) }).warnings.map(({ code }) => code);
    expect(codes(`a914${'11'.repeat(20)}87`, 539n)).toEqual(['OUTPUT_DUST']);
    expect(codes(`a914${'11'.repeat(20)}87`, 540n)).toEqual([]);
    expect(codes(`0014${'11'.repeat(20)}`, 294n)).toEqual([]);
    expect(codes(`21${'02'.repeat(33)}ac`, 575n)).toContain('OUTPUT_DUST');
  });
});

test('every address is the one that btc-signer writes', () => {
  for (const script of [
    `76a914${'12'.repeat(20)}88ac`,
    `a914${'34'.repeat(20)}87`,
    `0014${'56'.repeat(20)}`,
    `0020${'78'.repeat(32)}`,
  ]) {
    const address = Address().encode(OutScript.decode(decodeHex(script)) as never);
    expect(destinationOf(decodeHex(script))).toMatchObject({ address });
  }
});

test('anchors are judged together: many small ones are a loss as one large one is', () => {
  const anchor = (amount: bigint) => data('51024e73', amount);
  const codes = (...amounts: bigint[]) =>
    describeWith(...amounts.map(anchor)).warnings.map(({ code }) => code);
  expect(codes(1_000n)).toEqual([]);
  expect(codes(500n, 501n)).toEqual(['OUTPUT_FOR_ANYONE']);
  expect(codes(1_001n)).toEqual(['OUTPUT_FOR_ANYONE']);
});

test('anchors that are a loss together are paid in the sentence, as every other payment is', () => {
  const anchors = [600n, 600n].map((amount) => ({ amount, script: decodeHex('51024e73') }));
  const psbt = psbtOf([coin(treasury, 0, 100_000n)], [back(treasury, 0, 98_000n), ...anchors]);
  const { sentence } = bitcoinKind.describe(bitcoinKind.parse(psbt), treasury.context);
  expect(sentence).toMatch(/^Pay 0\.00001200 BTC to anybody \(an anchor\) from treasury; fee 800 sats/);
});
